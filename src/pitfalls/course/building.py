"""Build a course for a platform: starter scripts, grader, rubric, and the platform's own files."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

import pitfalls
from pitfalls.course import platforms
from pitfalls.course.grading.sheet import Sheet, write_sheet
from pitfalls.course.rubric import render_rubric
from pitfalls.course.starter import SCRIPTS, render_script
from pitfalls.errors import InputError

__all__ = ["BuiltCourse", "build_course", "grader_files"]

Data = tuple[np.ndarray, np.ndarray]

MAKERS: Final[Mapping[str, Callable[[Mapping[str, bytes]], dict[str, bytes]]]] = {
    "gradescope": platforms.gradescope,
    "prairielearn": platforms.prairielearn,
    "otter": platforms.otter,
    "plain": platforms.plain,
}

MARK: Final = "sheet.json"
"""Every built course has its sheet under this name; by it a folder is known as one."""


@dataclass(frozen=True)
class BuiltCourse:
    """What was written.

    Attributes
    ----------
    folder : Path
    files : tuple of str
        Relative to the folder, in order.
    """

    folder: Path
    files: tuple[str, ...]


def build_course(
    sheet: Sheet, platform: str, out: Path, data: Data | None = None, *, solution: bool = False
) -> BuiltCourse:
    """Write a course into a folder that is empty, absent, or holds an earlier build, which goes.

    Parameters
    ----------
    sheet : Sheet
    platform : str
        gradescope, prairielearn, otter or plain.
    out : Path
    data : pair of ndarray, optional
        The lecturer's X and Y.
    solution : bool
        Write the solution as well; nothing else that is written holds it.

    Raises
    ------
    InputError
        If the platform is unknown, or the folder holds something else.
    """
    if platform not in MAKERS:
        raise InputError(f"course: format must be one of {', '.join(MAKERS)}, got {platform!r}.")
    _require_folder(out)
    files = MAKERS[platform](grader_files(sheet, data))
    files |= {"rubric.md": render_rubric(sheet).encode(), MARK: _sheet_bytes(sheet)}
    if data is not None:
        files |= {"starter/data.npz": _data_bytes(data), "data.npz": _data_bytes(data)}
    for name in SCRIPTS:
        files[f"starter/{name}"] = render_script(name, sheet, solution=False).encode()
        if solution:
            files[f"solution/{name}"] = render_script(name, sheet, solution=True).encode()
    if platform == "prairielearn":
        files |= {
            f"question/clientFilesQuestion/{name}": files[f"starter/{name}"] for name in SCRIPTS
        }
    for name in _possible_files(sheet) - set(files):
        (out / name).unlink(missing_ok=True)  # of an earlier build: its sheet and data hold no more
    for name, content in sorted(files.items()):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if content.startswith(b"#!"):
            path.chmod(0o755)
    return BuiltCourse(out, tuple(sorted(files)))


def _possible_files(sheet: Sheet) -> set[str]:
    """Name all that a build of any platform may write, the solution aside."""
    nothing = np.zeros((0, 0))
    grader = grader_files(sheet, (nothing, nothing))
    named = {name for make in MAKERS.values() for name in make(grader)}
    clients = {f"question/clientFilesQuestion/{name}" for name in SCRIPTS}
    return named | clients | {"data.npz", "starter/data.npz"}


def _require_folder(out: Path) -> None:
    try:
        held = [entry.name for entry in out.iterdir()] if out.exists() else []
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"course build: --out must be a folder to write into. Got {out} ({error.strerror})."
        ) from None
    if held and MARK not in held:
        raise InputError(
            f"course build: {out} holds something else than a course. Give an empty folder."
        )
    if "solution" in held:
        raise InputError(
            f"course build: {out} holds a solution of an earlier build. Remove it, or give another "
            "folder, so that it is not handed out."
        )


def grader_files(sheet: Sheet, data: Data | None = None) -> dict[str, bytes]:
    """Return all that a grader needs: its source, alone, and the sheet."""
    root = Path(pitfalls.__file__).parent
    files = {MARK: _sheet_bytes(sheet), "requirements.txt": REQUIREMENTS}
    for name in ("pitfalls/__init__.py", "pitfalls/course/__init__.py"):
        files[name] = b'"""The part of pitfalls that grades."""\n'
    for path in [*root.glob("course/grading/*.py"), root / "errors.py", root / "escaping.py"]:
        files[f"pitfalls/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    if data is not None:
        files["data.npz"] = _data_bytes(data)
    return files


REQUIREMENTS: Final = b"numpy>=2.0\ntorch>=2.10\ntorchvision>=0.25\npillow>=11\n"


def _sheet_bytes(sheet: Sheet) -> bytes:
    return write_sheet(sheet).encode()


def _data_bytes(data: Data) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:  # np.savez would put the clock into the file
        for name, array in zip(("X", "Y"), data, strict=True):
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return held.getvalue()
