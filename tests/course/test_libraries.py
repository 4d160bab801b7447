"""Installed libraries that the work imports: nothing they do is the work's, and all it does still is."""

import pytest

from pitfalls.course.grading.grade import grade, parts_named
from pitfalls.course.grading.libraries import import_libraries
from tests.course.work import SMALL, lost, solution

IMPORTS = {
    "a plotting library": "import matplotlib.pyplot as plt",
    "a part of a library": "import scipy.linalg, scipy.optimize\nfrom scipy import sparse",
    "one that asks for much memory": (
        "from sklearn import cross_decomposition\nfrom sklearn.decomposition import PCA"
    ),
    "where it may be missing": (
        "try:\n    import matplotlib.pyplot\nexcept ImportError:\n    import no_such_library"
    ),
    "one that is missing": "try:\n    import no_such_library\nexcept ImportError:\n    pass",
    "temporary files": "import tempfile\nwith tempfile.TemporaryFile() as file:\n    file.write(b'x')",
    "through another file": "from formulas import product",
}
"""Lines at the top of ``pitfalls.py``; ``formulas.py`` imports a library too."""

OWN = {
    "a file beside a library": (
        "import matplotlib.pyplot\nopen('/tmp/gained', 'w')",
        "tries to write /tmp/gained",
    ),
    "a program beside a library": (
        "import scipy.linalg\nimport subprocess\nsubprocess.run(['true'])",
        "tries to start a process",
    ),
    "a patch beside a library": (
        "import scipy.linalg\nimport numpy\nnumpy.allclose = None",
        "replaces numpy.allclose",
    ),
    "a file written by another file": ("import formulas", "tries to write /tmp/gained"),
    "memory beside a library": (
        "import scipy.linalg\nheld = bytearray(400 * 2**20)",
        "more than the 256 MB allowed",
    ),
}


def work(top: str, of_formulas: str) -> dict[str, bytes]:
    files = solution()
    texts = {"pitfalls.py": top, "formulas.py": of_formulas}
    for name, line in texts.items():
        before = "import torch\n" if name == "pitfalls.py" else "import numpy as np\n"
        text = files[name].decode()
        assert before in text
        files[name] = text.replace(before, f"{line}\n{before}", 1).encode()
    return files


@pytest.mark.parametrize("name", IMPORTS)
def test_what_libraries_do_while_they_are_imported_is_not_reported(name, sandbox):
    files = work(IMPORTS[name], "import matplotlib.pyplot")
    found = grade(files, sandbox, SMALL, parts_named(["3a", "=3b"]))
    assert lost(found) == {}
    assert found.notices == ()


@pytest.mark.parametrize("name", OWN)
def test_what_the_work_does_beside_its_libraries_is_reported(name, sandbox):
    top, words = OWN[name]
    files = work(top, "open('/tmp/gained', 'w')")
    found = grade(files, sandbox, SMALL, parts_named(["=3b"]))
    assert words in " ".join([*(r.reason for r in found.results), *found.notices])


def test_only_libraries_are_imported_beforehand_and_nothing_of_the_works_own(tmp_path, capsys):
    (tmp_path / "formulas.py").write_text("print('own')\nimport no_such_library\nimport pitfalls")
    (tmp_path / "pitfalls.py").write_text(
        "import formulas\nfrom . import other\n\ndef f():\n    import this\n"
    )
    import_libraries(str(tmp_path), "pitfalls")
    (tmp_path / "pitfalls.py").write_text("import (")
    import_libraries(str(tmp_path), "pitfalls")
    import_libraries(str(tmp_path), "cifar10")
    assert capsys.readouterr().out == ""
