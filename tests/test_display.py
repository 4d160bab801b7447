"""Results show themselves in a line, as a table, and as a plot."""

import importlib
import pkgutil
from dataclasses import dataclass, fields, is_dataclass

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import pitfalls
import pitfalls.experiments
from pitfalls.display import Displayed, brief
from pitfalls.errors import InputError
from pitfalls.images.training.range_test import RangeTest
from pitfalls.images.training.records import EpochRecord, TrainResult
from pitfalls.linear import SquaredRisk, descend, small_start
from pitfalls.moments import SecondMoments
from pitfalls.parity import (
    CustomLoss,
    DeepNetwork,
    LearningConfig,
    ParityTask,
    cube,
    layer_gradients,
    train,
)
from tests.public_api import PACKAGES

LABS = ("linear", "parity", "images")


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def public_records():
    for lab in LABS:
        module = getattr(pitfalls, lab)
        for name in module.__all__:
            kind = getattr(module, name)
            if isinstance(kind, type) and is_dataclass(kind) and kind is not CustomLoss:
                yield kind


def test_no_public_record_prints_its_arrays():
    found = 0
    for kind in public_records():
        types = " ".join(str(field.type) for field in fields(kind))
        if any(word in types for word in ("ndarray", "Matrix", "NDArray", "Tensor")):
            found += 1
            # the one that a dataclass writes, which would print them, is wrapped
            assert not hasattr(kind.__repr__, "__wrapped__"), kind
    assert found > 10


@dataclass(frozen=True, repr=False)
class Row(Displayed):
    name: str
    share: float

    @property
    def percent(self):
        return 100 * self.share


@dataclass(frozen=True, repr=False)
class Found(Displayed):
    rows: tuple[Row, ...]
    values: np.ndarray
    weights: torch.Tensor
    note: str = "<b>"

    TABLE = "rows"


FOUND = Found((Row("a", 0.5), Row("b", 0.25)), np.zeros((3, 1000)), torch.zeros(2, 5))


def test_a_result_is_one_short_line():
    assert repr(FOUND) == (
        "Found(rows=<2 × Row>, values=<float64 array, 3 × 1000>, "
        "weights=<float32 tensor, 2 × 5>, note='<b>')"
    )
    assert brief(np.array([1.0, 0.25])) == "[1, 0.25]"
    assert brief(np.float64(2) / 3) == "0.666667"
    assert brief({"a": 1}) == "<1 by name: a>"
    assert len(brief("x" * 1000)) < 70


def test_a_notebook_gets_a_table_in_which_no_text_is_markup():
    assert "&lt;b&gt;" in FOUND._repr_html_()
    assert "<b>" not in FOUND._repr_html_()


def test_a_table_has_a_row_a_record_with_what_is_derived_from_it():
    assert FOUND.table() == {"name": ["a", "b"], "share": [0.5, 0.25], "percent": [50.0, 25.0]}
    frame = FOUND.to_frame()
    assert list(frame["percent"]) == [50.0, 25.0]
    with pytest.raises(InputError, match=r"expected a field of records or arrays\. Got 'note'"):
        FOUND.table("note")


@dataclass(frozen=True, repr=False)
class Bins(Displayed):
    error: float
    share: np.ndarray


@dataclass(frozen=True, repr=False)
class Matrix(Displayed):
    counts: np.ndarray


@dataclass(frozen=True, repr=False)
class Sure(Displayed):
    temperature: float
    bins: Bins


@dataclass(frozen=True, repr=False)
class Evaluated(Displayed):
    confusion: Matrix
    sure: Sure
    images: np.ndarray
    none: tuple[Row, ...] = ()
    word: str = "x"


def test_matrices_and_records_within_records_have_tables_and_a_field_without_one_is_an_error():
    share = np.array([0.5, 1.0])
    found = Evaluated(
        Matrix(np.array([[3, 1], [0, 2]])), Sure(2.0, Bins(0.1, share)), np.zeros((2, 1, 1))
    )
    matrix = {"counts_1": [3, 0], "counts_2": [1, 2]}
    assert found.table("confusion") == found.table("confusion.counts") == matrix
    assert found.table("sure.bins") == {"share": [0.5, 1.0]}
    assert found.table("sure") == {"temperature": [2.0], "bins.error": [0.1]}
    for field in (
        "images",
        "none",
        "word",
        "nothing",
        "sure.nothing",
        "word.upper",
        "table",
    ):
        with pytest.raises(InputError, match=rf"Got '{field}'; those are confusion, sure\.$"):
            found.table(field)


