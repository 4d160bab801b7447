"""The files of a run: every one recorded with its size and hash, and compared with them when it is read.

A file is written in three steps, each on the disk before the next: the whole new content beside it,
under a name that holds its hash; the hash into the journal, which the next manifest takes in; the new
file into the old one's place. Whoever holds the lock next carries out the third step where it is
missing, and drops what manifest and journal do not ask for. So these and the files always fit, at
whatever moment the process or the machine stops.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pitfalls.errors import InputError, RunError
from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.atomic import UNFINISHED, make_folder, replace, sync_folder, write_beside
from pitfalls.runs.journal import JOURNAL, Journal
from pitfalls.runs.manifest import MANIFEST, Manifest, are_records, read_manifest

__all__ = ["DAMAGED", "RunFolder"]

DERIVED = "derived.json"
"""Hashes of what was drawn from a finished run, whose manifest no longer changes."""

OWN = {MANIFEST, JOURNAL, DERIVED, "metrics.jsonl", "timings.jsonl", ".lock"}
"""Names that no file to be saved may have."""

DAMAGED = "is damaged"


class GoneError(OSError):
    """The run's folder was removed, moved or replaced while the run was open."""


class RunFolder:
    """A run's folder, with the manifest that says what lies in it.

    Attributes
    ----------
    path : Path
    manifest : Manifest
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._journal = Journal(path)
        self._identity = self._stat()

    # -- writing ------------------------------------------------------------------------------

    def write(self, name: str, data: bytes) -> Path:
        """Write a file of the run and record it.

        Raises
        ------
        OSError
            The old file, if any, then stands and is recorded as before.
        InputError
            If the name leads out of the folder.
        """
        path, name = self._inside(name)
        self.require_there()
        make_folder(path.parent)
        digest = hashlib.sha256(data).hexdigest()
        temporary = write_beside(path, data, digest[:16])
        sync_folder(path.parent)
        # where this fails the line may be there: the temporary file stays for `recover` to decide on
        self._record(name, [len(data), digest])
        temporary.replace(path)
        sync_folder(path.parent)
        return path

    def write_derived(self, name: str, data: bytes) -> Path:
        """Write a file that was drawn from the finished run; the caller holds the lock."""
        path, name = self._inside(name)
        if name in self.manifest.files:
            raise InputError(f"save_file: {name} is what the finished run found. Use another name.")
        self.require_there()
        make_folder(path.parent)
        files = self.derived()
        replace(path, data)
        files[name] = [len(data), hashlib.sha256(data).hexdigest()]
        content = {"files": files, "sha256": plain.digest(files)}
        replace(self.path / DERIVED, plain.dump(content, 2) + b"\n")
        return path

    def require_size(self, name: str) -> None:
        """Raise if a recorded file is missing or of another size."""
        path = self.path / name
        if not path.exists() or path.stat().st_size != self.manifest.files[name][0]:
            raise RunError(f"{name} was changed or deleted while the run was open")

    def forget(self, name: str) -> None:
        """Delete a file and its record."""
        self._record(name, None)
        (self.path / name).unlink(missing_ok=True)

    def write_manifest(self) -> None:
        """Replace the manifest, which takes the journal in; never makes the folder anew."""
        self.require_there()
        replace(self.path / MANIFEST, self.manifest.to_bytes())
        self._journal.drop()

    def close(self) -> None:
        """Let go of the journal, which stays where no manifest has taken it in."""
        self._journal.close()

    def _record(self, name: str, record: list[int | str] | None) -> None:
        """Note what became of a file; costs the same however many there are."""
        self.require_there()
        self._journal.append(name, record)
        if record is None:
            self.manifest.files.pop(name, None)
        else:
            self.manifest.files[name] = record

    def recover(self) -> None:
        """Finish or drop what a killed process left half done; the caller holds the lock."""
        for folder in self._folders():
            for entry in folder.iterdir():
                found = re.fullmatch(
                    rf"\.(.+)\.([0-9a-f]{{16}}){re.escape(UNFINISHED)}", entry.name
                )
                if found is None:
                    continue
                path = folder / found[1]
                _, digest = self.manifest.files.get(self._name(path), (0, ""))
                wanted = str(digest).startswith(found[2])
                if wanted and hashlib.sha256(read_regular(entry)).hexdigest() == digest:
                    entry.replace(path)
                else:
                    entry.unlink()
            sync_folder(folder)

    def require_there(self) -> None:
        """Raise `GoneError` if the folder is no longer the one that was opened."""
        if self._identity is None or self._stat() != self._identity:
            raise GoneError(
                f"its folder {self.path} was removed or replaced while the run was open"
            )

    # -- reading ------------------------------------------------------------------------------

    def holds(self, name: str) -> bool:
        """Whether a file of this name was recorded."""
        return name in self.manifest.files or name in self.derived()

    def is_whole(self, name: str) -> bool:
        """Whether a file of this name is there and as it was recorded."""
        try:
            self.read(name)
        except (RunError, FileNotFoundError):
            return False
        return True

    def read(self, name: str) -> bytes:
        """Return a file's content, compared with what was recorded.

        Raises
        ------
        FileNotFoundError
            If no such file was ever recorded.
        RunError
            If it is missing or not what was written; one short clause.
        """
        try:
            return self._compared(name)
        except RunError:
            if self.manifest.status == "complete":
                raise
            # another process may have written it anew since this manifest was read
            self.manifest.files = read_manifest(self.path).files
            return self._compared(name)

    def derived(self) -> dict[str, list[int | str]]:
        """Return the records of what was drawn from the finished run; none if they are damaged.

        Raises
        ------
        RunError
            If the disk does not give them.
        """
        try:
            data = read_regular(self.path / DERIVED)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RunError(
                f"{self.path / DERIVED} cannot be read ({error.strerror or error})"
            ) from error
        try:
            content = plain.load(data)
            files: dict[str, list[int | str]] = content["files"]
            whole = content["sha256"] == plain.digest(files) and are_records(files)
            return files if whole else {}
        except (ValueError, KeyError, TypeError):
            return {}

    def _compared(self, name: str) -> bytes:
        record = self.manifest.files.get(name) or self.derived().get(name)
        if record is None:
            raise FileNotFoundError(name)
        size, digest = record
        path = self.path / name
        try:
            if path.stat().st_size != size:
                raise RunError(f"{name} {DAMAGED} (it has {path.stat().st_size} bytes, not {size})")
            data = read_regular(path)
        except RunError:
            raise
        except FileNotFoundError:
            raise RunError(f"{name} {DAMAGED} (it is missing)") from None
        except OSError as error:
            raise RunError(f"{name} cannot be read ({error.strerror or error})") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise RunError(f"{name} {DAMAGED} (its checksum does not match)")
        return data

    # -- names --------------------------------------------------------------------------------

    def _inside(self, name: str) -> tuple[Path, str]:
        """Return path and plain name of a file in the folder; refuse what leads out of it."""
        path = Path(os.path.normpath(self.path / name))
        if not path.is_relative_to(os.path.normpath(self.path)) or path == self.path:
            raise InputError(
                f"save_file: {name!r} lies outside the run folder. Use a relative name."
            )
        inside = self._name(path)
        if inside in OWN:
            raise InputError(f"save_file: {inside} is the run folder's own. Use another name.")
        for folder in list(Path(inside).parents)[:-1]:
            if (self.path / folder).is_symlink():
                raise RunError(
                    f"{self.path / folder} is a link to another folder, and a run writes only into its own. "
                    "Remove the link."
                )
        return path, inside

    def _name(self, path: Path) -> str:
        return path.relative_to(os.path.normpath(self.path)).as_posix()

    def _folders(self) -> Iterator[Path]:
        for folder, _, _ in os.walk(self.path, followlinks=False):
            yield Path(folder)

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
