"""A folder that is no data set is refused long before its end; one of many notes beside pictures is read."""

import os
from pathlib import Path

import pytest

from pitfalls.errors import DataError
from pitfalls.images.data import DataConfig, files, list_files, load_dataset


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
