"""CIFAR-10 in the cache, fetched from any mirror and verified when it is not there."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pitfalls.downloads.resuming import ResumingDownloader
from pitfalls.errors import DataError, InputError
from pitfalls.images.data import CIFAR10_ARCHIVES

__all__ = ["cache_folder", "cached_cifar10", "fetch_cifar10", "find_cifar10"]

Progress = Callable[[int, int], None]

ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_BYTES = 170_498_071
OFFICIAL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
CACHE_VARIABLE = "PITFALLS_CACHE"


def cache_folder() -> Path:
    """Return where downloads are kept: ``PITFALLS_CACHE``, or the platform's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("pitfalls"))


def cached_cifar10() -> Path | None:
    """Return the CIFAR-10 archive or folder in the cache, or None."""
    for name in (*CIFAR10_ARCHIVES, "cifar-10-batches-py", "cifar-10-batches-bin"):
        path = cache_folder() / name
        if path.exists():
            return path
    return None


def find_cifar10(
    *,
    mirrors: Sequence[str] = (),
    patience: float | None = 60.0,
    on_progress: Progress | None = None,
) -> Path:
    """Return CIFAR-10 from the cache, downloading it when it is not there.

    Parameters
    ----------
    mirrors : sequence of str
        Addresses to try before the official one; the same checksum holds for all.
    patience : float, optional
        Give up when the download would take more seconds than this; what came is kept, and a later
        download goes on from there. None waits as long as something comes.
    on_progress : callable, optional
        Called with (bytes done, bytes in all) while downloading.

    Raises
    ------
    DataError
        If it is in no cache and no address could deliver it; the message says why for each.
    """
    return cached_cifar10() or fetch_cifar10(
        mirrors=mirrors, patience=patience, on_progress=on_progress
    )


def fetch_cifar10(
    *,
    mirrors: Sequence[str] = (),
    folder: Path | None = None,
    patience: float | None = None,
    on_progress: Progress | None = None,
) -> Path:
    """Return the official archive in the cache, downloading what is missing of it.

    Parameters
    ----------
    mirrors : sequence of str
        http(s) addresses of the archive, or of a folder that has it, tried before the official
        host. Whatever a mirror sends is used only if the official checksum holds.
    folder : Path, optional
        Instead of `cache_folder()`.
    patience : float, optional
        Give up, keeping what came, if the rest would take more seconds than this or the host does
        not answer at once.
    on_progress : callable, optional
        Called with (bytes done, bytes in all).

    Raises
    ------
    DataError
        If no address could deliver it; the message says why for each.
    """
    import pooch

    folder = cache_folder() if folder is None else folder
    addresses = [*(_address(mirror) for mirror in mirrors), OFFICIAL]
    pooch.get_logger().setLevel("WARNING")  # it announces every download on stderr otherwise
    failures = []
    for address in addresses:
        downloader = ResumingDownloader(
            part=folder / f"{ARCHIVE}.part",
            expected_bytes=ARCHIVE_BYTES,
            patience=patience,
            on_progress=on_progress,
        )
        try:
            path = pooch.retrieve(
                url=address,
                known_hash=f"md5:{CIFAR10_ARCHIVES[ARCHIVE]}",
                fname=ARCHIVE,
                path=folder,
                downloader=downloader,
            )
            return Path(path)
        except ValueError:  # pooch: the checksum differs; it has removed the file
            failures.append(f"{address} sent a file with another checksum")
        except DataError as error:
            failures.append(str(error).rstrip("."))
        except OSError as error:
            raise DataError(f"{folder} cannot be written: {error.strerror or error}.") from None
    raise DataError("; ".join(failures) + ".")


def _address(mirror: str) -> str:
    try:
        parts = urlsplit(mirror)
    except ValueError:  # brackets that do not close, say
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"a mirror must be an http or https address, got {mirror!r}.")
    return mirror if mirror.endswith(".tar.gz") else f"{mirror.rstrip('/')}/{ARCHIVE}"
