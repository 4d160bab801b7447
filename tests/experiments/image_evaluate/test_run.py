"""Evaluations of networks that lie in run folders, against the labels themselves."""

import shutil
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from pitfalls.errors import DataError, InputError, RunError
from pitfalls.experiments import image_source
from pitfalls.experiments.image_evaluate import EXPERIMENT, EvaluateConfig
from pitfalls.experiments.image_evaluate.words import charts
from pitfalls.experiments.image_fast import EXPERIMENT as FAST
from pitfalls.experiments.image_other import find_elsewhere
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_trained import load_trained, weights_digest
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.runs import RunStore, config_hash
from tests.experiments.image_evaluate.made import keep_some
from tests.kinds import there
from tests.runs.forged import rewrite


@pytest.fixture(scope="module")
def source():
    return find_images(DataConfig("digits", subset_train=200, subset_val=60, validation=40))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def trained(store, source):
    return keep_some(store, source, n=2)


def config_of(run, **kept):
    digest = weights_digest(run, kept.get("member", 0))
    return EvaluateConfig(run.id, digest, str(run.path), **kept)


@pytest.fixture(scope="module")
def evaluated(store, trained):
    return run_experiment(EXPERIMENT, config_of(trained), store).result


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("member", [0, 1])
def test_an_evaluation_counts_what_the_network_answers(store, trained, source, part, member):
    data = source.load()
    result = run_experiment(EXPERIMENT, config_of(trained, part=part, member=member), store).result
    shares = load_trained(trained, member).predict(data.images(part))
    labels = data.labels(part)
    np.testing.assert_array_equal(result.answers.predictions, shares.argmax(1))
    np.testing.assert_allclose(result.answers.confidences, shares.max(1))
    assert result.confusion.right.count == (shares.argmax(1) == labels).sum()
    assert result.confusion.right.n == result.confusion.counts.sum() == len(labels)
    assert len(result.answers.mistakes) == len(labels) - np.trace(result.confusion.counts)
    np.testing.assert_array_equal(result.answers.indices, data.indices(part))
    expected = -np.log(shares[np.arange(len(labels)), labels]).mean()
    assert result.loss == pytest.approx(expected)


def test_the_excess_of_confidence_is_the_mean_over_the_images(evaluated):
    answers = evaluated.answers
    excess = answers.confidences - (answers.labels == answers.predictions)
    assert evaluated.calibration.excess == pytest.approx(excess.mean())
    assert evaluated.calibration.excess_error == pytest.approx(excess.std(ddof=1) / np.sqrt(60))


def test_each_cell_of_the_page_shows_its_own_images_the_surest_first(evaluated, source):
    data = source.load()
    found = charts(evaluated)["confusion"]
    sheet = evaluated.sheet
    picture = np.asarray(Image.open(BytesIO(sheet.webp.tobytes())).convert("L"), dtype=float)
    at = {int(index): place for place, index in enumerate(data.test_indices)}
    n = 0
    for cell, images in found["cells"].items():
        true, predicted = map(int, cell.split("-"))
        sure = [image["confidence"] for image in images]
        assert sure == sorted(sure, reverse=True)
        assert len(images) == min(evaluated.confusion.counts[true, predicted], 12)
        for image in images:
            place = at[image["index"]]
            assert data.test_labels[place] == true
            row, column = divmod(image["tile"], sheet.columns)
            size = sheet.size
            seen = picture[row * size : (row + 1) * size, column * size : (column + 1) * size]
            assert np.abs(seen - data.test_images[place, 0]).mean() < 25
            n += 1
    assert n == sheet.count


def test_a_network_trained_anew_meanwhile_is_noticed(trained, store):
    stale = replace(config_of(trained), weights_sha256="0" * 64)
    with pytest.raises(RunError, match="trained anew"):
        run_experiment(EXPERIMENT, stale, store)


