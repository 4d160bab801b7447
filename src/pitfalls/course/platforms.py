"""The files that each platform asks for around the grader; their formats as its documentation says.

Gradescope: Autograder specifications. PrairieLearn: External grading, Question configuration.
Otter-Grader 7: Python test format, Otter configuration.
"""

import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from importlib.resources import files as resources
from typing import Final

from pitfalls.course.grading.grade import PARTS
from pitfalls.course.grading.properties import Part
from pitfalls.course.notebook import notebook_bytes

__all__ = ["gradescope", "otter", "plain", "prairielearn"]

Files = Mapping[str, bytes]

HAND_IN: Final = """# What Otter grades

Otter takes one notebook. The answers stand in the scripts beside it: put this notebook, `formulas.py`,
`pitfalls.py`, `cifar10.py`, `losses.json` and `answers.json` into one zip, and hand that in."""

POINTS: Final = sum(part.points for part in PARTS)


def _text(name: str) -> bytes:
    return resources("pitfalls.course").joinpath("formats", name).read_bytes()


def gradescope(grader: Files) -> dict[str, bytes]:
    """Make the zip to upload: setup.sh and run_autograder at its root."""
    inner = {
        **grader,
        "setup.sh": _text("setup.sh"),
        "run_autograder": _text("run_autograder"),
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(inner.items()):
            entry = zipfile.ZipInfo(name)  # of a fixed date: equal courses are equal bytes
            entry.external_attr = (0o755 if content.startswith(b"#!") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return {"autograder.zip": held.getvalue()}


def prairielearn(grader: Files) -> dict[str, bytes]:
    """Make a question's folder, and the file from which its grader's image is made."""
    # the same sheet is the same question wherever it is built
    name = uuid.uuid5(uuid.NAMESPACE_URL, "pitfalls:" + grader["sheet.json"].decode())
    info = {
        "uuid": str(name),
        "title": "Promises and pitfalls of neural networks",
        "topic": "Neural networks",
        "tags": ["linear networks", "parity", "CIFAR-10"],
        "type": "v3",
        "singleVariant": True,
        "gradingMethod": "External",
        "externalGradingOptions": {
            "enabled": True,
            "image": "pitfalls/grader",
            "entrypoint": "/grade/tests/run.sh",
            "timeout": 300,
            "enableNetworking": False,
        },
    }
    tests = {f"question/tests/{path}": content for path, content in grader.items()}
    return {
        **tests,
        "question/tests/run.sh": _text("run.sh"),
        "question/info.json": (json.dumps(info, indent=2) + "\n").encode(),
        "question/question.html": _text("question.html"),
        "image/Dockerfile": _text("Dockerfile"),
        "image/requirements.txt": grader["requirements.txt"],
    }


def otter(grader: Files) -> dict[str, bytes]:
    """Make Otter's tests, one file a part; each asks the grader, in a process of its own."""
    config = {
        "lang": "python",
        "points_possible": POINTS,
        "show_stdout": False,
        "show_hidden": False,
        "print_summary": True,
    }
    return {
        **{f"grader/{path}": content for path, content in grader.items()},
        **{f"tests/q{part.name.replace('-', '_')}.py": _otter_test(part) for part in PARTS},
        "starter/homework.ipynb": notebook_bytes("homework", [("markdown", HAND_IN)]),
        "otter_config.json": (json.dumps(config, indent=2) + "\n").encode(),
        "requirements.txt": grader["requirements.txt"],
        "generate.sh": _text("generate.sh"),
    }


def _otter_test(part: Part) -> bytes:
    lines = [_text("otter_head.py.txt").decode().replace("@part@", part.name)]
    for number, check in enumerate(part.checks, 1):
        lines.append(
            f"\n\n@test_case(name={check.name!r}, points={check.points}, hidden={check.hidden})\n"
            f"def check_{number}():\n"
            f"    _require({check.name!r})\n"
        )
    return "".join(lines).encode()


def plain(grader: Files) -> dict[str, bytes]:
    """Make a folder with the grader and one command."""
    made = {f"grader/{path}": content for path, content in grader.items()}
    return {**made, "grade.sh": _text("grade.sh")}
