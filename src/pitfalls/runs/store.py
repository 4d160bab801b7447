"""The folder of all runs: opening, finding, listing, removing."""

import itertools
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pitfalls.errors import InputError, RunError
from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.atomic import make_folder, sync_folder
from pitfalls.runs.check import check_run
from pitfalls.runs.code import fingerprint
from pitfalls.runs.config import config_hash, config_identity, config_to_dict
from pitfalls.runs.machine import describe_machine, describe_versions, find_commit
from pitfalls.runs.manifest import FORMAT, MANIFEST, Manifest, read_manifest
from pitfalls.runs.run import LOCK, Run

__all__ = ["RunStore"]


class RunStore:
    """All runs under one folder: ``<root>/<experiment>/<name>-<hash of config>/``.

    Parameters
    ----------
    root : path, optional
        Default: the environment variable ``PITFALLS_RUNS``, else ``runs`` in the working folder.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     seed: int = 0
    >>> @dataclass(frozen=True)
    ... class Found:
    ...     risk: float
    >>> store = RunStore(tempfile.mkdtemp())
    >>> with store.open("demo", Config()) as run:
    ...     run.save(Found(0.5))
    >>> store.open("demo", Config()).load(Found)  # the same config again reuses the run
    Found(risk=0.5)
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self.root = Path(root or os.environ.get("PITFALLS_RUNS") or "runs")
        with suppress(RuntimeError):  # ~ of nobody who is known is a name as any other
            self.root = self.root.expanduser()  # as no shell does it in --runs=~/x or in a file

    def open(
        self,
        experiment: str,
        config: object,
        *,
        entry: str | None = None,
        command: str = "",
        threads: int | None = None,
        fresh: bool = False,
    ) -> Run:
        """Return the run of ``config``: complete, to be continued, or new.

        A run that other code than the present has made or begun is neither reused nor continued: its
        folder is kept beside, with ``-older-`` and its fingerprint at the end of its name, and comes
        back into its place when that code does.

        Parameters
        ----------
        experiment : str
            Letters, digits and hyphens.
        config : dataclass instance
            Its hash names the folder; its ``run_name`` attribute, if any, comes before the hash.
        entry : str, optional
            The module of this package that holds the run function: the code that it leads to is a
            part of the run's identity.
        command : str
            What to type to make the run again.
        threads : int, optional
            Recorded in the manifest.
        fresh : bool
            Drop what an earlier run of the same config left.

        Raises
        ------
        RunError
            If another process holds the run, or its folder is damaged.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", experiment):
            raise InputError(
                f"open run: a name must be letters, digits, '.', '_' and '-', got {experiment!r}."
            )
        new = _new_manifest(experiment, config, entry)
        path = self.root / experiment / f"{new.name}-{new.hash}"
        moved = None
        if not fresh:
            moved = self._bring_into_place(path, new)
            if (path / MANIFEST).exists():
                manifest = read_manifest(path)
                if manifest.status == "complete":
                    return Run(path, manifest)
        lock = _acquire(path)
        try:
            if fresh or not (path / MANIFEST).exists():
                _clear(
                    path
                )  # what a start over that was killed has left is no run's, checkpoints too
            manifest = read_manifest(path) if (path / MANIFEST).exists() else new
            if manifest.status != "complete":
                manifest.command = command or manifest.command
                _note_where(manifest, path)
                manifest.threads = threads
                return Run(path, manifest, lock, set_aside=moved)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError) and not isinstance(error, RunError):
                raise _refused(path, error) from error
            raise
        lock.release()
        return Run(path, manifest)

    def _bring_into_place(self, path: Path, new: Manifest) -> Path | None:
        """Set a run of other code aside and return where; take back the one of this code if it lies aside."""
        moved = None
        try:
            if _is_of_other_code(path, new):
                with _acquire(path):
                    if _is_of_other_code(path, new):  # nobody else has moved it meanwhile
                        moved = _aside(path)
                        path.rename(moved)
            kept = path.with_name(f"{path.name}-older-{new.code}")
            if kept.is_dir() and not path.exists():
                kept.rename(path)
        except RunError:
            raise
        except OSError as error:
            raise _refused(path, error) from error
        return moved

    def find(self, name: str | os.PathLike[str]) -> Run:
        """Return a run for reading, by its id, the end of its id, or its folder.

        Raises
        ------
        InputError
            If no run, or more than one, goes by that name, or it is empty.
        """
        path = self._path_of(name)
        return Run(path, read_manifest(path))

    def _path_of(self, name: str | os.PathLike[str]) -> Path:
        if not str(name):
            raise InputError("find run: a name is needed, got none. See: pitfalls runs list")
        folder = Path(os.path.abspath(name))  # its names are the run's id
        folders = {f"{path.parent.name}/{path.name}": path for path in self._folders()}
        if _has_manifest(folder):
            if folder in {Path(os.path.abspath(path)) for path in folders.values()} or _is_runs(
                folder
            ):
                return folder
            raise InputError(
                f"find run: {folder / MANIFEST} is no run's, or is damaged. If it is a run's, give its "
                "store: --runs FOLDER."
            )
        matches = [id_ for id_ in folders if id_ == str(name)] or [
            id_ for id_ in folders if id_.endswith(str(name)) or id_.startswith(str(name))
        ]
        # part of a name means the present run before those set aside, which whole names reach
        matches = [id_ for id_ in matches if "-older-" not in id_] or matches
        if len(matches) == 1:
            return folders[matches[0]]
        if not matches:
            raise InputError(
                f"find run: no run is called {str(name)!r} in {self.root}. See: pitfalls runs list"
            )
        raise InputError(
            f"find run: {str(name)!r} fits {len(matches)} runs "
            f"({', '.join(sorted(matches)[:4])}{', ...' if len(matches) > 4 else ''}). "
            "Give more of the name."
        )

    def list(self, experiment: str | None = None) -> list[Run]:
        """Return every run whose manifest can be read, oldest start first; see `unreadable`."""
        runs = []
        for path in self._folders(experiment):
            with suppress(RunError):
                runs.append(Run(path, read_manifest(path)))
        return sorted(runs, key=lambda run: (run.manifest.starts[:1], run.id))

    def unreadable(self, experiment: str | None = None) -> dict[Path, str]:
        """Return the folders whose manifest cannot be read, with one line each that says why."""
        found = {}
        for path in self._folders(experiment):
            try:
                read_manifest(path)
            except RunError as error:
                found[path] = str(error)
        return found

    def check(self, *names: str | os.PathLike[str]) -> dict[Path, tuple[str, ...]]:
        """Compare all that runs hold with what was written.

        Parameters
        ----------
        *names : str or path
            As `find` takes them; none for all runs.

        Returns
        -------
        dict of Path to tuple of str
            For every run folder one line a fault; empty for a run that is whole. A run that a process
            is working on is left out.
        """
        paths = map(self._path_of, names) if names else self._folders()
        return {path: tuple(check_run(path)) for path in paths if not is_held(path)}

    def _folders(self, experiment: str | None = None) -> Iterator[Path]:
        for manifest in sorted(self.root.glob(f"*/*/{MANIFEST}")):
            if experiment in (None, manifest.parent.parent.name):
                yield manifest.parent

    def remove(self, *names: str | os.PathLike[str]) -> tuple[str, ...]:
        """Delete runs and return their ids; none if one of them is not there or is held.

        Raises
        ------
        InputError
            If no run, or more than one, goes by one of the names.
        RunError
            If another process holds one of them.
        """
        # two names of one run remove it once; a damaged manifest is no hindrance
        paths = {path.resolve(): path for path in map(self._path_of, names)}
        with ExitStack() as locks:
            for path in paths.values():
                locks.enter_context(_acquire(path))
            for path in paths.values():
                try:
                    _clear(path)
                    (path / LOCK).unlink(missing_ok=True)
                    path.unlink() if path.is_symlink() else path.rmdir()
                except OSError as error:
                    raise _refused(path, error) from error
        return tuple(f"{path.parent.name}/{path.name}" for path in paths)

    def is_held(self, run: Run) -> bool:
        """Whether a process has the run open for writing; False where that cannot be found out."""
        return is_held(run.path)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a run folder."""
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # a folder that only may be read, say: its runs can still be listed
        return False
    lock.release()
    return False


def _has_manifest(folder: Path) -> bool:
    with suppress(OSError, ValueError):  # no name of a folder at all
        return (folder / MANIFEST).exists()
    return False


def _is_runs(folder: Path) -> bool:
    """Whether a folder's manifest is a run's: many programs have a file of this name."""
    with suppress(OSError, ValueError):
        content = plain.load(read_regular(folder / MANIFEST))
        return isinstance(content, dict) and {"experiment", "identity", "files"} <= set(content)
    return False


def _note_where(manifest: Manifest, path: Path) -> None:
    """Write down on what a run is begun; of one that goes on elsewhere say so."""
    versions, machine = describe_versions(), describe_machine()
    if manifest.files or (path / "checkpoints").exists():
        changed = _changes(manifest, versions, machine)
        text = (
            f"Begun with {' and '.join(old for old, _ in changed)}, continued with "
            f"{' and '.join(new for _, new in changed)}: what was computed before may be rounded "
            "otherwise, so its numbers may not be those of an undisturbed run, bit for bit."
        )
        if changed and text not in manifest.warnings:
            manifest.warnings.append(text)
    manifest.versions, manifest.machine, manifest.commit = versions, machine, find_commit()


def _changes(
    manifest: Manifest, versions: Mapping[str, str], machine: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return (before, now) of every library that could move a number, and of the processor."""
    before = {**manifest.versions, "processor": manifest.machine.get("processor")}
    now = {**versions, "processor": machine["processor"]}
    names = [name for name in {**before, **now} if name != "pitfalls"]  # its code names the run
    changed = [name for name in names if before.get(name) != now.get(name)]
    return [
        (f"{name} {before.get(name) or 'unknown'}", f"{name} {now.get(name) or 'unknown'}")
        for name in changed
    ]


