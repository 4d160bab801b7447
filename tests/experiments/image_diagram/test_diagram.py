import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image

from pitfalls.cli import main
from pitfalls.errors import InputError
from pitfalls.experiments.image_diagram import EXPERIMENT, DiagramConfig, ImageShape
from pitfalls.experiments.image_diagram.figures import FIGURES
from pitfalls.experiments.image_diagram.records import ShapeOptions, find_shape, parse_input
from pitfalls.experiments.image_diagram.words import (
    account,
    architecture,
    basis,
    course_count,
    size,
)
from pitfalls.experiments.named_networks import describe_model
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.test_named_networks import NET, own, project  # noqa: F401
from tests.report.forbidden import assert_well_formed, texts_of


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return run_experiment(
        EXPERIMENT, DiagramConfig(), RunStore(tmp_path_factory.mktemp("runs"))
    ).result


def test_the_homework_s_network_has_its_summary_picture_and_count(drawn):
    assert drawn.n_parameters == 5_205_962
    assert "Total params: 5,205,962" in drawn.summary
    ElementTree.fromstring(drawn.svg)
    assert "20 convolutions" in drawn.alt
    assert "count of the course's own network" in plain(course_count(drawn))
    assert "5,205,962 parameters, for inputs of 3×32×32 and 10 classes" in plain(size(drawn))


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
    assert made.files["svg"] == drawn.svg.encode()
    assert list(made.files) == ["svg", "png", "pdf"]
    assert draw(figure, drawn, ("png",)).files == {"png": made.files["png"]}
    with Image.open(io.BytesIO(made.files["png"])) as png:
        width, height = (
            float(ElementTree.fromstring(drawn.svg).attrib[k]) for k in ("width", "height")
        )
        assert png.size == pytest.approx((2 * width, 2 * height), abs=2)
        colours = png.convert("RGB").getcolors(10**6)
        assert colours is not None
        assert len(colours) > 20
    assert made.files["pdf"].startswith(b"%PDF")
    for text in (made.alt, made.caption):
        assert_well_formed(text)
    assert "ResNet18 as one input of shape 3×32×32" in made.caption


def test_edit_anywhere_gives_another_run(own, project, tmp_path):  # noqa: F811
    store = RunStore(tmp_path / "runs")
    shape = ImageShape((3, 8, 8), 10)

    def run():
        return run_experiment(
            EXPERIMENT, DiagramConfig(own, shape, digest=describe_model(own, shape.shape)), store
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


def test_the_homework_s_network_is_drawn_for_its_own_images_whatever_data_there_are(monkeypatch):
    monkeypatch.setenv("PITFALLS_DATA", "no/such/folder")
    assert find_shape(ShapeOptions(inputs=("3x32x32",))) == ImageShape() == DiagramConfig().images


def test_tokens_and_several_inputs_are_drawn_with_all_their_axes(tmp_path):
    (tmp_path / "reader.py").write_text(READER)
    images = find_shape(ShapeOptions(inputs=("12:int64", "4")))
    assert images.words == "12:int64 and 4"
    model = f"{tmp_path / 'reader.py'}:Reader"
    digest = describe_model(model, images.shape, images.example())
    config = DiagramConfig(model, images, digest=digest)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path / "runs")).result
    assert "1×12×8" in result.svg
    assert result.n_parameters == 20 * 8 + 12 * 3 + 3
    for text in (*texts_of(account(result)), *vars(basis(result)).values()):
        assert_well_formed(text)


READER = """
import torch
from torch import nn

class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(20, 8), nn.Linear(12, 3)

    def forward(self, tokens, more):
        return self.head(torch.cat([self.embed(tokens).mean(1), more], 1))
"""


@pytest.mark.parametrize("word", ["3x", "x3", "3×32", "12:complex64", "-1", "0x2", "", "3x32x32:"])
def test_words_that_are_no_shape_are_refused(word):
    if word == "3x32x32:":
        assert parse_input(word) == ((3, 32, 32), "float32")
        return
    with pytest.raises(InputError, match="such as 3x32x32"):
        find_shape(ShapeOptions(inputs=(word,)))


def test_inputs_beside_data_and_negative_depths_are_refused():
    with pytest.raises(InputError, match="instead of data"):
        find_shape(ShapeOptions("digits", inputs=("3x32x32",)))
    for option, asked in (
        ("size", ShapeOptions(inputs=("3x32x32",), size=16)),
        ("channels", ShapeOptions(inputs=("3x32x32",), channels=1)),
        ("subset-train", ShapeOptions(inputs=("3x32x32",), subset_train=5)),
    ):
        with pytest.raises(InputError, match=f"Leave --inputs or --{option} out"):
            find_shape(asked)
    # every command takes a seed
    asked = ShapeOptions(inputs=("3x16x16",), seed=7)
    assert find_shape(asked).shape == (3, 16, 16)
    with pytest.raises(InputError, match="depth must be at least 0"):
        DiagramConfig(depth=-1)


def test_a_network_that_asks_for_the_images_size_and_classes_is_drawn_for_those_of_the_data(
    tmp_path, capsys
):
    (tmp_path / "flat.py").write_text(FLAT)
    model = f"{tmp_path / 'flat.py'}:flat"
    line = ["images", "summary", "--model", model, "--inputs", "3x16x16"]
    assert main(["--runs", str(tmp_path / "runs"), *line]) == 0
    assert "768" in capsys.readouterr().out


FLAT = """
from torch import nn

def flat(n_classes, in_channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size[0] * image_size[1], n_classes))
"""
