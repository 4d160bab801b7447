"""The folder of all runs: opening, finding, listing, removing."""

import itertools
import json
import os
import re
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from pitfalls.errors import InputError, RunError
from pitfalls.runs.code import fingerprint
from pitfalls.runs.config import config_hash, config_to_dict
from pitfalls.runs.manifest import (
    FORMAT,
    Manifest,
    describe_machine,
    describe_versions,
    find_commit,
)
from pitfalls.runs.run import Run

__all__ = ["RunStore"]

LOCK = ".lock"


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
    >>> store = RunStore(tempfile.mkdtemp())
    >>> with store.open("demo", Config()) as run:
    ...     run.save_results({"risk": 0.5})
    >>> store.open("demo", Config()).complete  # the same config again reuses the run
    True
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self.root = Path(root or os.environ.get("PITFALLS_RUNS") or "runs")

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
        new = Manifest(
            experiment=experiment,
            name=_folder_name(str(getattr(config, "run_name", "run"))),
            hash=config_hash(config),
            config=config_to_dict(config),
            seed=getattr(config, "seed", None),
            entry=entry,
            code=None if entry is None else fingerprint(entry),
        )
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", experiment):
            raise InputError(
                f"open run: a name must be letters, digits, '.', '_' and '-', got {experiment!r}."
            )
        path = self.root / experiment / f"{new.name}-{new.hash}"
        moved = None
        if not fresh:
            moved = self._bring_into_place(path, new)
            if (path / "manifest.json").exists():
                manifest = read_manifest(path)
                if manifest.status == "complete":
                    return Run(path, manifest)
        lock = _acquire(path)
        try:
            if fresh:
                _clear(path)
            manifest = read_manifest(path) if (path / "manifest.json").exists() else new
            if manifest.status != "complete":
                manifest.command = command or manifest.command
                manifest.versions = describe_versions()
                manifest.machine = describe_machine()
                manifest.threads = threads
                manifest.commit = find_commit()
                return Run(path, manifest, lock, set_aside=moved)
        except BaseException:
            lock.release()
            raise
        lock.release()
        return Run(path, manifest)

    def _bring_into_place(self, path: Path, new: Manifest) -> Path | None:
        """Set a run of other code aside and return where; take back the one of this code if it lies aside."""
        moved = None
        if _is_of_other_code(path, new):
            lock = _acquire(path)
            try:
                if _is_of_other_code(path, new):  # nobody else has moved it meanwhile
                    moved = _aside(path)
                    path.rename(moved)
            except OSError as error:
                raise RunError(
                    f"run folder {path}: other code made it, and it cannot be set aside "
                    f"({error.strerror}). Choose another folder with --runs FOLDER."
                ) from error
            finally:
                lock.release()
        kept = path.with_name(f"{path.name}-older-{new.code}")
        if kept.is_dir() and not path.exists():
            kept.rename(path)
        return moved

    def find(self, name: str | os.PathLike[str]) -> Run:
        """Return a run for reading, by its id, the end of its id, or its folder.

        Raises
        ------
        InputError
            If no run, or more than one, goes by that name.
        """
        folder = Path(name)
        if (folder / "manifest.json").exists():
            return Run(folder, read_manifest(folder))
        runs = self.list()
        matches = [run for run in runs if run.id == str(name)] or [
            run for run in runs if run.id.endswith(str(name)) or run.id.startswith(str(name))
        ]
        # part of a name means the present run before those set aside, which whole names reach
        matches = [run for run in matches if "-older-" not in run.path.name] or matches
        if len(matches) == 1:
            return matches[0]
        if not matches:
            raise InputError(
                f"find run: no run is called {str(name)!r} in {self.root}. See: pitfalls runs list"
            )
        raise InputError(
            f"find run: {str(name)!r} fits {len(matches)} runs "
            f"({', '.join(run.id for run in matches[:4])}{', ...' if len(matches) > 4 else ''}). "
            "Give more of the name."
        )

    def list(self, experiment: str | None = None) -> list[Run]:
        """Return every readable run, oldest start first; a damaged manifest is passed over."""
        runs = []
        for path in self.root.glob("*/*/manifest.json"):
            if experiment and path.parent.parent.name != experiment:
                continue
            try:
                runs.append(Run(path.parent, read_manifest(path.parent)))
            except RunError:
                continue
        return sorted(runs, key=lambda run: (run.manifest.starts[:1], run.id))

    def remove(self, name: str | os.PathLike[str]) -> str:
        """Delete a run and return its id.

        Raises
        ------
        RunError
            If another process holds it.
        """
        run = self.find(name)
        lock = _acquire(run.path)
        try:
            _clear(run.path)
        finally:
            lock.release()
        shutil.rmtree(run.path, ignore_errors=True)
        return run.id

    def is_held(self, run: Run) -> bool:
        """Whether a process has the run open for writing; False where that cannot be found out."""
        lock = FileLock(run.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:  # a folder that only may be read, say: its runs can still be listed
            return False
        lock.release()
        return False


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a run folder.

    Raises
    ------
    RunError
        If it is damaged or was written by a version with another folder format.
    """
    path = folder / "manifest.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.get("format") != FORMAT:
            raise RunError(
                f"{path}: has format {values.get('format')}, this version reads {FORMAT}. "
                "Remove the run folder and run the command again."
            )
        return Manifest.from_dict(values)
    except RunError:
        raise
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path}: is damaged ({error}). Start over with --fresh, or remove the folder."
        ) from error


def _is_of_other_code(path: Path, new: Manifest) -> bool:
    if not (path / "manifest.json").exists():
        return False
    return _has_older_format(path) or read_manifest(path).code != new.code


def _has_older_format(path: Path) -> bool:
    """Whether an earlier version of this package wrote a run folder, whose manifest it no longer reads."""
    try:
        written = json.loads((path / "manifest.json").read_bytes()).get("format")
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


def _acquire(path: Path) -> FileLock:
    try:
        path.mkdir(parents=True, exist_ok=True)
        # the operating system drops this lock when its process dies, kill -9 included
        lock = FileLock(path / LOCK)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"run {path.parent.name}/{path.name}: another process is working on it. "
            "Wait for it, or stop it first."
        ) from error
    except OSError as error:
        raise RunError(
            f"run folder {path}: {error.strerror or error}. Choose another with --runs FOLDER."
        ) from error
    return lock


def _clear(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == LOCK:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