@dataclass(frozen=True, repr=False)
class Spectra(Displayed):
    inputs: np.ndarray
    outputs: np.ndarray
    missing: np.ndarray | None = None

    TABLE = ("inputs", "outputs", "missing")


def test_no_column_is_left_out_for_its_length():
    found = Spectra(np.array([2.0, 1.0]), np.array([5, 4, 3]))
    assert found.table() == {"inputs": [2.0, 1.0, None], "outputs": [5, 4, 3]}
    assert found.table("inputs") == {"inputs": [2.0, 1.0]}


def test_a_descent_plots_its_modes_and_gives_its_columns():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3))
    risk = SquaredRisk(SecondMoments.from_arrays(x, x @ np.diag([3.0, 2.0, 1.0])))
    found = descend(risk, small_start((3, 3, 3), 0.1, random_state=0), steps=50, records=10)
    (axis,) = found.plot()
    drawn = [np.asarray(line.get_ydata()) for line in axis.lines]
    assert np.array_equal(drawn, found.trajectory.strengths.T)
    frame = found.trajectory.to_frame()
    assert np.array_equal(frame["excess"], found.trajectory.excess)
    assert np.array_equal(frame["strengths_2"], found.trajectory.strengths[:, 1])
    assert len(repr(found)) < 600


def test_a_training_plots_loss_and_accuracy_in_the_place_given():
    result = train(ParityTask([1, 1, 0]), LearningConfig(n_iterations=40, record_every=10))
    _, ax = plt.subplots()
    left, right = result.plot(ax)
    assert np.array_equal(left.lines[1].get_ydata(), result.curve.loss)
    assert np.array_equal(right.lines[0].get_ydata(), result.curve.test_accuracy)
    assert list(result.to_frame()["step"]) == list(result.curve.step)
    assert len(repr(result)) < 600


def test_layers_plot_what_was_measured_beside_its_bound():
    x = cube(3)
    found = layer_gradients(
        DeepNetwork(3, (4, 4), seed=0), x.double(), ParityTask([1, 1, 0]).labels(x)
    )
    for axis, norm, bound in zip(
        found.plot(),
        (found.message_norm, found.gradient_norm),
        (found.message_bound, found.gradient_bound),
        strict=True,
    ):
        assert np.array_equal(axis.lines[0].get_ydata(), norm)
        assert np.array_equal(axis.lines[1].get_ydata(), bound)


def test_a_range_and_the_epochs_plot_what_they_hold():
    ends = np.geomspace(1e-4, 1, 20)
    found = RangeTest(ends, 2 - ends, 2 - ends, 0.1, None, "", diverged=False)
    (axis,) = found.plot()
    assert np.array_equal(axis.lines[1].get_ydata(), 2 - ends)
    epochs = tuple(EpochRecord(i, i, 1.0, 0.1 * i, None, None) for i in (1, 2, 3))
    (axis,) = TrainResult(epochs, 3, 1.0, 1.0).plot()
    assert len(axis.lines) == 1
    assert np.allclose(axis.lines[0].get_ydata(), [0.1, 0.2, 0.3])


def records_with_arrays() -> list[type]:
    """Dataclasses with arrays among the public names, and all of the experiments'."""
    public = [
        getattr(package, name)
        for package in map(importlib.import_module, PACKAGES)
        for name in package.__all__
    ]
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(pitfalls.experiments.__path__, "pitfalls.experiments.")
    ]
    theirs = [thing for module in modules for thing in vars(module).values()]
    kinds = {
        thing for thing in (*public, *theirs) if isinstance(thing, type) and is_dataclass(thing)
    }
    return sorted(
        (
            kind
            for kind in kinds
            if any("NDArray" in str(f.type) or "ndarray" in str(f.type) for f in fields(kind))
        ),
        key=lambda kind: kind.__name__,
    )


@pytest.mark.parametrize("kind", records_with_arrays(), ids=lambda kind: kind.__name__)
def test_no_record_prints_its_arrays(kind: type) -> None:
    # what dataclass makes guards itself against recursion by wrapping
    assert not hasattr(kind.__repr__, "__wrapped__"), "derive from Displayed, with repr=False"
