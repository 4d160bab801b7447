"""A folder that is no data set is refused long before its end; one of many notes beside pictures is read."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from pitfalls.errors import DataError
from pitfalls.images.data import DataConfig, files, list_files, load_dataset
from tests.images.data.makers import class_folders, picture


def fill(folder, ending, n):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        (folder / f"{number}{ending}").touch()


def test_a_disk_is_left_as_soon_as_it_is_seen_to_be_no_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_OTHERS", 20)
    for number in range(30):
        fill(tmp_path / f"part-{number:02}", ".py", 5)
    looked, scan = [], os.scandir

    def look(path):
        looked.append(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", look)
    with pytest.raises(DataError) as caught:
        load_dataset(DataConfig(str(tmp_path)))
    text = str(caught.value)
    assert "0 are pictures" in text
    assert ".py" in text
    assert "class folders of pictures" in text
    assert "\n" not in text
    assert len(looked) < 10


def test_the_files_of_a_whole_disk_are_not_walked():
    with pytest.raises(DataError) as caught:
        list_files(Path("/"))
    assert "\n" not in str(caught.value)


def test_notes_beside_pictures_are_no_reason_to_refuse(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_OTHERS", 20)
    fill(tmp_path / "cats", ".png", 10)
    fill(tmp_path / "cats", ".xml", 60)
    assert len(list_files(tmp_path)) == 70


ACCENTS = {form: unicodedata.normalize(form, "\u00e9cole") for form in ("NFC", "NFD")}


@pytest.mark.parametrize(("train", "test"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_class_is_one_however_its_accents_are_written(tmp_path, train, test):
    class_folders(tmp_path / "t/train", classes=(ACCENTS[train], "dog"))
    class_folders(tmp_path / "t/test", classes=(ACCENTS[test], "dog"), seed=1000)
    data = load_dataset(tmp_path / "t")
    assert data.class_names == ("dog", ACCENTS["NFC"])
    assert np.bincount(data.test_labels).tolist() == [4, 4]


def test_two_folders_whose_names_look_alike_are_refused(tmp_path):
    class_folders(tmp_path / "t", classes=(ACCENTS["NFC"], ACCENTS["NFD"], "dog"))
    with pytest.raises(DataError, match="accents are written in different ways"):
        load_dataset(tmp_path / "t")


def test_a_table_names_files_and_classes_however_their_accents_are_written(tmp_path):
    rows = ["file,label"]
    for i in range(8):
        name = f"{ACCENTS['NFD']}{i}.png"
        picture(tmp_path / "t" / name, seed=i)
        label = ACCENTS["NFC" if i % 4 else "NFD"] if i % 2 == 0 else "dog"
        rows.append(f"{unicodedata.normalize('NFC', name)},{label}")
    (tmp_path / "t/labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    data = load_dataset(tmp_path / "t")
    assert data.class_names == ("dog", ACCENTS["NFC"])
    assert len(data.train_labels) + len(data.test_labels) == 8
