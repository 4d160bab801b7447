"""Files that are classified: each has its row, the damaged ones too."""

import csv
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from pitfalls.cli import main
from pitfalls.errors import InputError
from pitfalls.experiments.image_evaluate.predicting import (
    Prediction,
    as_csv,
    as_json,
    predict_files,
)
from pitfalls.experiments.image_other import find_elsewhere
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_trained import load_trained
from pitfalls.images import DataConfig
from pitfalls.images.data import read_picture
from pitfalls.runs import RunStore
from tests.experiments.image_evaluate.made import keep_some


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return keep_some(store, find_images(DataConfig("digits", subset_train=200, validation=40)))


@pytest.fixture
def pictures(tmp_path):
    """Three pictures, two files that are none, a name with a comma."""
    folder = tmp_path / "mine"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "c, d.jpg", "f.webp"):
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(folder / name)
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    (folder / "e.jpg").write_text("no picture")
    return folder


def test_every_file_has_its_own_answer_whatever_lies_between(trained, pictures):
    network = load_trained(trained)
    files = sorted(pictures.iterdir())
    found = predict_files(network, files)
    assert [one.picture for one in found] == list(map(str, files))
    assert [bool(one.error) for one in found] == [False, True, False, True, False]
    for one, file in zip(found, files, strict=True):
        if one.probabilities is not None:
            (alone,) = network.predict(np.stack([read_picture(file, (8, 8), 1)]))
            np.testing.assert_allclose(one.probabilities, alone, atol=1e-6)
    assert all(one.probabilities is None for one in predict_files(network, files[1:2]))


def test_a_training_has_a_whole_number(trained, pictures, capsys):
    runs = ["--runs", str(trained.path.parents[1])]
    words = [*runs, "images", "predict", str(pictures / "a.png"), "--run", trained.id]
    assert main([*words, "--member", "0.4"]) == 2
    assert "whole number" in capsys.readouterr().err


def test_probabilities_are_calibrated_where_images_were_held_out(trained):
    network = load_trained(trained)
    images = network.kept.source.load().test_images[:5]
    logits = network.logits(images).double().numpy() / network.kept.temperature
    shares = np.exp(logits - logits.max(1, keepdims=True))
    expected = shares / shares.sum(1, keepdims=True)
    np.testing.assert_allclose(network.predict(images), expected, atol=1e-9)
    assert network.temperature("six") is None


def test_csv_and_json_hold_every_probability_and_error(trained, pictures):
    network = load_trained(trained)
    found = predict_files(network, sorted(pictures.iterdir()))
    names = network.kept.class_names
    rows = list(csv.DictReader(io.StringIO(as_csv(found, names))))
    records = json.loads(as_json(found, names))
    assert len(rows) == len(records) == 5
    for one, row, record in zip(found, rows, records, strict=True):
        assert row["picture"] == record["picture"] == one.picture
        if one.probabilities is None:
            assert row["error"] == record["error"] == one.error != ""
            assert row["answer"] == ""
            continue
        assert row["answer"] == record["answer"] == names[one.probabilities.argmax()]
        for k, name in enumerate(names):
            assert float(row[name]) == record["probabilities"][name] == one.probabilities[k]


def test_the_command_goes_on_past_a_bad_file_and_says_so(trained, pictures, tmp_path, capsys):
    runs = ["--runs", str(trained.path.parents[1])]
    to = tmp_path / "out.csv"
    line = [*runs, "images", "predict", str(pictures), "--run", trained.id, "--to", str(to)]
    assert main(line) == 1
    printed = capsys.readouterr()
    assert "3 pictures" in printed.out
    assert "calibrated on the validation images" in printed.out
    assert printed.err.count("warning: ") == 2
    assert len(to.read_text().splitlines()) == 6
    good = [*runs, "images", "predict", str(pictures / "a.png"), "--run", trained.id]
    assert main(good) == 0
    assert main([*good, "--to", str(tmp_path / "out.txt")]) == 2
    assert "ends in .csv or .json" in capsys.readouterr().err


