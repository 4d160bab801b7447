"""Places that a command is asked to write into."""

import tempfile
from pathlib import Path

__all__ = ["refusal"]


def refusal(folder: Path) -> OSError | None:
    """Try to write into a folder, leave nothing there, and return what refused it; None if nothing did."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error
    finally:
        for place in made:
            if place.is_dir():
                place.rmdir()