def test_outputs_that_are_not_finite_are_no_answers(tmp_path, source):
    broken = keep_some(RunStore(tmp_path), source, nan=True)
    with pytest.raises(InputError, match="must be finite"):
        run_experiment(EXPERIMENT, config_of(broken), RunStore(tmp_path))
    with pytest.raises(RunError, match="not finite"):
        load_trained(broken).predict(source.load().test_images[:2])


def test_a_part_without_images_is_refused(tmp_path):
    source = find_images(DataConfig("digits", subset_train=50, subset_val=20))
    run = keep_some(RunStore(tmp_path), source)
    with pytest.raises(InputError, match="no validation set"):
        run_experiment(EXPERIMENT, config_of(run, part="validation"), RunStore(tmp_path))


def test_a_run_without_such_a_network_is_refused(trained, store):
    run = run_experiment(EXPERIMENT, config_of(trained), store).run
    with pytest.raises(InputError, match="holds no trained network"):
        load_trained(run)
    with pytest.raises(InputError, match="number 2"):
        load_trained(trained, member=2)
    with pytest.raises(InputError, match="member must be at least 0"):
        EvaluateConfig(member=-1)


def test_the_homework_s_evaluation_knows_its_training_before_it_is_trained():
    (further,) = FAST.homework(Homework("quick", "digits", 7))
    (config,) = EXPERIMENT.homework(Homework("quick", "digits", 7))
    assert config.trained_run == f"images-fast/run-{config_hash(further)}"
    (full,) = EXPERIMENT.homework(Homework("full", "digits", 7))
    assert full.trained_run.startswith("images-train/best-")
    assert (config.weights_sha256, config.part, config.member) == ("", "test", 0)


def test_a_network_of_other_classes_than_its_pictures_is_refused_in_one_line(
    store, trained, tmp_path
):
    shutil.copytree(trained.path, tmp_path / "images-train" / trained.path.name)
    forged = RunStore(tmp_path).find("images-train")
    name = "results/KeptNetwork.0.json"
    rewrite(forged, name, forged.read_file(name).replace(b'"3"', b'"drei"'))
    with pytest.raises(RunError, match="names other classes than its pictures have"):
        run_experiment(EXPERIMENT, config_of(forged), RunStore(tmp_path))


def test_the_first_five_and_the_precisions_are_those_of_the_sorted_outputs(
    evaluated, trained, source
):
    data = source.load()
    logits = load_trained(trained).logits(data.test_images).double().numpy()
    order = [sorted(range(10), key=lambda k: (-row[k], k))[:5] for row in logits]
    expected = sum(label in first for label, first in zip(data.test_labels, order, strict=True))
    assert (evaluated.top5.count, evaluated.top5.n) == (expected, 60)
    answers = evaluated.answers
    recalls = []
    for k, (recall, precision) in enumerate(
        zip(evaluated.confusion.classes, evaluated.confusion.precisions, strict=True)
    ):
        taken = answers.predictions == k
        assert (precision is None) == (not taken.any())
        if precision is not None:
            assert precision.n == taken.sum()
            assert precision.count == (taken & (answers.labels == k)).sum()
        recalls.append(recall.value)
    assert evaluated.confusion.balanced == pytest.approx(np.mean(recalls))


def test_the_temperature_lowers_the_loss_of_the_images_that_it_was_fitted_on(store, trained):
    result = run_experiment(EXPERIMENT, config_of(trained, part="validation"), store).result
    calibrated = there(result.calibrated)
    assert calibrated.loss < result.as_trained.loss
    assert calibrated.temperature == load_trained(trained).kept.temperature
    six = run_experiment(
        EXPERIMENT, config_of(trained, part="validation", views="six"), store
    ).result
    assert six.calibrated is None


def test_too_few_images_held_out_give_no_temperature(tmp_path):
    few = find_images(DataConfig("digits", subset_train=200, subset_val=60, validation=29))
    assert load_trained(keep_some(RunStore(tmp_path), few)).kept.temperature is None


