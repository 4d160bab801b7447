"""A run belongs to the code that computed it."""

import ast
import json
from dataclasses import dataclass

import pytest

from pitfalls.runs import RunStore
from pitfalls.runs import code as fingerprints
from pitfalls.runs.code import code_modules, fingerprint

LAB = '''"""A lab."""
from pitfalls.lab.inner import SCALE

def answer(x):
    """Answer."""
    return SCALE * x  # why
'''

FILES = {
    "__init__.py": "",
    "errors.py": "class E(Exception): pass\n",
    "lab/__init__.py": "import lazy_loader\n",
    "lab/__init__.pyi": "from .compute import answer as answer\nfrom .other import rest as rest\n",
    "lab/compute.py": LAB,
    "lab/inner.py": "SCALE = 2\n",
    "lab/other.py": "rest = 1\n",
    "lab/typed.py": "T = 1\n",
    "cli/__init__.py": "",
    "cli/words.py": "W = 1\n",
    "experiments/__init__.py": "",
    "experiments/ask.py": (
        "from typing import TYPE_CHECKING\n"
        "from pitfalls.lab import answer\n"
        "from pitfalls.cli.words import W\n"
        "if TYPE_CHECKING:\n    from pitfalls.lab.typed import T\n"
        "def run(config):\n    import pitfalls.errors\n    return answer(1)\n"
    ),
}
ENTRY = "pitfalls.experiments.ask"


class Package:
    """A small package in the place of ours."""

    def __init__(self, root, monkeypatch):
        self.root = root
        monkeypatch.setattr(fingerprints, "SOURCE", root / "pitfalls")
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / "pitfalls" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        forget()

    def cache(self):
        return next((self.root / "cache").rglob("code-*.json"))


def forget():
    for found in vars(fingerprints).values():
        if hasattr(found, "cache_clear"):
            found.cache_clear()
    fingerprints._memory.clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    yield Package(tmp_path, monkeypatch)
    monkeypatch.undo()
    forget()


def test_a_name_leads_through_its_package_to_the_module_that_holds_it(package):
    assert code_modules(ENTRY) == {
        ENTRY,
        "pitfalls.errors",
        "pitfalls.lab.compute",
        "pitfalls.lab.inner",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lab/compute.py", LAB.replace("# why", "# because, and so on")),
        ("lab/compute.py", LAB.replace('"""Answer."""', '"""Answer, said better."""')),
        ("lab/compute.py", LAB.replace('    """Answer."""\n', "")),
        ("lab/compute.py", LAB.replace("SCALE * x", "(\n        SCALE\n        * x\n    )")),
        ("lab/other.py", "rest = 2\n"),
        ("lab/typed.py", "T = 2\n"),
        ("cli/words.py", "W = 2\n"),
    ],
)
def test_comments_docstrings_layout_and_code_that_does_not_compute_it_do_not_count(
    package, name, text
):
    before = fingerprint(ENTRY)
    package.write(name, text)
    assert fingerprint(ENTRY) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lab/compute.py", LAB.replace("SCALE * x", "SCALE + x")),
        ("lab/inner.py", "SCALE = 2.0\n"),
        ("errors.py", "class F(Exception): pass\n"),
        ("experiments/ask.py", FILES["experiments/ask.py"].replace("answer(1)", "answer(2)")),
        ("lab/__init__.pyi", "from .other import answer as answer\n"),
    ],
)
def test_code_that_computes_it_counts_through_every_import(package, name, text):
    before = fingerprint(ENTRY)
    package.write(name, text)
    assert fingerprint(ENTRY) != before


def test_a_package_taken_as_a_whole_counts_with_all_that_it_lists(package):
    package.write("experiments/ask.py", "import pitfalls.lab\n")
    assert {"pitfalls.lab.other", "pitfalls.lab.compute", "pitfalls.lab.inner"} <= code_modules(
        ENTRY
    )


def test_a_module_that_is_not_there_has_no_fingerprint(package):
    assert fingerprint("pitfalls.experiments.gone") is None
    assert fingerprint("somewhere.else") is None


def test_what_is_remembered_is_what_would_be_found_anew_and_damage_is_seen(package):
    found = fingerprint(ENTRY)
    forget()
    parsed = []
    real = ast.parse

    def parse(data):
        parsed.append(data)
        return real(data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ast, "parse", parse)
        assert fingerprint(ENTRY) == found
        assert parsed == []
        stored = json.loads(package.cache().read_text())
        key = next(iter(stored["modules"]))
        stored["modules"][key][0] = "0" * 64
        package.cache().write_text(json.dumps(stored))
        forget()
        assert fingerprint(ENTRY) == found
        assert parsed