def _new_manifest(experiment: str, config: object, entry: str | None) -> Manifest:
    return Manifest(
        experiment=experiment,
        name=_folder_name(str(getattr(config, "run_name", "run"))),
        hash=config_hash(config),
        config=config_to_dict(config),
        identity=config_identity(config),
        seed=getattr(config, "seed", None),
        entry=entry,
        code=None if entry is None else fingerprint(entry),
    )


def _is_of_other_code(path: Path, new: Manifest) -> bool:
    if not (path / MANIFEST).exists():
        return False
    return _has_older_format(path) or read_manifest(path).code != new.code


def _has_older_format(path: Path) -> bool:
    """Whether an earlier version of this package wrote a run folder, whose manifest it no longer reads."""
    try:
        written = plain.load(read_regular(path / MANIFEST)).get("format")
    except (OSError, ValueError, AttributeError):
        return False
    return isinstance(written, int) and written < FORMAT


def _folder_name(text: str) -> str:
    """Return a name for a folder: what is no letter, digit, '.', '_' or '-' becomes '-'."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80] or "run"


def _aside(path: Path) -> Path:
    """Return a free name beside a run folder for the run of older code that lies in it."""
    code = "unknown" if _has_older_format(path) else read_manifest(path).code or "unknown"
    names = (f"{path.name}-older-{code}{f'-{n}' if n else ''}" for n in itertools.count())
    return next(p for name in names if not (p := path.with_name(name)).exists())


def _refused(path: Path, error: OSError) -> RunError:
    return RunError(
        f"run folder {path}: {error.strerror or error}. Choose another with --runs FOLDER."
    )


def _acquire(path: Path) -> FileLock:
    """Take the lock of a run folder, which is made if it is not there."""
    try:
        make_folder(path)
        # the operating system drops this lock when its process dies, kill -9 included
        lock = FileLock(path / LOCK)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"run {path.parent.name}/{path.name}: another process is working on it. "
            "Wait for it, or stop it first."
        ) from error
    except OSError as error:
        raise _refused(path, error) from error
    return lock


def _clear(path: Path) -> None:
    """Delete what lies in a run folder but its lock; links are deleted, not what they lead to."""
    (path / MANIFEST).unlink(missing_ok=True)  # first: what is half cleared must not count as a run
    sync_folder(path)
    for entry in path.iterdir():
        if entry.name == LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