def test_its_own_data_are_found_again_where_they_were_moved(tmp_path, monkeypatch):
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    np.savez(tmp_path / "some.npz", images=images, labels=labels)
    monkeypatch.chdir(tmp_path)
    own = find_images(DataConfig("some.npz", subset_train=100, subset_val=30, validation=30))
    run = keep_some(RunStore(tmp_path / "runs"), own)
    monkeypatch.chdir("/")  # the path was relative
    store = RunStore(tmp_path / "runs")
    before = run_experiment(EXPERIMENT, config_of(run), store).result
    (tmp_path / "some.npz").rename(tmp_path / "moved.npz")
    image_source._loaded.clear()
    with pytest.raises(DataError, match="give --data"):
        run_experiment(EXPERIMENT, config_of(run, part="validation"), store)
    moved = find_elsewhere(load_trained(run).kept, str(tmp_path / "moved.npz"))
    after = run_experiment(EXPERIMENT, config_of(run, source=moved), store).result
    assert not after.is_other
    np.testing.assert_array_equal(before.answers.confidences, after.answers.confidences)
    with pytest.raises(InputError, match="mostly those that it was fitted to"):
        run_experiment(EXPERIMENT, config_of(run, source=moved, part="all"), store)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Make pictures of three of the digits, in another order, in folders without parts."""
    root = tmp_path_factory.mktemp("other")
    images, labels = load_digits(return_X_y=True)
    for k in (7, 2, 5):
        (root / str(k)).mkdir()
        for i in np.flatnonzero(labels == k)[:8]:
            picture = Image.fromarray((images[i].reshape(8, 8) * 15).astype(np.uint8))
            picture.resize((16, 16)).convert("RGB").save(root / str(k) / f"{i}.png")
    return root


@pytest.mark.filterwarnings("ignore:.*set aside")
def test_other_data_are_taken_in_the_network_s_size_and_classes(folders, trained, store):
    kept = load_trained(trained).kept
    other = find_elsewhere(kept, str(folders))
    assert other.load().shape == kept.shape == (1, 8, 8)
    result = run_experiment(EXPERIMENT, config_of(trained, source=other, part="all"), store).result
    assert result.is_other
    assert result.pictures.class_names == kept.class_names
    counts = result.confusion.counts
    assert counts.sum(axis=1).tolist() == [0, 0, 8, 0, 0, 8, 0, 8, 0, 0]
    assert [share is None for share in result.confusion.classes].count(True) == 7
    assert result.constant == pytest.approx(1 / 3)


def test_images_that_the_network_was_trained_on_are_counted_in_other_data(
    tmp_path, trained, store, source
):
    own = source.load()
    images = np.concatenate([own.train_images[:12], own.test_images[:8]])
    labels = np.concatenate([own.train_labels[:12], own.test_labels[:8]]).astype(str)
    np.savez(tmp_path / "more.npz", images=images, labels=labels)
    other = find_elsewhere(load_trained(trained).kept, str(tmp_path / "more.npz"))
    done = run_experiment(EXPERIMENT, config_of(trained, source=other, part="all"), store)
    assert done.result.is_other
    said = "trained on 12 of these 20 images (12 exact copies, 0 near-duplicates)"
    assert any(said in warning for warning in done.run.manifest.warnings)


def test_training_images_that_are_gone_cannot_be_looked_for_which_is_said(tmp_path, monkeypatch):
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    np.savez(tmp_path / "a.npz", images=images[:900], labels=labels[:900])
    np.savez(tmp_path / "b.npz", images=images[900:], labels=labels[900:])
    store = RunStore(tmp_path / "runs")
    own = find_images(DataConfig(str(tmp_path / "a.npz"), subset_train=100, validation=30))
    run = keep_some(store, own)
    (tmp_path / "a.npz").unlink()
    image_source._loaded.clear()
    other = find_elsewhere(load_trained(run).kept, str(tmp_path / "b.npz"))
    done = run_experiment(EXPERIMENT, config_of(run, source=other, part="test"), store)
    assert any("nobody has looked" in warning for warning in done.run.manifest.warnings)


def test_classes_that_the_network_does_not_know_are_named(tmp_path, trained, store):
    pictures = np.zeros((20, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", images=pictures, labels=np.array(["cat", "7"] * 10))
    other = find_elsewhere(load_trained(trained).kept, str(tmp_path / "x.npz"))
    with pytest.raises(InputError, match="does not know: cat"):
        run_experiment(EXPERIMENT, config_of(trained, source=other, part="all"), store)


def test_what_it_looks_at_in_its_worst_mistakes_adds_up(store, trained):
    result = run_experiment(EXPERIMENT, config_of(trained, attribution=True), store).result
    looks = there(result.looks)
    assert looks.maps.shape == (8, 8, 8)
    sums = looks.maps.sum((1, 2))
    assert (np.abs(sums - looks.logits) <= looks.gaps + 1e-4).all()


def test_a_reused_evaluation_says_again_that_the_network_was_trained_on_these_images(
    tmp_path, trained, source, capsys
):
    from pitfalls.cli import main

    own = source.load()
    images = np.concatenate([own.train_images[:12], own.test_images[:8]])
    labels = np.concatenate([own.train_labels[:12], own.test_labels[:8]]).astype(str)
    np.savez(tmp_path / "more.npz", images=images, labels=labels)
    line = ["--runs", str(trained.path.parents[1]), "images", "evaluate", trained.id,
            "--data", str(tmp_path / "more.npz"), "--part", "all"]  # fmt: skip
    told = []
    for _ in range(2):
        assert main(line) == 0
        told.append(sorted(w for w in capsys.readouterr().err.splitlines() if "warning" in w))
    assert told[0] == told[1]
    assert any("was trained on 12 of these 20 images" in warning for warning in told[1])


def test_other_data_with_several_sets_of_labels_are_read_by_the_networks_own(tmp_path):
    rng = np.random.default_rng(0)
    for name, n in (("own", 40), ("other", 10)):
        rows = ["file,label,odd"]
        (tmp_path / name).mkdir()
        for i in range(n):
            pixels = rng.integers(0, 256, (8, 8)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
            rows.append(f"{i}.png,{('yes', 'no')[i % 4 < 2]},{('yes', 'no')[i % 2]}")
        (tmp_path / name / "t.csv").write_text("\n".join(rows))
    own = find_images(DataConfig(str(tmp_path / "own"), labels="odd"))
    kept = load_trained(keep_some(RunStore(tmp_path / "runs"), own)).kept
    other = find_elsewhere(kept, str(tmp_path / "other"))
    expected = find_images(DataConfig(str(tmp_path / "other"), labels="odd", size=8, channels=1))
    assert other.fingerprint == expected.fingerprint


def test_an_evaluation_of_what_a_run_holds_is_made_anew_where_it_holds_another_network(
    tmp_path, source
):
    store = RunStore(tmp_path)
    trained = keep_some(store, source, n=2)
    config = EvaluateConfig(trained.id)
    first = run_experiment(EXPERIMENT, config, store)
    assert first.result.weights_sha256 == weights_digest(trained)
    assert not run_experiment(EXPERIMENT, config, store).run.was_opened
    other = trained.read_file("weights-1.safetensors")
    rewrite(trained, "weights-0.safetensors", other)
    again = run_experiment(EXPERIMENT, config, store)
    assert again.run.was_opened
    named = run_experiment(EXPERIMENT, config_of(store.find(trained.id)), store).result
    assert again.result.loss == named.loss != first.result.loss
    store.remove(trained.id)  # nothing says that it is another one
    assert not run_experiment(EXPERIMENT, config, store).run.was_opened


def test_the_table_of_the_confusion_is_called_by_the_classes(evaluated):
    for name in ("confusion", "confusion.counts"):
        columns = evaluated.table(name)
        assert columns.pop("class") == list(evaluated.pictures.class_names)
        assert list(columns) == [f"taken for {name}" for name in evaluated.pictures.class_names]
        np.testing.assert_array_equal(list(columns.values()), evaluated.confusion.counts.T)
    assert "counts_1" not in evaluated.to_frame("confusion").columns
