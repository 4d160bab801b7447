"""Places for what is compiled and found once, on machines where nothing may be written beside the code."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["compile_anew_with", "find_caches"]

PACKAGE = Path(__file__).parent


def find_caches() -> None:
    """Name a private temporary folder for numba's and matplotlib's caches where their own cannot be used.

    numba stops with an error where it finds no place for compiled code, and writes beside the package
    or below the home folder; matplotlib warns. Both read these variables when they are imported.
    """
    home = Path.home() if _has_home() else PACKAGE
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    missing = []
    if "NUMBA_CACHE_DIR" not in os.environ and not (_is_writable(PACKAGE) or _is_writable(cache)):
        missing.append(("NUMBA_CACHE_DIR", "numba"))
    if "MPLCONFIGDIR" not in os.environ and not (_is_writable(config) and _is_writable(cache)):
        missing.append(("MPLCONFIGDIR", "matplotlib"))
    if missing:
        folder = _private_folder()
        for variable, name in missing:
            os.environ[variable] = str(folder / name)


def _has_home() -> bool:
    try:
        Path.home()
    except RuntimeError:  # a user without an entry
        return False
    return True


def _is_writable(path: Path) -> bool:
    """Whether a folder can be written to, or made."""
    while not os.path.lexists(path) and path.parent != path:
        path = path.parent
    return os.access(path, os.W_OK | os.X_OK)


def _private_folder() -> Path:
    """Return a folder that is this user's alone: compiled code that others could change would be run."""
    folder = (
        Path(tempfile.gettempdir()) / f"pitfalls-{os.getuid() if os.name == 'posix' else 'user'}"
    )
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        mine = os.name != "posix" or (
            stat.S_ISDIR(found.st_mode)
            and found.st_uid == os.getuid()
            and not stat.S_IMODE(found.st_mode) & 0o077
        )
        if not mine:
            return Path(tempfile.mkdtemp(prefix="pitfalls-"))
    return folder


def compile_anew_with(kernel: Any, *called: Any) -> None:
    """Let a kernel that numba keeps be compiled anew where compiled functions of other files change.

    numba compares what it keeps with the file of the kernel alone: after an edit of what that calls, a
    checkout would go on with the old machine code, and a run of it would bear the new code's fingerprint.
    To be called before the kernel is.
    """
    kept = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if kept is None:  # nothing is compiled, or nothing kept
        return
    with suppress(OSError):  # no file of its own
        files = sorted({function.py_func.__code__.co_filename for function in called})
        states = [os.stat(file) for file in files]
        kept._source_stamp = (kept._source_stamp, *((s.st_mtime_ns, s.st_size) for s in states))
