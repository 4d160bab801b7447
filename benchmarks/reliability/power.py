"""Power cuts: what a disk may hold after one, from a recorded work; the same command must end the same.

    python -m benchmarks.reliability.power [--kinds small] [--every 5] [--state FILE]

In the manner of ALICE and CrashMonkey: every change is recorded with its data. A disk keeps what was
synced; of the rest it may keep any part. Data are synced by a file's fsync, names by their folder's.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.record import record, source_tree
from benchmarks.reliability.crash import draw_once, kind_named, places, undisturbed, warm_up
from benchmarks.reliability.faults import Call, compiler, forked, preload, read_log
from benchmarks.reliability.kinds import COMMANDS, Kind, content, faults_of


@dataclass
class Node:
    """A file or a folder, as it is and as the disk surely has it.

    Attributes
    ----------
    data, synced : bytes
        Of a file: the content, and that at its last fsync.
    changes : list
        Of a folder: (name, node or None) in order; a rename is one change of two names.
    kept : int
        How many of the changes its last fsync has put on the disk.
    """

    data: bytes = b""
    synced: bytes = b""
    changes: list[tuple[tuple[str, "Node | None"], ...]] | None = None
    kept: int = 0
    names: dict[str, "Node"] = field(default_factory=dict)

    def change(self, *names: tuple[str, "Node | None"]) -> None:
        """Bind names to nodes, or remove them, in one step."""
        assert self.changes is not None
        self.changes.append(names)
        for name, node in names:
            if node is None:
                self.names.pop(name, None)
            else:
                self.names[name] = node


class Disk:
    """A simulated disk below one folder."""

    def __init__(self, folder: Path) -> None:
        self.root = self._taken(folder)
        self.base = str(folder)

    def _taken(self, path: Path) -> Node:
        if path.is_dir():
            node = Node(changes=[])
            for entry in sorted(path.iterdir()):
                node.change((entry.name, self._taken(entry)))
            node.kept = len(node.changes or ())
            return node
        data = path.read_bytes()
        return Node(data, data)

    def _at(self, path: str) -> tuple[Node, str]:
        parts = path.removeprefix(self.base).strip("/").split("/")
        node = self.root
        for part in parts[:-1]:
            node = node.names[part]
        return node, parts[-1]

    def apply(self, call: Call) -> None:
        """Carry out one recorded call."""
        if call.path == self.base:
            if call.kind == "sync":
                self.root.kept = len(self.root.changes or ())
            return
        folder, name = self._at(call.path)
        if call.kind == "create":
            folder.change((name, Node()))
        elif call.kind == "mkdir":
            folder.change((name, Node(changes=[])))
        elif call.kind in ("unlink", "rmdir"):
            folder.change((name, None))
        elif call.kind == "rename":
            target, new = self._at(call.other)
            node = folder.names[name]
            if target is folder:
                folder.change((name, None), (new, node))
            else:
                target.change((new, node))
                folder.change((name, None))
        else:
            node = folder.names[name]
            if call.kind == "write":
                head = node.data[: call.at].ljust(call.at, b"\0")
                node.data = head + call.data + node.data[call.at + len(call.data) :]
            elif call.kind == "truncate":
                node.data = node.data[: call.at].ljust(call.at, b"\0")
            elif call.kind == "sync" and node.changes is not None:
                node.kept = len(node.changes)
            elif call.kind == "sync":
                node.synced = node.data


Survives = tuple[Callable[[Node], int], Callable[[Node], bytes]]
"""How many of a folder's changes, and which content of a file, a disk has kept."""


def _random(seed: int) -> Survives:
    rng = random.Random(seed)

    def data(node: Node) -> bytes:
        if node.data.startswith(node.synced):
            return node.data[: rng.randint(len(node.synced), len(node.data))]
        return rng.choice((node.synced, node.data))

    return lambda node: rng.randint(node.kept, len(node.changes or ())), data


DISKS: dict[str, Callable[[int], Survives]] = {
    "nothing unsynced": lambda seed: (lambda node: node.kept, lambda node: node.synced),
    "names without data": lambda seed: (
        lambda node: len(node.changes or ()),
        lambda node: node.synced,
    ),
    "names, lengths and zeros": lambda seed: (
        lambda node: len(node.changes or ()),
        lambda node: (
            node.synced
            if len(node.synced) >= len(node.data)
            else node.synced + bytes(len(node.data) - len(node.synced))
        ),
    ),
    "data without names": lambda seed: (lambda node: node.kept, lambda node: node.data),
    "any part": _random,
}


