"""Files that are classified: each has its row, the damaged ones too."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from pitfalls.cli import main
from pitfalls.experiments.image_evaluate.predicting import as_csv, as_json, predict_files
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
