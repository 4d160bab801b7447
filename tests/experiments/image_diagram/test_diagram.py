from dataclasses import replace
from xml.etree import ElementTree

import pytest

from pitfalls.experiments.image_diagram import EXPERIMENT, DiagramConfig, ImageShape
from pitfalls.experiments.image_diagram.figures import FIGURES
from pitfalls.experiments.image_diagram.words import (
    account,
    architecture,
    basis,
    course_count,
    size,
)
from pitfalls.experiments.named_networks import describe_model
from pitfalls.frame import Homework
from pitfalls.frame.experiment import perform
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.test_named_networks import NET, own, project  # noqa: F401
from tests.report.forbidden import assert_well_formed, texts_of


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return perform(EXPERIMENT, DiagramConfig(), RunStore(tmp_path_factory.mktemp("runs"))).result


def test_the_homework_s_network_has_its_summary_picture_and_count(drawn):
    assert drawn.n_parameters == 5_205_962
    assert "Total params: 5,205,962" in drawn.summary
    ElementTree.fromstring(drawn.svg)
    assert "20 convolutions" in drawn.alt
    assert "count of the course's own network" in plain(course_count(drawn))
    assert "5,205,962 parameters, for images of 3×32×32 and 10 classes" in plain(size(drawn))


def test_the_homework_s_words_are_of_its_network_alone(drawn):
    other = replace(drawn, model="fastnet", class_name="FastNet")
    assert architecture(other) == course_count(other) == ()
    assert course_count(replace(drawn, n_parameters=5_205_961)) == ()
    assert plain(architecture(drawn)).startswith("The network is a pre-activation ResNet")


@pytest.mark.parametrize("model", ["resnet18", "fastnet", "mine.py:Net"])
@pytest.mark.parametrize("n_classes", [1, 2, 100])
@pytest.mark.parametrize("n_parameters", [0, 1, 2, 5_205_962])
def test_whatever_the_network_the_account_is_well_formed(drawn, model, n_classes, n_parameters):
    result = replace(
        drawn, model=model, class_name="Net", n_classes=n_classes, n_parameters=n_parameters
    )
    for text in (*texts_of(account(result)), *vars(basis(result)).values()):
        assert_well_formed(text)


def test_the_figure_is_the_diagram_itself_with_its_words(drawn):
    (figure,) = FIGURES
    made = draw(figure, drawn)
    assert made.files == {"svg": drawn.svg.encode()}
    for text in (made.alt, made.caption):
        assert_well_formed(text)
    assert "ResNet18 as one image of shape 3×32×32" in made.caption


def test_edit_anywhere_gives_another_run(own, project, tmp_path):  # noqa: F811
    store = RunStore(tmp_path / "runs")
    shape = ImageShape((3, 8, 8), 10)

    def run():
        return perform(
            EXPERIMENT, DiagramConfig(own, shape, describe_model(own, shape.shape)), store
        )

    first = run()
    assert run().run.path == first.run.path
    (project / "net2.py").write_text(NET.format(kernel=3))
    second = run()
    (project / "blocks.py").write_text("W = 5")
    third = run()
    assert len({first.run.path, second.run.path, third.run.path}) == 3
    for found, label in zip((first, second, third), ("1×1, 4", "3×3, 4", "3×3, 5"), strict=True):
        assert f"conv {label}" in found.result.svg


def test_the_homework_draws_its_own_network_whatever_the_data():
    for scale in ("quick", "full"):
        assert EXPERIMENT.homework(Homework(scale, "digits", 7)) == (DiagramConfig(),)