def write_state(node: Node, path: Path, survives: Survives) -> None:
    """Write what a disk has kept."""
    changes, data = survives
    if node.changes is None:
        path.write_bytes(data(node))
        return
    path.mkdir(exist_ok=True)
    names: dict[str, Node] = {}
    for change in node.changes[: changes(node)]:
        for name, child in change:
            if child is None:
                names.pop(name, None)
            else:
                names[name] = child
    for name, child in names.items():
        write_state(child, path / name, survives)


def record_work(kind: Kind) -> tuple[Path, list[Call], dict[str, str]]:
    """Return a folder as the work found it, the changes that the work made, and what it left."""
    wanted, _ = undisturbed(kind)
    home = Path(tempfile.mkdtemp(dir=places()))
    folder = home / "at"
    folder.mkdir()
    kind.prepare(folder)
    shutil.copytree(folder, home / "before")
    outcome = forked(lambda: kind.work(folder), folder, log=home / "log")
    if outcome.code != 0:
        raise SystemExit(outcome.output)
    return home, [call for call in read_log(home / "log") if "?" not in call.kind], wanted


def attempt(
    kind: Kind, home: Path, calls: list[Call], cut: int, disk: str, wanted: dict[str, str]
) -> dict[str, Any]:
    """Cut the power after so many changes; run the same command on what the disk has kept."""
    simulated = Disk(home / "before")
    simulated.base = str(home / "at")
    for call in calls[:cut]:
        simulated.apply(call)
    with tempfile.TemporaryDirectory(dir=places()) as name:
        folder = Path(name) / "at"
        write_state(simulated.root, folder, DISKS[disk](cut))
        again = forked(lambda: kind.work(folder), folder)
        wrong = []
        if again.code != 0:
            wrong.append(f"ended with {again.code}: {again.output[-300:]}")
        else:
            found = content(folder)
            differ = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
            wrong += [f"differs: {', '.join(differ[:5])}"] if differ else []
            wrong += faults_of(folder)
    last = calls[cut - 1].kind if cut else "nothing"
    return {
        "kind": kind.name,
        "cut": cut,
        "after": last,
        "disk": disk,
        "wrong": wrong,
    }


def main() -> int:
    """Cut the power at every place, on every disk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default=",".join(["small", *COMMANDS]))
    parser.add_argument("--every", type=int, default=1, help="only every so many of the cuts")
    parser.add_argument("--first", type=int, default=0, help="leave out so many cuts at first")
    parser.add_argument("--state", type=Path, help="what was tried, and is not tried again")
    parser.add_argument(
        "--record", nargs="?", const="reliability-power", help="its name in results"
    )
    options = parser.parse_args()
    if compiler() is None:
        print("no C compiler (cc) here: the recorder cannot be built", file=sys.stderr)
        return 77
    preload()
    source = source_tree()
    lines: list[dict[str, Any]] = []
    if options.state and options.state.exists():
        lines = [json.loads(line) for line in options.state.read_text().splitlines()]
    done = {(line["kind"], line["cut"], line["disk"]) for line in lines}
    for name in filter(None, options.kinds.split(",")):
        if name != "small":
            draw_once()
        workshop = Path(tempfile.mkdtemp(dir=places()))
        kind = kind_named(name, workshop)
        warm_up(kind, workshop / "warm")
        home, calls, wanted = record_work(kind)
        states = [(cut, disk) for cut in range(len(calls) + 1) for disk in DISKS]
        for cut, disk in states[options.first :: options.every]:
            if (name, cut, disk) in done:
                continue
            line = attempt(kind, home, calls, cut, disk, wanted) | {"source": source}
            lines.append(line)
            if options.state:
                with options.state.open("a") as file:
                    file.write(json.dumps(line) + "\n")
            if line["wrong"]:
                print(json.dumps(line), flush=True)
        shutil.rmtree(home)
        shutil.rmtree(workshop)
    found = {
        "cuts": len(lines),
        "wrong": sum(bool(line["wrong"]) for line in lines),
        "by_kind": dict(Counter(line["kind"] for line in lines)),
        "by_source": dict(Counter(line["source"] for line in lines)),
        "by_disk": dict(Counter(line["disk"] for line in lines)),
        "what_was_wrong": [line for line in lines if line["wrong"]][:20],
    }
    print(json.dumps(found, indent=1))
    if options.record:
        record(options.record, found)
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
