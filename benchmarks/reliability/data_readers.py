"""Every reader of data on damaged files: no untyped error, nothing run, little memory, little time.

    python -m benchmarks.reliability.data_readers [--cases 10000] [--only tar,npz] [--state FILE]

Case i of a reader is the same anywhere: its damage is drawn by the seed (reader, i). What was tried is
kept in a file and not tried again: stop and go on at any time. Each thousand cases run in a process of
their own, so that a decoder that brings the process down is found out, and where.
"""

import argparse
import contextlib
import json
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from benchmarks.record import record, source_tree
from benchmarks.reliability.memory import forget_most_memory, most_memory
from benchmarks.reliability.mutations import N_CIFAR, Target, mutate, targets

from pitfalls.errors import PitfallsError
from pitfalls.images import DataConfig, load_dataset
from pitfalls.images.data import cifar10, cifar100

SECONDS = 5.0  # of processor time that a case may take
MEMORY = 256 * 2**20  # bytes that a case may add to what the process has
CHUNK = 1000
FORBIDDEN = {
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile"),
    *("subprocess.Popen", "pty.spawn", "ctypes.dlopen", "ctypes.dlsym", "exec"),
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request"),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod"),
    *("pickle.find_class", "marshal.loads", "marshal.load", "shutil.rmtree", "import"),
}


class TooSlow(BaseException):
    """A case took longer than it may."""


class Watch:
    """What a case must not do, as Python's audit hooks see it."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what is forbidden; Python calls this at every audited event."""
        if not self.on:
            return
        if event in FORBIDDEN and not (event == "import" and arguments[0] in sys.modules):
            self.seen.append(f"{event} {str(arguments)[:80]}")
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            self.seen.append(f"open to write {str(arguments)[:80]}")


def damage(target: Target, reader: str, case: int) -> tuple[str, bytes, bool]:
    """Return the file that a case damages, its bytes then, and whether damage may be skipped."""
    rng = np.random.default_rng([zlib.crc32(reader.encode()), case])
    name = str(rng.choice(target.damaged))
    raw = target.files[name]
    if target.beneath is not None and rng.random() < 0.5:
        raw = target.beneath(raw, rng)
    else:
        raw = mutate(raw, rng)
    return name, raw, bool(rng.random() < 0.3)


def attempt(path: Path, skip_damaged: bool, watch: Watch | None) -> dict[str, Any]:
    """Read a damaged data set; say how it ended, and the time and the memory that it took."""
    forget_most_memory()
    before, started = most_memory(), time.process_time()
    if watch is not None:
        watch.on, watch.seen = True, []
    try:
        load_dataset(DataConfig(str(path), skip_damaged=skip_damaged))
        end = "read"
    except PitfallsError as error:
        end = "refused" if "\n" not in str(error) else "refused in several lines"
    except TooSlow:
        end = "too slow"
    except Exception as error:
        end = f"untyped: {type(error).__name__}: {error}"[:200]
    finally:
        if watch is not None:
            watch.on = False
    return {
        "end": f"ran: {watch.seen[0]}" if watch is not None and watch.seen else end,
        "seconds": time.process_time() - started,
        "grown": most_memory() - before,
    }


def write(target: Target, folder: Path, name: str, raw: bytes) -> None:
    """Lay one damaged file over the whole ones; undone by writing the whole one."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def prepare(folder: Path) -> dict[str, Target]:
    """Make the targets and write their files, each reader's in a folder of its own."""
    cifar10.IMAGES_A_BATCH = N_CIFAR
    cifar100.IMAGES = {"train": N_CIFAR, "test": N_CIFAR}
    with tempfile.TemporaryDirectory() as scratch:
        made = targets(Path(scratch))
    for reader, target in made.items():
        for name, raw in target.files.items():
            write(target, folder / reader, name, raw)
        load_dataset(str(folder / reader / target.path))  # imports what reading needs
    return made


def work(reader: str, start: int, stop: int, pipe: Connection) -> None:
    """Run cases in a process of its own and send how each ended."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    signal.signal(signal.SIGVTALRM, ring)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    warnings.simplefilter("error")  # a warning is something that nobody has thought of
    watch = Watch()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = prepare(folder)
        target = made[reader]
        for case in range(start, stop):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                name, raw, skip = damage(target, reader, case)
            write(target, folder / reader, name, raw)
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            outcome = attempt(folder / reader / target.path, skip, watch)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            write(target, folder / reader, name, target.files[name])
            pipe.send((case, outcome))


def run(reader: str, start: int, stop: int) -> list[dict[str, Any]]:
    """Run cases, in another process; where that dies, the case is noted and the rest goes on."""
    found: list[dict[str, Any]] = []
    context = multiprocessing.get_context("spawn")
    while start < stop:
        ours, theirs = context.Pipe(False)
        process = context.Process(target=work, args=(reader, start, stop, theirs))
        process.start()
        theirs.close()
        with contextlib.suppress(EOFError):
            while True:
                case, outcome = ours.recv()
                found.append({"case": case} | outcome)
                start = case + 1
        process.join()
        if start < stop:
            found.append(
                {"case": start, "end": f"crashed: {process.exitcode}", "seconds": 0, "grown": 0}
            )
            start += 1
    return found


def summarise(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Count how the cases of one reader ended."""
    ends = Counter(case["end"].split(":")[0] for case in found)
    odd = [case for case in found if case["end"] not in ("read", "refused")]
    heavy = [case for case in found if case["grown"] > MEMORY]
    return {
        "cases": len(found),
        "read": ends["read"],
        "refused": ends["refused"],
        "untyped": ends["untyped"] + ends["refused in several lines"],
        "ran": ends["ran"],
        "crashed": ends["crashed"],
        "too_slow": ends["too slow"],
        "too_much_memory": len(heavy),
        "most_seconds": max(case["seconds"] for case in found),
        "by_source": dict(Counter(case["source"] for case in found)),
        "most_memory_mib": max(case["grown"] for case in found) / 2**20,
        "examples": (odd + heavy)[:20],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--state", type=Path, default=Path("runs/reliability-data-readers.jsonl"))
    parser.add_argument(
        "--record", nargs="?", const="reliability-data-readers", help="its name in results"
    )
    options = parser.parse_args()
    source = source_tree()
    with tempfile.TemporaryDirectory() as scratch:
        readers = list(targets(Path(scratch)))
    wanted = options.only.split(",") if options.only else readers
    options.state.parent.mkdir(parents=True, exist_ok=True)
    done: dict[str, list[dict[str, Any]]] = {reader: [] for reader in readers}
    if options.state.exists():
        for line in options.state.read_text().splitlines():
            case = json.loads(line)
            done[case.pop("reader")].append(case)
    with options.state.open("a") as state:
        for reader in wanted:
            while (start := len(done[reader])) < options.cases:
                for outcome in run(reader, start, min(start + CHUNK, options.cases)):
                    case = outcome | {"source": source}
                    done[reader].append(case)
                    state.write(json.dumps({"reader": reader} | case) + "\n")
                state.flush()
                print(reader, len(done[reader]), flush=True)
            print(reader, json.dumps(summarise(done[reader]))[:1500], flush=True)
    if options.record:
        record(options.record, {reader: summarise(done[reader]) for reader in wanted})


if __name__ == "__main__":
    main()
