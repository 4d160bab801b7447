"""A fault at every system call of six kinds of run; afterwards the same command must end with the same bytes.

    python -m benchmarks.reliability.crash [--kinds "parity signal,report"] [--every 7] [--state FILE]

What was tried is kept in a file, line by line, and not tried again: stop and go on at any time.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import record, source_tree
from benchmarks.reliability.faults import MODES, READS, compiler, forked, preload, read_log
from benchmarks.reliability.kinds import (
    COMMANDS,
    SMALL,
    Kind,
    command,
    content,
    faults_of,
    report_kind,
)


@dataclass(frozen=True)
class Case:
    """One fault: at which call of a work, and which."""

    kind: str
    at: int
    call: str
    mode: str


def places() -> Path:
    """Return where the works run: in memory if there is such a place, because they sync often."""
    return Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())


def undisturbed(kind: Kind) -> tuple[dict[str, str], list[str]]:
    """Return what a work leaves without any fault, and the kinds of its system calls in order."""
    with tempfile.TemporaryDirectory(dir=places()) as name:
        folder = Path(name) / "at"
        folder.mkdir()
        kind.prepare(folder)
        log = Path(name) / "log"
        outcome = forked(lambda: kind.work(folder), folder, log=log)
        if outcome.code != 0:
            raise SystemExit(f"{kind.name} fails without any fault: {outcome.output}")
        if faults := faults_of(folder):
            raise SystemExit(f"{kind.name}: {faults}")
        calls = [call.kind[1:] for call in read_log(log) if call.kind.startswith("?")]
        return content(folder), calls


def cases(kind: str, calls: list[str]) -> Iterator[Case]:
    """List every fault that can make a difference at every call."""
    for at, call in enumerate(calls, 1):
        for mode in MODES:
            if call in READS and mode not in ("input/output error", "interrupted call"):
                continue
            if mode in ("half write, then kill", "short write") and call != "write":
                continue
            yield Case(kind, at, call, mode)


def attempt(kind: Kind, case: Case, wanted: dict[str, str]) -> dict[str, Any]:
    """Run a work with one fault, then again without; say what was wrong."""
    with tempfile.TemporaryDirectory(dir=places()) as name:
        folder = Path(name) / "at"
        folder.mkdir()
        kind.prepare(folder)
        first = forked(lambda: kind.work(folder), folder, at=case.at, mode=case.mode)
        again = forked(lambda: kind.work(folder), folder)
        wrong = [first.fault] if first.fault else []
        if again.code != 0:
            wrong.append(f"the same command then ended with {again.code}: {again.output[-300:]}")
        else:
            found = content(folder)
            differ = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
            wrong += [f"differs: {', '.join(differ[:5])}"] if differ else []
            wrong += faults_of(folder)
        ending = "killed" if first.killed else "error" if first.code else "unharmed"
        return {**vars(case), "ending": ending, "wrong": wrong}


def prepare_report(folder: Path) -> Path:
    """Make the runs that the report is written from."""
    for line in COMMANDS.values():
        outcome = forked(lambda line=line: command(line)(folder), folder)  # type: ignore[misc]
        if outcome.code != 0:
            raise SystemExit(outcome.output)
    return folder / "runs"


def kind_named(name: str, workshop: Path) -> Kind:
    """Return a kind of work; what the report needs is made in the workshop."""
    if name == "small":
        return SMALL
    return (
        report_kind(prepare_report(workshop))
        if name == "report"
        else Kind(name, command(COMMANDS[name]))
    )


def draw_once() -> None:
    """Draw equal figures once: they take most of the time, and none of the system calls."""
    import pitfalls.plots as plots

    if plots.draw.__module__ == __name__:
        return
    drawn: dict[Any, Any] = {}
    real = plots.draw

    def draw(figure: Any, result: Any, kinds: Any = ("svg", "png")) -> Any:
        key = figure.name, repr(result), kinds
        if key not in drawn:
            drawn[key] = real(figure, result, kinds)
        return drawn[key]

    plots.draw = draw  # type: ignore[assignment]


def typeset_once() -> None:
    """Typeset equal texts once, in a process of its own: the typesetter's threads do not survive a fork."""
    from pitfalls.report import writeup

    if writeup._compile.__module__ == __name__:
        return
    home, known, real = os.getpid(), dict[Any, bytes](), writeup._compile

    def compile_(folder: Path, target: Any) -> bytes:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        text = b"".join(
            str(path.relative_to(folder)).encode() + path.read_bytes() for path in files
        )
        key = target, hashlib.sha256(text).hexdigest()
        if key not in known:
            if os.getpid() != home:
                return real(folder, target)
            with tempfile.TemporaryDirectory() as name:
                out = Path(name) / "out"
                outcome = forked(lambda: out.write_bytes(real(folder, target)) and 0, folder)
                if outcome.code:
                    raise SystemExit(outcome.output)
                known[key] = out.read_bytes()
        return known[key]

    writeup._compile = compile_  # type: ignore[assignment]


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Count what was tried and what came out."""
    return {
        "faults": len(lines),
        "wrong": sum(bool(line["wrong"]) for line in lines),
        "by_kind": {
            kind: {
                "faults": len(of),
                "calls": len({line["at"] for line in of}),
                **Counter(line["ending"] for line in of),
                "wrong": sum(bool(line["wrong"]) for line in of),
            }
            for kind in sorted({line["kind"] for line in lines})
            if (of := [line for line in lines if line["kind"] == kind])
        },
        "by_source": dict(Counter(line["source"] for line in lines)),
        "by_mode": dict(Counter(line["mode"] for line in lines)),
        "by_call": dict(Counter(line["call"] for line in lines)),
        "what_was_wrong": [line for line in lines if line["wrong"]][:20],
    }


def main() -> int:
    """Try the faults, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default=",".join([*COMMANDS, "report"]))
    parser.add_argument("--every", type=int, default=1, help="only every so many of the faults")
    parser.add_argument("--first", type=int, default=0, help="leave out so many faults at first")
    parser.add_argument("--state", type=Path, help="what was tried, and is not tried again")
    parser.add_argument(
        "--record", nargs="?", const="reliability-faults", help="its name in results"
    )
    options = parser.parse_args()
    if compiler() is None:
        print("no C compiler (cc) here: the faults cannot be built", file=sys.stderr)
        return 77
    preload()
    source = source_tree()
    lines: list[dict[str, Any]] = []
    if options.state and options.state.exists():
        lines = [json.loads(line) for line in options.state.read_text().splitlines()]
    done = {(line["kind"], line["at"], line["mode"]) for line in lines}
    workshop = Path(tempfile.mkdtemp(dir=places()))
    try:
        for name in filter(None, options.kinds.split(",")):
            if name != "small":
                draw_once()
                typeset_once()
            kind = kind_named(name, workshop)
            warm_up(kind, workshop / f"warm {name}")
            wanted, calls = undisturbed(kind)
            chosen = list(cases(name, calls))[options.first :: options.every]
            for case in chosen:
                if (case.kind, case.at, case.mode) in done:
                    continue
                line = attempt(kind, case, wanted) | {"source": source}
                lines.append(line)
                if options.state:
                    with options.state.open("a") as file:
                        file.write(json.dumps(line) + "\n")
                if line["wrong"]:
                    print(json.dumps(line), flush=True)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    found = summary(lines)
    print(json.dumps({k: found[k] for k in ("faults", "wrong", "by_kind")}, indent=1))
    if options.record:
        record(options.record, found)
    return 1 if found["wrong"] else 0


def warm_up(kind: Kind, folder: Path) -> None:
    """Import and draw what the work needs in this process: the forked ones then start with it."""
    folder.mkdir()
    kind.prepare(folder)
    kind.work(folder)


if __name__ == "__main__":
    sys.exit(main())