def test_a_home_that_cannot_be_written_to_only_costs_time(package, monkeypatch, tmp_path):
    found = fingerprint(ENTRY)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    forget()
    assert fingerprint(ENTRY) == found


def test_every_experiment_depends_on_its_lab_and_on_no_command_or_figure():
    from pitfalls.experiments.catalogue import all_experiments

    for experiment in all_experiments():
        entry = f"{experiment.package}.run"
        modules = code_modules(entry)
        assert entry in modules
        assert not [m for m in modules if m.split(".")[1] in ("cli", "report", "runs")]
        labs = ("linear", "parity", "images", "claims", "diagnosis")
        assert [m for m in modules if m.split(".")[1] in labs]


@dataclass(frozen=True)
class Config:
    seed: int = 0


@dataclass(frozen=True)
class Found:
    value: int


def make(store, value):
    with store.open("test", Config(), entry=ENTRY, command="pitfalls test") as run:
        if not run.complete:
            run.save(Found(value))
    return run


def test_a_run_of_other_code_is_older_and_is_made_anew_with_the_old_one_kept_beside(
    package, tmp_path
):
    store = RunStore(tmp_path / "runs")
    first = make(store, 1)
    assert not first.is_older
    assert first.older_note == ""
    package.write("lab/inner.py", "SCALE = 3\n")
    (older,) = store.list()
    assert older.is_older
    assert "other code than the present" in older.older_note
    assert "pitfalls test" in older.older_note
    second = make(store, 2)
    assert second.path == first.path
    assert second.load(Found) == Found(2)
    assert second.set_aside is not None
    kept = store.find(second.set_aside)
    assert kept.load(Found) == Found(1)
    assert kept.is_older
    assert store.find(f"run-{kept.manifest.hash}").path == second.path  # the whole name, not a part
    assert store.find("test/run").path == second.path
    package.write("lab/inner.py", "SCALE = 2\n")  # back to the first code: its run comes back
    assert make(store, 3).load(Found) == Found(1)
    assert sorted(run.load(Found).value for run in store.list()) == [1, 2]


def test_an_interrupted_run_of_other_code_is_not_continued(package, tmp_path):
    store = RunStore(tmp_path / "runs")
    with pytest.raises(KeyboardInterrupt), store.open("test", Config(), entry=ENTRY) as run:
        run.save_checkpoint(step=1, tensors={}, meta={"a": 1})
        raise KeyboardInterrupt
    package.write("lab/inner.py", "SCALE = 3\n")
    with store.open("test", Config(), entry=ENTRY) as run:
        assert run.load_checkpoint() is None
        assert run.set_aside is not None
    assert store.find(run.set_aside).manifest.status == "interrupted"


def test_a_run_whose_module_is_gone_is_older(package, tmp_path):
    store = RunStore(tmp_path / "runs")
    make(store, 1)
    (package.root / "pitfalls/experiments/ask.py").unlink()
    forget()
    assert store.list()[0].is_older


def test_a_run_without_an_entry_belongs_to_no_code(tmp_path):
    store = RunStore(tmp_path / "runs")
    with store.open("test", Config()) as run:
        pass
    assert not run.is_older


@pytest.mark.parametrize(
    ("room", "module"), [("parity_signal", "prose"), ("linear_minimum", "plots.style")]
)
def test_what_draws_figures_is_code_of_figures_and_not_of_runs(room, module):
    entry = f"pitfalls.experiments.{room}"
    shown = fingerprints.code_modules(
        f"{entry}.figures", tuple(set(fingerprints.COMPUTES_NOTHING) - set(fingerprints.DRAWS))
    )
    assert {f"{entry}.figures", f"{entry}.records"} < shown
    assert any(name.startswith(f"pitfalls.{module}") for name in shown)
    assert not any(
        name.startswith(("pitfalls.plots", "pitfalls.prose"))
        for name in code_modules(f"{entry}.run")
    )
    assert fingerprints.drawing_code(f"{entry}.figures") != fingerprint(f"{entry}.figures")
    assert fingerprints.drawing_code("pitfalls.nothing.figures") is None
