"""Damaged files of every form: a sample of benchmarks/reliability/data_readers.py, and what that has found.

Nothing but a `DataError` in one line may come out, whatever the bytes say.
"""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from benchmarks.reliability.data_readers import attempt, damage, prepare, write
from benchmarks.reliability.mutations import mutate

from pitfalls.errors import DataError
from pitfalls.images import load_dataset
from pitfalls.images.data import cifar10, cifar100
from tests.images.data.makers import pixels, png_bytes

CASES = 60


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    before = cifar10.IMAGES_A_BATCH, cifar100.IMAGES
    yield folder, prepare(folder)
    cifar10.IMAGES_A_BATCH, cifar100.IMAGES = before


READERS = (
    *(
        "pickle",
        "binary",
        "CIFAR-100 pickle",
        "CIFAR-100 binary",
        "tar",
        "tar.bz2",
        "tar.xz",
        "zip",
    ),
    *("npz", "idx", "parquet", "pictures", "table"),
)


def outcome(targets, reader, case):
    folder, made = targets
    name, raw, skip = damage(made[reader], reader, case)
    write(made[reader], folder / reader, name, raw)
    try:
        return attempt(folder / reader / made[reader].path, skip, None)["end"]
    finally:
        write(made[reader], folder / reader, name, made[reader].files[name])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("reader", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(targets, reader):
    pytest.importorskip("pyarrow") if reader == "parquet" else None
    odd = {
        c: end
        for c in range(CASES)
        if (end := outcome(targets, reader, c)) not in ("read", "refused")
    }
    assert not odd


def test_all_readers_of_the_table_are_tried(targets):
    assert set(targets[1]) == set(READERS)


def test_nothing_is_run_or_written_while_damaged_files_are_read():
    """In a process of its own, because Python's audit hooks cannot be taken away again."""
    code = (
        "import json, tempfile; from pathlib import Path\n"
        "from benchmarks.reliability.data_readers import Watch, attempt, damage, prepare, write\n"
        "watch = Watch()\n"
        "with tempfile.TemporaryDirectory() as place:\n"
        "    folder, ends = Path(place), set()\n"
        "    for reader, target in prepare(folder).items():\n"
        "        for case in range(1000, 1020):\n"
        "            name, raw, skip = damage(target, reader, case)\n"
        "            write(target, folder / reader, name, raw)\n"
        "            ends.add(attempt(folder / reader / target.path, skip, watch)['end'])\n"
        "            write(target, folder / reader, name, target.files[name])\n"
        "print(json.dumps(sorted(ends)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) <= {"read", "refused"}


def test_the_watch_sees_what_is_forbidden():
    code = (
        "import os, sys\n"
        "from benchmarks.reliability.data_readers import Watch\n"
        "watch = Watch(); watch.on = True\n"
        "os.system('true'); open('/dev/null', 'w').close(); open('/dev/null').close()\n"
        "import this_module_is_not_there\n"
    )
    code = code.replace("import this_module", "\ntry:\n    import this_module")
    code += "except ImportError:\n    pass\nwatch.on = False\nprint([e.split()[0] for e in watch.seen])\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['os.system', 'open', 'import']"


# ---- values that arithmetic does not bear ---------------------------------------------------

EXTREME: dict[str, tuple[np.ndarray, Any]] = {
    "1e300": (np.full((8, 4, 4), 1e300), [0, 1] * 4),
    "infinite": (np.full((8, 4, 4), np.inf), [0, 1] * 4),
    "not a number": (np.full((8, 4, 4), np.nan), [0, 1] * 4),
    "complex": (np.zeros((8, 4, 4), complex), [0, 1] * 4),
    "dates": (np.zeros((8, 4, 4), "M8[s]"), [0, 1] * 4),
    "text": (np.zeros((8, 4, 4), "U3"), [0, 1] * 4),
    "huge labels": (np.zeros((8, 4, 4), np.uint8), [2**64 - 1, 1] * 4),
    "labels of 1e300": (np.zeros((8, 4, 4), np.uint8), [1e300, 1] * 4),
    "dates as labels": (np.zeros((8, 4, 4), np.uint8), np.zeros(8, "M8[s]")),
    "no images": (np.zeros((0, 4, 4), np.uint8), np.zeros(0, int)),
    "images of no pixels": (np.zeros((8, 0, 4), np.uint8), [0, 1] * 4),
    "labels of four axes": (np.zeros((8, 4, 4), np.uint8), np.zeros((8, 1, 1, 1), int)),
}


@pytest.mark.parametrize("kind", EXTREME)
def test_extreme_arrays_are_refused_in_one_line(tmp_path, kind):
    images, labels = EXTREME[kind]
    np.savez(tmp_path / "a.npz", images=images, labels=labels)
    with pytest.raises(DataError, match=r"a\.npz") as raised:
        load_dataset(tmp_path / "a.npz")
    assert "\n" not in str(raised.value)


def test_text_of_letters_that_there_are_not_is_refused_in_one_line(tmp_path):
    images, labels = np.zeros((8, 4, 4), np.uint8), [0, 1] * 4
    for order in "<>":
        names = np.array([[0x110000], [65]], f"{order}u4").view(f"{order}U1")[:, 0]
        np.savez(tmp_path / "a.npz", images=images, labels=labels, class_names=names)
        with pytest.raises(DataError, match=r"a\.npz .* letters that there are not"):
            load_dataset(tmp_path / "a.npz")


def test_a_table_without_columns_is_refused_in_one_line(tmp_path):
    for at in range(4):
        (tmp_path / f"{at}.png").write_bytes(png_bytes(pixels(at)))
    (tmp_path / "labels.jsonl").write_bytes(b'{}\n{"file_name": "0.png", "label": "cat"}\n')
    with pytest.raises(DataError) as raised:
        load_dataset(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\n", b"\xff\xfe", b"file,label\n", b'file,label\n"0.png', b"file\n0.png\n",
        b"file,label\n0.png\n1.png,a,b,c\n", b"\x00,\x00\n0.png,1\n", b"file,label\n" + b'"' * 200_000,
        b"a" * 200_000, b"file,label\n0.png,\n1.png,\n",
    ],
)  # fmt: skip
def test_odd_tables_are_refused_in_one_line(tmp_path, text):
    for at in range(4):
        (tmp_path / f"{at}.png").write_bytes(png_bytes(pixels(at)))
    (tmp_path / "labels.csv").write_bytes(text)
    with pytest.raises(DataError) as raised:
        load_dataset(tmp_path)
    assert "\n" not in str(raised.value)


def test_lines_of_a_table_that_lack_a_field_are_no_crash(tmp_path):
    for at in range(4):
        (tmp_path / f"{at}.png").write_bytes(png_bytes(pixels(at)))
    rows = [
        {"file": "0.png", "label": "a"},
        {"file": "1.png"},
        {"label": "b"},
        {"file": "3.png", "label": "b"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="1 rows name pictures that are not there"):
        load_dataset(tmp_path)


def test_damage_is_the_same_anywhere():
    first, again = (mutate(bytes(100), np.random.default_rng(3)) for _ in range(2))
    assert first == again != bytes(100)
