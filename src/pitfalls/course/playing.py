"""Play a platform's container here: its files and paths, its limits, no network."""

import contextlib
import ctypes
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pitfalls.errors import DataError, InputError, ResourceError

__all__ = ["Container", "Played", "play"]

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


@dataclass(frozen=True)
class Container:
    """What the platform gives a submission (Gradescope's default machine).

    Parameters
    ----------
    memory_mb : int
        All processes together.
    processors : float
        The share of one processor.
    minutes : float
        Until the machine is stopped.

    Raises
    ------
    InputError
        If one of them is not above zero.
    """

    memory_mb: int = 768
    processors: float = 0.5
    minutes: float = 10.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise InputError(
                    f"Container: {name} must be above 0 and finite. Got {value} instead."
                )


@dataclass(frozen=True)
class Played:
    """What the platform would have got.

    Attributes
    ----------
    platform : str
    results : dict
        The results file, read.
    cpu_seconds : float
        Of the processor, all processes.
    container_seconds : float
        How long the container's share of a processor takes for that.
    peak_mb : float
        All processes together; pages they share count once.
    offline : bool
        Whether the network was taken away here.
    """

    platform: str
    results: dict[str, Any]
    cpu_seconds: float
    container_seconds: float
    peak_mb: float
    offline: bool


def play(course: Path, submission: Path, container: Container | None = None) -> Played:
    """Run a built course's own script on a submission as its platform does.

    Parameters
    ----------
    course : Path
        The folder that ``build_course`` wrote.
    submission : Path
        The folder handed in.
    container : Container, optional

    Raises
    ------
    DataError
        If the folder is no built course, the submission no folder, or no results come.
    ResourceError
        If the container's memory or time runs out.
    """
    container = container or Container()
    if not submission.is_dir():
        raise DataError(f"course try: the submission must be a folder, got {submission}.")
    with tempfile.TemporaryDirectory(prefix="container-") as name:
        root = Path(name)
        root.chmod(0o755)  # the confined work has a user of its own
        platform, command, results = _lay_out(course, submission, root)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "AUTOGRADER_ROOT": name,
            "GRADE_ROOT": name,
            "PITFALLS_PYTHON": sys.executable,
            "OMP_NUM_THREADS": "1",
            "HOME": name,
        }
        watch = _Watch(container)
        offline = watch.run(command, environment, root)
        try:
            held = json.loads(results.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"course try: no results came ({error}).") from None
    share = watch.cpu_seconds / container.processors
    return Played(platform, held, watch.cpu_seconds, share, watch.peak_mb, offline)


def _lay_out(course: Path, submission: Path, root: Path) -> tuple[str, list[str], Path]:
    """Put everything where the platform has it; returns its name, its command, its results file."""
    if (course / "question/info.json").is_file():
        shutil.copytree(course / "question/tests", root / "tests")
        _hand_in(submission, root / "student")
        return "prairielearn", ["bash", str(root / "tests/run.sh")], root / "results/results.json"
    if (course / "grader/sheet.json").is_file():
        # Otter's own machinery is not here: its tests ask the same grader
        shutil.copytree(course / "grader", root / "grader")
        _hand_in(submission, root / "work")
        script = _plain_script(root)
        return "plain", ["bash", script, "work", "results.json"], root / "results.json"
    # after the others: Otter's own script writes a file of this name beside the grader
    if (course / "autograder.zip").is_file():
        for folder in ("source", "results"):
            (root / folder).mkdir()
        with zipfile.ZipFile(course / "autograder.zip") as archive:
            archive.extractall(root / "source")
        shutil.copy(root / "source/run_autograder", root / "run_autograder")
        _hand_in(submission, root / "submission")
        command = ["bash", str(root / "run_autograder")]
        return "gradescope", command, root / "results/results.json"
    raise DataError(
        f"course try: {course} is no built course. Make one: pitfalls course build --out {course}"
    )


def _plain_script(root: Path) -> str:
    """Write the plain course's one command beside the grader."""
    from importlib.resources import files

    script = root / "grade.sh"
    script.write_bytes(files("pitfalls.course").joinpath("formats", "grade.sh").read_bytes())
    return str(script)


def _hand_in(submission: Path, to: Path) -> None:
    """Copy what was handed in, links as links, as a platform's upload is unpacked."""

    def only_files(folder: str, names: list[str]) -> list[str]:
        paths = {name: Path(folder, name) for name in names}
        return [n for n, p in paths.items() if not (p.is_file() or p.is_dir() or p.is_symlink())]

    shutil.copytree(submission, to, symlinks=True, ignore=only_files)


class _Watch:
    """Runs a command and adds up what all its processes take."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.cpu_seconds = 0.0
        self.peak_mb = 0.0

    def run(self, command: list[str], environment: dict[str, str], root: Path) -> bool:
        before = _children_cpu()
        marker = root / "online"
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_leave_network(marker),
        )
        until = time.monotonic() + 60 * self.container.minutes
        try:
            while process.poll() is None:
                self._look(process.pid, until)
                time.sleep(0.05)
        except BaseException:
            for number in (process.pid, *_descendants(process.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            process.wait()
            raise
        self.cpu_seconds = _children_cpu() - before
        return not marker.exists()

    def _look(self, process: int, until: float) -> None:
        numbers = (process, *_descendants(process))
        used = sum(_memory_kb(number) for number in numbers) / 1024
        self.peak_mb = max(self.peak_mb, used)
        if used > self.container.memory_mb:
            raise ResourceError(
                f"course try: the processes take {used:.0f} MB and the container has "
                f"{self.container.memory_mb}. Give --memory-mb more."
            )
        cpu = sum(_cpu(number) for number in numbers)
        allowed = 60 * self.container.minutes * self.container.processors
        if cpu > allowed or time.monotonic() > until:
            raise ResourceError(
                f"course try: the container's {self.container.minutes:g} minutes are used up."
            )


def _leave_network(marker: Path) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.fsencode(marker)

    def leave() -> None:
        if libc.unshare(CLONE_NEWNET) and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))  # it stays on the network: said

    return leave


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _stat(number: int) -> list[str]:
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


TICKS: Final = os.sysconf("SC_CLK_TCK")


def _cpu(number: int) -> float:
    fields = _stat(number)
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICKS if fields else 0.0


def _descendants(process: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, left = [], [process]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def _memory_kb(number: int) -> int:
    """Proportional memory: a page that processes share counts once in their sum."""
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            text = Path(f"/proc/{number}/{name}").read_text(encoding="ascii")
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    return 0
