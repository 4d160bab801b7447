"""Changed files against every reader: an error of ours in one line, or the same content; never anything run.

    python -m benchmarks.reliability.fuzz [--examples 10000] [--readers manifest,tar] [--record]

Hypothesis makes the changes and shrinks what fails. Each reader has a memory and a time limit.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from benchmarks.record import record, source_tree
from benchmarks.reliability.crash import places
from benchmarks.reliability.kept_readers import kept_readers
from benchmarks.reliability.readers import Reader, data_readers, run_readers
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pitfalls.errors import PitfallsError

MEMORY = 2**30
"""Bytes that reading may take beyond what the process has when it starts."""

SECONDS = 10
"""Of processor time for one reading: what else the machine does is none of its faults."""

FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.")
"""What no reader has any business to do."""

_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event.startswith(FORBIDDEN):
        raise AssertionError(f"a reader ran {event}{arguments}")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["$array", "$float", "$record", "nan", "../../x", "a" * 300]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def changed(whole: bytes) -> st.SearchStrategy[bytes]:
    """Change bytes anywhere; change values where the content is JSON."""
    place = st.integers(0, max(len(whole) - 1, 0))
    chunk = st.binary(max_size=8) | st.sampled_from(
        [b"\x00" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"cos\nsystem\n(S'x'\ntR.", b"\x80\x04"]
    )
    edit = st.one_of(
        st.tuples(st.just("flip"), place, st.integers(0, 7)),
        st.tuples(st.just("set"), place, chunk),
        st.tuples(st.just("insert"), place, chunk),
        st.tuples(st.just("delete"), place, st.integers(1, 64)),
        st.tuples(st.just("repeat"), place, st.integers(1, 64)),
        st.tuples(st.just("cut"), place, st.just(0)),
    )
    edited = st.lists(edit, min_size=1, max_size=4).map(lambda edits: _edited(whole, edits))
    try:
        value = json.loads(whole)
    except ValueError:
        return edited
    places = list(_places(value))
    replaced = st.lists(
        st.tuples(st.sampled_from(places), st.sampled_from(["replace", "delete", "add"]), JSON),
        min_size=1,
        max_size=3,
    ).map(lambda changes: _replaced(whole, changes))
    return edited | replaced


def _edited(whole: bytes, edits: list[tuple[str, int, Any]]) -> bytes:
    data = bytearray(whole)
    for what, at, how in edits:
        at = min(at, len(data))
        if what == "flip" and at < len(data):
            data[at] ^= 1 << how
        elif what == "set":
            data[at : at + len(how)] = how
        elif what == "insert":
            data[at:at] = how
        elif what == "delete":
            del data[at : at + how]
        elif what == "repeat":
            data[at:at] = data[at : at + how]
        elif what == "cut":
            del data[at:]
    return bytes(data)


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*above, key))


def _replaced(whole: bytes, changes: list[tuple[tuple[Any, ...], str, Any]]) -> bytes:
    value = [json.loads(whole)]
    for path, what, new in changes:
        holder: Any = value
        try:
            *above, last = (0, *path)
            for key in above:
                holder = holder[key]
            if what == "delete" and path:
                del holder[last]
            elif what == "add" and isinstance(holder[last], dict):
                holder[last]["added"] = new
            else:
                holder[last] = new
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return json.dumps(value[0] if value else None).encode()


@contextmanager
def _limits() -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"reading takes over {SECONDS} s")

    global _watching
    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    _watching = True
    try:
        yield
    finally:
        _watching = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def same(a: Any, b: Any) -> bool:
    """Whether two contents are equal, arrays bit for bit."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and same(vars(a), vars(b))
    return type(a) is type(b) and bool(a == b or (a != a and b != b))


def fuzz(reader: Reader, examples: int) -> Counter[str]:
    """Try a reader on changed files; what came out, counted. An AssertionError shows a fault."""
    whole = reader.file.read_bytes()
    wanted = reader.read()
    counts: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(changed(whole))
    def attempt(data: bytes) -> None:
        reader.file.write_bytes(reader.prepare(data))
        counts["tried"] += 1
        try:
            with _limits():
                found = reader.read()
        except PitfallsError as error:
            counts["refused"] += 1
            text = str(error)
            assert "\n" not in text, f"more than one line: {text!r}"
            assert len(text) < 2000, f"a very long line: {text[:200]!r}"
            return
        except AssertionError:
            raise
        except BaseException as error:
            raise AssertionError(f"{type(error).__name__}: {error}") from error
        if same(found, wanted):
            counts["same content"] += 1
        else:
            counts["changed content"] += 1
            assert not reader.checked, "a changed content was accepted"

    with reader_restored(reader):
        attempt()
    return counts


def all_readers(home: Path) -> list[Reader]:
    """Return every reader, with files of its own below a folder."""
    return [
        *run_readers(home / "of a run"),
        *kept_readers(home / "kept"),
        *data_readers(home / "data"),
    ]


@contextmanager
def reader_restored(reader: Reader) -> Iterator[None]:
    """Put back what the changes have touched."""
    folder = reader.file.parent
    while (
        folder.parent.name and not (folder / "manifest.json").exists() and folder.parent != folder
    ):
        folder = folder.parent
    manifest = folder / "manifest.json"
    kept = {p: p.read_bytes() for p in [reader.file, manifest] if p.exists()}
    for path in folder.rglob("step-*") if manifest.exists() else ():
        kept[path] = path.read_bytes()
    try:
        yield
    finally:
        for path, data in kept.items():
            path.write_bytes(data)


def limit_memory() -> None:
    """Let this process have `MEMORY` more than it has."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))


def main() -> int:
    """Try every reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument(
        "--readers", default="", help="only those whose names begin with one of these"
    )
    parser.add_argument("--state", type=Path, help="what is done, and is not done again")
    parser.add_argument("--record", nargs="?", const="reliability-fuzz", help="its name in results")
    options = parser.parse_args()
    source = source_tree() if options.record or options.state else "not recorded"
    home = Path(tempfile.mkdtemp(dir=places()))
    os.chdir(home)
    wanted = tuple(options.readers.split(","))
    done: dict[str, Any] = {}
    if options.state and options.state.exists():
        done = json.loads(options.state.read_text())
    try:
        readers = all_readers(home)
        for reader in readers:
            reader.read()  # imports what it needs before the limit
        limit_memory()
        sys.addaudithook(_watch)
        for reader in readers:
            if not reader.name.startswith(wanted) or reader.name in done:
                continue
            start = time.monotonic()
            try:
                counts: dict[str, Any] = dict(fuzz(reader, options.examples))
                counts["fault"] = None
            except AssertionError as error:
                counts = {"fault": str(error)[:500]}
            done[reader.name] = counts | {"source": source}
            print(f"{reader.name}: {counts} ({time.monotonic() - start:.0f} s)", flush=True)
            if options.state:
                options.state.write_text(json.dumps(done, indent=1))
    finally:
        os.chdir("/")
        shutil.rmtree(home, ignore_errors=True)
    faults = {name: counts["fault"] for name, counts in done.items() if counts["fault"]}
    print(f"{len(done)} readers, {len(faults)} with a fault")
    if options.record:
        tried = sum(counts.get("tried", 0) for counts in done.values())
        limits = {"memory_bytes": MEMORY, "seconds": SECONDS}
        record(options.record, {"tried": tried, "faults": faults, **limits, "readers": done})
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
