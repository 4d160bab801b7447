"""Which pictures a run is about, and what is said of them."""

import os
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pytest
from cyclopts import App
from PIL import Image

from pitfalls.errors import DataError
from pitfalls.experiments import image_source
from pitfalls.experiments.image_source import (
    ImageSource,
    ask_for_images,
    called,
    describe_pictures,
    find_images,
    load_images,
)
from pitfalls.frame import Located, options
from pitfalls.images import DataConfig, ImageDataset, load_dataset
from pitfalls.runs import RunStore


@pytest.fixture
def uneven(tmp_path):
    """Seven images of class 1 and three of class 0 to train on; one and four to test on."""
    images = np.arange(15 * 4, dtype=np.uint8).reshape(15, 2, 2)
    np.savez(
        tmp_path / "x.npz",
        train_images=images[:10], train_labels=[1] * 7 + [0] * 3,
        test_images=images[10:], test_labels=[1, 0, 0, 0, 0],
    )  # fmt: skip
    return find_images(DataConfig(str(tmp_path / "x.npz")))


def test_a_constant_answer_is_the_commonest_class_of_the_training_images(uneven):
    pictures = describe_pictures(uneven.load())
    assert [size.part for size in pictures.parts] == ["train", "test"]
    assert pictures.constant("train") == 0.7
    assert pictures.constant("test") == 0.2
    assert (pictures.n("train"), pictures.n("validation"), pictures.n("test")) == (10, 0, 5)
    assert (pictures.n_classes, pictures.n_features) == (2, 4)


def test_the_official_test_images_are_called_test_and_held_out_ones_validation():
    assert [called(part) for part in ("train", "validation", "test")] == [
        "training", "validation", "test",
    ]  # fmt: skip


def test_a_config_that_holds_a_source_gives_its_command_the_options_of_the_data():
    @dataclass(frozen=True)
    class Config:
        source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]

    seen = []

    def take(config: Config) -> None:
        seen.append(config.source)

    app = App(result_action="return_value")
    app.default(options(take))
    line = "--data digits --subset-train 50 --validation 0.2 --value-range 0 255 --channels 1"
    app(line.split(), exit_on_error=False, print_error=False)
    expected = DataConfig(
        "digits", subset_train=50, validation=0.2, value_range=(0.0, 255.0), channels=1
    )
    assert seen == [find_images(expected)]


def test_warnings_of_the_pictures_go_into_the_run(uneven, tmp_path):
    @dataclass(frozen=True)
    class Config:
        source: ImageSource

    with RunStore(tmp_path / "runs").open("look", Config(uneven)) as run:
        data = load_images(uneven, run)
    assert tuple(run.manifest.warnings) == data.warnings == uneven.warnings


def test_pictures_that_changed_since_are_refused(uneven):
    with pytest.raises(DataError, match="not those this run was asked for"):
        replace(uneven, fingerprint="0" * 64).load()


@pytest.mark.parametrize("word", ["digits", "cifar10"])
def test_a_word_is_no_folder_of_that_name(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    (tmp_path / word).mkdir()
    asked: list[DataConfig] = []

    def load(config: DataConfig, **_: object) -> ImageDataset:
        asked.append(config)
        return load_dataset("digits")

    monkeypatch.setattr("pitfalls.images.data.load_dataset", load)
    image_source._loaded.clear()
    find_images(DataConfig(word))
    assert [config.data for config in asked] == [word]


def test_pictures_that_changed_within_a_process_are_read_again(tmp_path):
    labels = np.arange(40) % 2
    rng = np.random.default_rng(0)
    for form in ("a.npz", "folder"):
        place = tmp_path / form
        seen = []
        for _ in range(2):
            pictures = rng.integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
            if form == "folder":
                for i, picture in enumerate(pictures):
                    (place / str(i % 2)).mkdir(parents=True, exist_ok=True)
                    Image.fromarray(picture).save(place / str(i % 2) / f"{i}.png")
            else:
                np.savez(place, x_train=pictures, y_train=labels, x_test=pictures, y_test=labels)
            source = find_images(DataConfig(str(place)))
            assert find_images(DataConfig(str(place))) == source
            seen.append(source.fingerprint)
            assert source.fingerprint == load_dataset(str(place)).fingerprint
        assert seen[0] != seen[1]


@pytest.mark.parametrize("linked", [True, False])
def test_pictures_behind_a_link_or_a_home_that_changed_are_read_again(
    tmp_path, monkeypatch, linked
):
    monkeypatch.setenv("HOME", str(tmp_path))
    named = "~/named"
    (tmp_path / "named").mkdir()
    for label in "ab":
        place = tmp_path / ("elsewhere" if linked else "named") / label
        place.mkdir(parents=True)
        if linked:
            (tmp_path / "named" / label).symlink_to(place, target_is_directory=True)
    seen = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        for label in "ab":
            for i in range(10):
                picture = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
                Image.fromarray(picture).save(tmp_path / "named" / label / f"{i}.png")
        source = find_images(DataConfig(named))
        assert source.config.data == str(tmp_path / "named")
        assert source.fingerprint == load_dataset(str(tmp_path / "named")).fingerprint
        seen.append(source.fingerprint)
    assert seen[0] != seen[1]


def test_pictures_of_the_same_size_and_time_are_read_again(tmp_path):
    """As cp -p, rsync and archives leave them."""
    rng = np.random.default_rng(0)
    for name in ("a/0.bmp", "a/1.bmp", "b/0.bmp", "b/1.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (6, 6), np.uint8)).save(tmp_path / name)
    config, changed = DataConfig(str(tmp_path)), tmp_path / "a/0.bmp"
    before, old = find_images(config), changed.stat()
    Image.fromarray(rng.integers(0, 255, (6, 6), np.uint8)).save(changed)
    os.utime(changed, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert changed.stat().st_size == old.st_size
    after = find_images(config)
    assert after.fingerprint != before.fingerprint
    assert after.fingerprint == load_dataset(config).fingerprint