def deep_folders(root, *, bits, seed=0):
    """Two classes by brightness, in grey pictures of so many bits within 16."""
    rng = np.random.default_rng(seed)
    most = 1 << bits
    for label, low, high in (("dark", 0, most // 4), ("bright", most // 2, most)):
        (root / label).mkdir(parents=True)
        for i in range(20):
            values = rng.integers(low, high, (8, 8)).astype(np.uint16)
            Image.fromarray(values).save(root / label / f"{i}.png")
    return str(root)


def asked_of(monkeypatch, network, files, *scale):
    """Return the bytes that the network is asked about."""
    seen = []

    def predict(images, **_):
        seen.append(images)
        return np.full((len(images), 2), 0.5)

    monkeypatch.setattr(type(network), "predict", lambda _, images, **more: predict(images, **more))
    found = predict_files(network, files, "plain", *scale)
    return np.concatenate(seen) if seen else np.empty((0, 1, 8, 8)), found


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize("standardised", [True, False])
def test_the_scale_of_standardised_numbers_is_said_not_to_be_that_of_pictures(
    tmp_path, capsys, standardised
):
    rng = np.random.default_rng(0)
    x = rng.random((40, 8, 8)).astype(np.float32)
    if standardised:
        x = (x - x.mean()) / x.std()
    np.savez(
        tmp_path / "a.npz", x_train=x, y_train=np.arange(40) % 2, x_test=x, y_test=np.arange(40) % 2
    )
    run = keep_some(RunStore(tmp_path / "runs"), find_images(DataConfig(str(tmp_path / "a.npz"))))
    Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / "a.png")
    line = ["--runs", str(tmp_path / "runs"), "images", "predict", str(tmp_path / "a.png")]
    assert main([*line, "--run", run.id]) == 0
    assert ("trained on standardised numbers" in capsys.readouterr().err) == standardised


@pytest.mark.filterwarnings("ignore:.*")
def test_a_dark_picture_is_read_by_the_scale_of_the_training_images(tmp_path, monkeypatch):
    store = RunStore(tmp_path / "runs")
    source = find_images(DataConfig(deep_folders(tmp_path / "twelve", bits=12)))
    network = load_trained(keep_some(store, source))
    dark = tmp_path / "twelve" / "dark" / "3.png"
    fed, _ = asked_of(monkeypatch, network, [dark])
    np.testing.assert_array_equal(fed[0, 0], np.asarray(Image.open(dark)) >> 4)
    brighter = tmp_path / "brighter.png"
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(brighter)
    fractions = tmp_path / "fractions.tif"
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(fractions)
    fed, found = asked_of(monkeypatch, network, [brighter, fractions])
    assert len(fed) == 0
    assert "of which 0 is black and 4095 white" in found[0].error
    assert "holds fractions from 0.5" in found[1].error
    fed, _ = asked_of(monkeypatch, network, [brighter], (0, 65535))
    assert fed.max() == 40_000 >> 8


@pytest.mark.filterwarnings("ignore:.*")
def test_the_range_that_was_asked_for_at_training_is_that_of_prediction(tmp_path, monkeypatch):
    for i in range(10):
        for label, high in (("dark", 300), ("bright", 900)):
            (tmp_path / "tiff" / label).mkdir(parents=True, exist_ok=True)
            values = np.random.default_rng(i).uniform(0, high, (8, 8)).astype(np.float32)
            Image.fromarray(values).save(tmp_path / "tiff" / label / f"{i}.tif")
    source = find_images(DataConfig(str(tmp_path / "tiff"), value_range=(0, 1000)))
    network = load_trained(keep_some(RunStore(tmp_path / "runs"), source))
    picture = tmp_path / "tiff" / "dark" / "3.tif"
    fed, _ = asked_of(monkeypatch, network, [picture])
    due = np.rint(np.asarray(Image.open(picture)).astype(float) * 255 / 1000)
    np.testing.assert_array_equal(fed[0, 0], due)


def test_a_picture_of_more_bits_than_the_training_images_is_asked_about(
    trained, tmp_path, monkeypatch
):
    network = load_trained(trained)
    wide = tmp_path / "wide.png"
    Image.fromarray(np.full((8, 8), 3000, np.uint16)).save(wide)
    _, (found,) = asked_of(monkeypatch, network, [wide])
    assert "trained on 8 bits" in found.error
    assert "--value-range" in found.error
    assert "\n" not in found.error
    fed, _ = asked_of(monkeypatch, network, [wide], (0, 4095))
    assert fed.max() == 3000 >> 4
    with pytest.raises(InputError, match="predict: value_range must be two different numbers"):
        predict_files(network, [wide], "plain", (3, 3))


@pytest.mark.filterwarnings("ignore:.*")
def test_bytes_of_a_range_of_their_own_are_read_by_it(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 101, (40, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(40) % 2)
    source = find_images(DataConfig(str(tmp_path / "a.npz"), value_range=(0, 100)))
    network = load_trained(keep_some(RunStore(tmp_path / "runs"), source))
    Image.fromarray(images[0]).save(tmp_path / "in.png")
    Image.fromarray(images[0] + np.uint8(150)).save(tmp_path / "out.png")
    fed, found = asked_of(monkeypatch, network, [tmp_path / "in.png", tmp_path / "out.png"])
    np.testing.assert_array_equal(fed[0, 0], np.rint(images[0] * 2.55))
    assert "outside the value_range 0 to 100" in found[1].error


@pytest.mark.filterwarnings("ignore:.*")
def test_other_data_that_happen_to_be_darker_are_evaluated_on_the_scale_of_the_training(tmp_path):
    source = find_images(DataConfig(deep_folders(tmp_path / "twelve", bits=12)))
    kept = load_trained(keep_some(RunStore(tmp_path / "runs"), source)).kept
    other = find_elsewhere(kept, deep_folders(tmp_path / "ten", bits=10, seed=1)).load()
    assert other.reading.scale.ends == kept.scale.ends == (0.0, 4095.0)
    assert max(other.train_images.max(), other.test_images.max()) == 1023 >> 4


@pytest.mark.parametrize("ending", [".csv", ".json"])
def test_a_file_whose_name_is_no_utf_8_has_its_row_too(trained, tmp_path, ending):
    name = os.fsdecode(b"\xff.png")
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(tmp_path / name)
    to = tmp_path / f"out{ending}"
    runs = ["--runs", str(trained.path.parents[1])]
    line = [*runs, "images", "predict", str(tmp_path / name), "--run", trained.id, "--to", str(to)]
    assert main(line) == 0
    if ending == ".json":
        assert json.loads(to.read_text())[0]["picture"] == str(tmp_path / name)
    else:
        assert to.read_text().count(r"\udcff.png") == 1


def test_classes_that_are_called_as_other_columns_keep_their_own():
    found = [Prediction("a.png", np.array([0.25, 0.5, 0.25])), Prediction("b.png", None, "no")]
    names = ("error", "probability", "cat")
    text = as_csv(found, names)
    heads = next(csv.reader(io.StringIO(text)))
    assert len(set(heads)) == len(heads)
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["answer"], first["probability"], first["cat"]) == ("probability", "0.5", "0.25")
    assert (first["error"], second["error"], second["probability"]) == ("", "no", "")
