"""One session of pytest in which every test that runs a changed line is run against the change.

The tests are collected once. A mutant is a forked process in which the code of the one function is
exchanged, wherever it was imported to; the tests that run its line follow, the quickest first, up to the
first that fails. What each test runs is measured by coverage in a process of its own.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from benchmarks.mutants.sites import Site, code_of

LONGEST = 10.0
"""Processor seconds of a test that is left out, however much it runs."""
ENOUGH = 60.0
"""Processor seconds of tests, the quickest first, after which a mutant has survived."""
ALIVE = ("survived", "untested")
"""Ends of mutants that no test has noticed."""


class Session:
    """The plugin: measure what tests run, or try mutants on them."""

    def __init__(self, state: Path, tries: Mapping[str, tuple[Path, Site]] | None) -> None:
        self.state, self.tries = state, tries
        self.enough = 0  # mutants that could be tried; 0 for all
        self.again = False  # whether those that have survived are tried again, on more tests

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Make Hypothesis repeatable, and quick where a test fails."""
        from hypothesis import Phase, settings  # after pytest, which rewrites it

        phases = (Phase.explicit, Phase.generate)
        parent = settings.get_profile("pitfalls")
        settings.register_profile(
            "mutants", parent=parent, derandomize=True, database=None, phases=phases
        )
        settings.load_profile("mutants")
        for item in items:  # what was made before the profile was loaded has its own settings
            test = getattr(getattr(item, "obj", None), "hypothesis", None)
            own = getattr(item.obj, "_hypothesis_internal_use_settings", None) if test else None
            if own is not None:
                quick = settings(own, derandomize=True, database=None, phases=phases)
                item.obj._hypothesis_internal_use_settings = quick

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do the work in place of pytest's own loop."""
        if self.tries is None:
            self._measure(session.items)
        else:
            self._try_all({item.nodeid: item for item in session.items})
        return True

    def _measure(self, items: Sequence[pytest.Item]) -> None:
        from coverage import Coverage

        sources = Path(__file__).parents[2] / "src"
        cov = Coverage(data_file=None, include=[f"{sources}/*"], config_file=False)
        cov.start()
        seconds: dict[str, float] = {}
        for item, following in zip(items, [*items[1:], None], strict=True):
            cov.switch_context(item.nodeid)
            began = time.process_time()
            reports = runtestprotocol(item, nextitem=following, log=False)
            if all(report.passed for report in reports):
                seconds[item.nodeid] = time.process_time() - began
            else:
                print("left out:", item.nodeid, [r.outcome for r in reports], flush=True)
        cov.stop()
        data = cov.get_data()
        lines = {
            str(Path(name).resolve()): {
                line: [c for c in contexts if c in seconds]
                for line, contexts in data.contexts_by_lineno(name).items()
            }
            for name in data.measured_files()
        }
        self.state.write_text(json.dumps({"seconds": seconds, "lines": lines}))

    def _try_all(self, items: Mapping[str, pytest.Item]) -> None:
        assert self.tries is not None
        measured = json.loads(Path(f"{self.state}.measured").read_text())
        known = json.loads(self.state.read_text()) if self.state.exists() else {}
        alive = _functions()
        for number, (name, (path, site)) in enumerate(self.tries.items(), 1):
            possible = sum(of["end"] != "impossible" for of in known.values())
            full = self.enough and possible >= self.enough
            if known[name]["end"] not in ALIVE or not self.again if name in known else full:
                continue
            lines = measured["lines"].get(str(path.resolve()), {})
            first, last = site.lines
            wanted = {t for k in range(first, last + 1) for t in lines.get(str(k), ())}
            seconds = {t: measured["seconds"][t] for t in wanted if t in items}
            known[name] = self._try(path, site, alive, items, seconds)
            self.state.write_text(json.dumps(known, indent=1, ensure_ascii=False))
            print(f"{number}/{len(self.tries)} {known[name]['end']}: {name}", flush=True)

    def _try(
        self,
        path: Path,
        site: Site,
        alive: Mapping[tuple[str, str], list[FunctionType]],
        items: Mapping[str, pytest.Item],
        seconds: Mapping[str, float],
    ) -> dict[str, Any]:
        try:
            plain, changed = code_of(path, None, site.function), code_of(path, site, site.function)
        except (SyntaxError, LookupError) as error:
            return {"end": "impossible", "why": str(error)}
        same = alive.get((str(path.resolve()), site.function), [])
        if len({f.__code__.co_code for f in same}) > 1:  # a property's getter and setter, say
            same = [f for f in same if f.__code__.co_code == plain.co_code]
        if not same or any(f.__code__.co_freevars != changed.co_freevars for f in same):
            return {"end": "impossible", "why": "no such function, or other free variables"}
        if _same(changed, plain):
            return {"end": "impossible", "why": "the same code"}
        order, total = [], 0.0
        more = 10 if self.again else 1
        for test in sorted(seconds, key=seconds.__getitem__):
            if seconds[test] <= more * LONGEST and total + seconds[test] <= more * ENOUGH:
                order.append(items[test])
                total += seconds[test]
        if not order:
            return {"end": "untested", "tests": len(seconds)}
        return _in_a_process(same, changed, order, limit=int(5 * total + 30))


def _same(one: CodeType, other: CodeType) -> bool:
    parts = ("co_code", "co_consts", "co_names", "co_varnames")
    return all(getattr(one, part) == getattr(other, part) for part in parts)


def _functions() -> dict[tuple[str, str], list[FunctionType]]:
    gc.collect()
    found: dict[tuple[str, str], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType:  # isinstance would wake lazy proxies
            code = thing.__code__
            if "pitfalls" in code.co_filename:
                place = str(Path(code.co_filename).resolve())
                found.setdefault((place, code.co_qualname), []).append(thing)
    gc.freeze()
    return found


def _in_a_process(
    same: Sequence[FunctionType], changed: CodeType, order: Sequence[pytest.Item], *, limit: int
) -> dict[str, Any]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            for function in same:
                function.__code__ = changed
            code = 0
            for item, following in zip(order, [*order[1:], None], strict=True):
                if not all(r.passed for r in runtestprotocol(item, nextitem=following, log=False)):
                    os.write(write, item.nodeid.encode())
                    code = 3
                    break
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}"[:500].encode())
            code = 4
        finally:
            os._exit(code)
    os.close(write)
    end = _wait(pid, deadline=time.monotonic() + 20 * limit)
    said = os.read(read, 10_000).decode(errors="replace")
    os.close(read)
    if end == 0:
        return {"end": "survived", "tests": len(order)}
    by = said or ("too long" if end in (-signal.SIGXCPU, -signal.SIGKILL) else f"exit {end}")
    return {"end": "too long" if by == "too long" else "killed", "by": by}


def _wait(pid: int, deadline: float) -> int:
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(tests: Sequence[str], plugin: Session) -> int:
    """Run pytest with the plugin on these tests."""
    sys.setswitchinterval(0.005)
    options = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--timeout=0"]
    return int(pytest.main([*options, *tests], plugins=[plugin]))
