"""Every form that people have is read, or refused in one line that says which form would do."""

import gzip
import io
import json
import pickle
import shutil
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from pitfalls.errors import DataError, InputError
from pitfalls.images import DataConfig, load_dataset, read_picture
from pitfalls.images.data import cifar100
from pitfalls.images.data.readers import READERS
from tests.images.data.makers import (
    class_folders,
    mnist,
    parquet,
    parts,
    picture,
    pixels,
    tarred,
    zipped,
)


def said(data, *words):
    return any(all(word in text for word in words) for text in data.warnings)


def together(data):
    """Every image of all parts, as bytes, with the name of its class."""
    found: list[tuple[bytes, str]] = []
    for part in ("train", "validation", "test"):
        names = (data.class_names[label] for label in data.labels(part))
        found += zip(map(bytes, data.images(part)), names, strict=True)
    return sorted(found)


def test_the_table_of_readers_names_each_form_once():
    assert len({reader.form for reader in READERS}) == len(READERS) == 7


# ---- pictures -------------------------------------------------------------------------------

LOSSLESS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".bmp": {},
    ".tif": {},
    ".tiff": {"compression": "tiff_lzw"},
    ".webp": {"lossless": True},
    ".ppm": {},
}


@pytest.mark.parametrize("ending", LOSSLESS)
@pytest.mark.parametrize("capital", [False, True])
def test_lossless_pictures_keep_every_pixel(tmp_path, ending, capital):
    name = ending.upper() if capital else ending
    class_folders(tmp_path / "t", ending=name, **LOSSLESS[ending])
    class_folders(tmp_path / "due")
    assert together(load_dataset(tmp_path / "t")) == together(load_dataset(tmp_path / "due"))
    assert load_dataset(tmp_path / "t").reading.files == ((ending, 8),)


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".JPG", ".jfif", ".webp"])
def test_lossy_pictures_come_close(tmp_path, ending):
    smooth = np.add.outer(np.arange(16), np.arange(16))[..., None] * np.array([4, 6, 8])
    path = picture(tmp_path / f"a{ending}", smooth.astype(np.uint8), quality=95)
    found = read_picture(path).transpose(1, 2, 0).astype(int)
    assert np.abs(found - smooth).mean() < 4


def test_the_first_frame_of_a_gif_is_read(tmp_path):
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (40, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_picture(tmp_path / "a.gif", channels=1) == 40).all()


def test_what_the_bytes_say_counts_not_the_ending(tmp_path):
    picture(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jpg"), pixels(0).transpose(2, 0, 1))


def test_pictures_are_turned_as_their_exif_entry_says(tmp_path):
    upright = pixels(0, (8, 16, 3))
    image = Image.fromarray(np.rot90(upright).copy())
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees, clockwise
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), upright.transpose(2, 0, 1))
    class_folders(tmp_path / "t", classes=("cat",), n=3)
    for i in range(3):
        image = Image.fromarray(np.rot90(pixels(i, (8, 8, 3))).copy())
        (tmp_path / "t/dog").mkdir(exist_ok=True)
        image.save(tmp_path / f"t/dog/{i}.png", exif=exif)
    assert load_dataset(tmp_path / "t").shape == (3, 8, 8)


def test_every_orientation_is_the_one_that_pillow_gives(tmp_path):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.png"
        Image.fromarray(pixels(1, (6, 10, 3))).save(path, exif=exif)
        with Image.open(path) as opened:
            due = np.asarray(ImageOps.exif_transpose(opened))
        np.testing.assert_array_equal(read_picture(path), due.transpose(2, 0, 1))


def late(path):
    """Move a PNG's entry of EXIF behind its pixels, where ImageMagick writes it."""
    raw = path.read_bytes()
    chunks, at = [], 8
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4], "big") + 12
        chunks.append(raw[at : at + size])
        at += size
    assert b"eXIf" in {chunk[4:8] for chunk in chunks}
    chunks.sort(key=lambda chunk: 2 * (chunk[4:8] == b"IEND") + (chunk[4:8] == b"eXIf"))
    path.write_bytes(raw[:8] + b"".join(chunks))


@pytest.mark.parametrize(
    "kind", ["png", "late png", "jpg", "webp", "tif", "packed tif", "deep tif"]
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_that_are_not_square_are_upright_in_every_form(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {
        "jpg": {"quality": 100},
        "webp": {"lossless": True},
        "packed tif": {"compression": "tiff_lzw"},
    }
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for i in range(3):
            array = pixels(i, (6, 10, 3))
            if kind == "deep tif":
                array = (array[:, :, 0].astype(np.uint16) << 8) + 255
            path = tmp_path / label / f"{i}.{kind.split()[-1]}"
            Image.fromarray(array).save(path, exif=exif, **options.get(kind, {}))
            if kind == "late png":
                late(path)
    data = load_dataset(tmp_path)
    due = []
    for i in range(3):
        # by its bytes: Pillow maps a file that it opens by name by the wrong one of its sizes
        path = tmp_path / "a" / f"{i}.{kind.split()[-1]}"
        opened = Image.open(io.BytesIO(path.read_bytes()))
        opened.load()
        upright = np.asarray(ImageOps.exif_transpose(opened))
        due.append((upright >> 8).astype(np.uint8) if kind == "deep tif" else upright)
    shape = (6, 10) if orientation < 5 else (10, 6)
    assert data.shape[1:] == due[0].shape[:2] == shape
    found = {image.tobytes() for image in np.concatenate([data.train_images, data.test_images])}
    wanted = {
        np.ascontiguousarray(u[None] if u.ndim == 2 else u.transpose(2, 0, 1)).tobytes()
        for u in due
    }
    assert found == wanted


def test_damaged_metadata_leave_the_picture_readable(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels(0)).save(path, exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xffrubbish")
    assert read_picture(path).shape == (3, 8, 8)


def test_programs_that_other_decoders_start_are_not_reached(tmp_path):
    path = tmp_path / "a.png"  # an EPS picture: Pillow would hand it to Ghostscript
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match="not a picture"):
        read_picture(path)


# ---- damage ---------------------------------------------------------------------------------


def damaged(tmp_path):
    root = parts(tmp_path / "t", ("train", "test"))
    (root / "train/cat/0.png").write_bytes(b"")
    raw = (root / "train/dog/1.png").read_bytes()
    (root / "train/dog/1.png").write_bytes(raw[:-40])
    (root / "test/dog/2.png").write_text("hello")
    return root


def test_damaged_pictures_are_refused_with_their_number(tmp_path):
    with pytest.raises(
        DataError, match=r"at least 2 of 16 pictures cannot be read.*--skip-damaged"
    ):
        load_dataset(damaged(tmp_path))


def test_damaged_pictures_are_left_out_counted_and_named(tmp_path):
    root = damaged(tmp_path)
    whole = load_dataset(parts(tmp_path / "whole", ("train", "test")))
    data = load_dataset(DataConfig(str(root), skip_damaged=True))
    assert (len(data.train_labels), len(data.test_labels)) == (6, 7)
    assert set(together(data)) < set(together(whole))
    assert said(data, "3 damaged files left out", "train/cat/0.png", "test/dog/2.png")
    assert sorted(data.reading.damaged) == sorted(
        str(root / name) for name in ("train/cat/0.png", "train/dog/1.png", "test/dog/2.png")
    )


def test_nothing_but_damage_is_refused(tmp_path):
    root = class_folders(tmp_path / "t")
    for path in root.rglob("*.png"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match="none of its 8 pictures"):
        load_dataset(DataConfig(str(root), skip_damaged=True))


# ---- archives -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz"])
@pytest.mark.parametrize("names", [("train", "test"), ("",)])
def test_archives_of_class_folders_are_the_folder(tmp_path, form, names):
    root = parts(tmp_path / "pets", names)
    (root / "._x.png").write_bytes(b"")
    path = tmp_path / f"pets{form}"
    if form == ".zip":
        zipped(root, path)
    else:
        mode = {".tar": "w", ".bz2": "w:bz2", ".xz": "w:xz"}.get("." + form.split(".")[-1], "w:gz")
        tarred(root, path, mode)
    packed, folder = load_dataset(path), load_dataset(root)
    assert packed.name == folder.name == "pets"
    assert packed.fingerprint == folder.fingerprint
    assert [w for w in packed.warnings if "no test set" not in w] == []


def test_cifar10_mnist_and_npz_are_read_from_an_archive_too(tmp_path):
    made = mnist(tmp_path / "MNIST/raw")
    data = load_dataset(zipped(tmp_path / "MNIST", tmp_path / "archive.zip"))
    np.testing.assert_array_equal(data.train_images[:, 0], made["train"][0])
    inner = tmp_path / "inner"
    inner.mkdir()
    np.savez(inner / "a.npz", x=pixels(0, (20, 8, 8, 3)), y=np.arange(20) % 2)
    assert load_dataset(zipped(inner, tmp_path / "a.zip")).shape == (3, 8, 8)


# ---- tables ---------------------------------------------------------------------------------


def flat(folder, n=8, start=0, ending=".png"):
    """Numbered pictures in one folder, and the class of each."""
    classes = {}
    for i in range(start, start + n):
        picture(folder / f"{i:04d}{ending}", seed=i)
        classes[f"{i:04d}"] = ("cat", "dog")[i % 2]
    return classes


def write_table(path, header, rows, mark=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(mark.join(row) for row in [header, *rows]) + "\n")


def due(n=8, start=0):
    images = (
        bytes(np.ascontiguousarray(pixels(i).transpose(2, 0, 1))) for i in range(start, start + n)
    )
    return sorted(
        zip(images, ("cat" if i % 2 == 0 else "dog" for i in range(start, start + n)), strict=True)
    )


TABLES = {
    # name: (where the pictures lie, name of the table, its header, how a row is written)
    "file,label": ("", "labels.csv", ("file", "label"), lambda i, c: (f"{i}.png", c)),
    "id without ending": ("train", "trainLabels.csv", ("id", "label"), lambda i, c: (i, c)),
    "paths": ("images", "data.csv", ("image_path", "class"), lambda i, c: (f"images/{i}.png", c)),
    "windows paths": ("images", "d.csv", ("path", "y"), lambda i, c: (f"images\\{i}.png", c)),
    "further columns": ("", "a.csv", ("", "image", "width", "species"),
                        lambda i, c: ("7", f"{i}.png", "8", c)),
    "tabs": ("", "a.tsv", ("image", "category"), lambda i, c: (f"{i}.png", c)),
    "semicolons": ("", "a.csv", ("image", "label"), lambda i, c: (f"{i}.png", c)),
    "label first": ("", "a.csv", ("whatever", "files"), lambda i, c: (c, f"./{i}.png")),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_pictures_beside_a_table_get_its_labels(tmp_path, kind):
    folder, name, header, row = TABLES[kind]
    root = tmp_path / "t"
    classes = flat(root / folder)
    mark = {"tabs": "\t", "semicolons": ";"}.get(kind, ",")
    write_table(root / name, header, [row(i, c) for i, c in classes.items()], mark)
    data = load_dataset(root)
    assert data.class_names == ("cat", "dog")
    assert together(data) == due()
    assert [w for w in data.warnings if "no test set" not in w] == []


def test_kaggle_folders_leave_the_pictures_to_hand_in_aside(tmp_path):
    root = tmp_path / "t"
    classes = flat(root / "train")
    flat(root / "test", start=100, n=5)
    write_table(root / "trainLabels.csv", ("id", "label"), classes.items())
    write_table(
        root / "sampleSubmission.csv",
        ("id", "label"),
        [(f"{i:04d}", "cat") for i in range(100, 105)],
    )
    data = load_dataset(root)
    assert together(data) == due()
    assert said(data, "5 pictures without a label")


def test_tables_of_the_parts_and_a_column_for_them(tmp_path):
    root = tmp_path / "t"
    for part, start, n in (("train", 0, 8), ("test", 100, 4)):
        write_table(root / f"{part}.csv", ("file", "label"),
                    [(f"{i}.png", c) for i, c in flat(root / "pictures", n, start).items()])  # fmt: skip
    data = load_dataset(root)
    assert (len(data.train_labels), len(data.test_labels)) == (8, 4)
    for table in root.glob("*.csv"):
        table.unlink()
    classes = flat(root / "pictures") | flat(root / "pictures", 4, 100)
    rows = [
        (f"{i}.png", c, "val" if i < "0003" else "train" if i < "0100" else "test")
        for i, c in classes.items()
    ]
    write_table(root / "all.csv", ("file", "label", "split"), rows)
    data = load_dataset(root)
    assert [len(data.labels(p)) for p in ("train", "validation", "test")] == [5, 3, 4]


def test_hugging_face_image_folders_with_metadata(tmp_path):
    root = tmp_path / "t"
    for part, start, n in (("train", 0, 8), ("test", 100, 4)):
        classes = flat(root / part, n, start)
        if part == "train":
            write_table(root / part / "metadata.csv", ("file_name", "label"),
                        [(f"{i}.png", c) for i, c in classes.items()])  # fmt: skip
        else:
            lines = [json.dumps({"file_name": f"{i}.png", "label": c}) for i, c in classes.items()]
            (root / part / "metadata.jsonl").write_text("\n".join(lines))
    data = load_dataset(root)
    assert (len(data.train_labels), len(data.test_labels)) == (8, 4)
    assert together(data) == sorted(due() + due(4, 100))


def test_labels_of_a_table_that_are_numbers_are_in_their_order(tmp_path):
    flat(tmp_path / "t", 24)
    write_table(
        tmp_path / "t/l.csv", ("file", "label"), [(f"{i:04d}.png", str(i % 12)) for i in range(24)]
    )
    assert load_dataset(tmp_path / "t").class_names == tuple(map(str, range(12)))


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        (("1.0", "11.0"), ("1", "11")),  # as pandas writes whole numbers beside empty cells
        (("2e1", "3"), ("3", "20")),
        (("10023", "9"), ("10023", "9")),  # codes: names of classes, in the order of texts
        (("v1.5", "2.5"), ("2.5", "v1.5")),
    ],
)
def test_labels_of_a_table_are_numbers_where_all_are_whole(tmp_path, words, classes):
    names = flat(tmp_path / "t")
    rows = [(f"{name}.png", words[at % 2]) for at, name in enumerate(names)]
    write_table(tmp_path / "t/l.csv", ("file", "label"), rows)
    data = load_dataset(tmp_path / "t")
    assert data.class_names == classes


def test_labels_of_a_table_that_have_fractions_are_no_classes(tmp_path):
    names = flat(tmp_path / "t")
    rows = [(f"{name}.png", str(at / 2)) for at, name in enumerate(names)]
    write_table(tmp_path / "t/l.csv", ("file", "label"), rows)
    with pytest.raises(DataError, match=r"of which 0.5 has a fraction"):
        load_dataset(tmp_path / "t")


def test_folders_that_only_divide_files_are_no_classes(tmp_path):
    root = tmp_path / "t"
    classes = flat(root / "images_001") | flat(root / "images_002", start=8)
    write_table(
        root / "labels.csv", ("image", "label"), [(f"{i}.png", c) for i, c in classes.items()]
    )
    assert load_dataset(root).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (("a", "b", "file"), [("x", "y", "{}.png")], "which holds the labels"),
        (("file", "label"), [("{}.png", "x"), ("{}.png", "y")], "has two labels"),
        (
            ("file", "label"),
            [("{}.png", "x"), ("gone.png", "y")],
            "8 rows name pictures that are not there",
        ),
        (("file",), [("{}.png",)], "expected a CSV with columns file and label"),
        (("x", "y"), [("1", "2")], "expected a CSV with columns file and label"),
    ],
)
def test_tables_that_do_not_say_it_are_refused(tmp_path, header, rows, message):
    classes = flat(tmp_path / "t")
    write_table(
        tmp_path / "t/a.csv", header, [[f.format(i) for f in row] for i in classes for row in rows]
    )
    with pytest.raises(DataError, match=message) as raised:
        load_dataset(tmp_path / "t")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("empty", [None, float("nan")])
@pytest.mark.parametrize("classes", [("0", "1"), ("cat", "dog")])
def test_a_label_that_is_null_is_none_as_an_empty_cell_is(tmp_path, empty, classes):
    lines, cells = [], []
    for i in range(12):
        for root in ("jsonl", "csv"):
            picture(tmp_path / root / f"{i}.png", seed=i)
        label = empty if i < 3 else classes[i % 2]
        number = isinstance(label, str) and label.isdecimal()
        lines.append({"file_name": f"{i}.png", "label": int(label) if number else label})
        cells.append((f"{i}.png", label if isinstance(label, str) else ""))
    (tmp_path / "jsonl/metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    write_table(tmp_path / "csv/labels.csv", ("file_name", "label"), cells)
    whole = (line for line in lines if isinstance(line["label"], str | int))
    short = [{"file_name": line["file_name"]} for line in lines[:3]]  # without the field
    for i in range(12):
        picture(tmp_path / "short" / f"{i}.png", seed=i)
    text = "\n".join(map(json.dumps, [*short, *whole]))
    (tmp_path / "short/metadata.jsonl").write_text(text)
    for root in ("jsonl", "csv", "short"):
        data = load_dataset(tmp_path / root)
        assert data.class_names == classes
        assert len(together(data)) == 9
        assert said(data, "3 pictures without a label")


def numbered(root, header, rows, n=12):
    """Pictures 0.png to 11.png and a table without endings."""
    for i in range(n):
        picture(root / f"{i}.png", seed=i)
    write_table(root / "labels.csv", header, [tuple(map(str, row)) for row in rows])
    return str(root)


@pytest.mark.parametrize("name", ["id", "image", "ID"])
@pytest.mark.parametrize("order", [1, -1])
def test_labels_that_name_more_pictures_than_the_files_do_are_no_files(tmp_path, name, order):
    rows = [(i, i % 3)[::order] for i in range(1, 13)]  # 12 is not there, 0, 1 and 2 are
    root = numbered(tmp_path / "t", (name, "label")[::order], rows)
    with pytest.raises(DataError, match=r"1 rows name pictures that are not there, 12 first"):
        load_dataset(root)
    data = load_dataset(DataConfig(root, skip_damaged=True))
    assert sorted(together(data)) == sorted(
        (bytes(np.ascontiguousarray(pixels(i).transpose(2, 0, 1))), str(i % 3))
        for i in range(1, 12)
    )


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (("a", "b"), [(i, 11 - i) for i in range(12)], "'a' and 'b' name pictures equally well"),
        (("file", "path", "label"), [(i, 11 - i, i % 2) for i in range(12)], "equally well"),
        (("id", "kind"), [(i + 100, i) for i in range(12)], "'kind' alone name pictures"),
        (("shot", "kind"), [(f"x{i}.png", i) for i in range(12)], "'kind' alone name pictures"),
        (("id", "label"), [(i + 100, i) for i in range(12)], "no table there"),
    ],
)
def test_a_column_of_files_that_cannot_be_told_is_asked_for_in_one_line(
    tmp_path, header, rows, message
):
    with pytest.raises(DataError, match=message) as raised:
        load_dataset(numbered(tmp_path / "t", header, rows))
    assert "\n" not in str(raised.value)


def test_a_column_that_is_named_as_the_labels_holds_no_files(tmp_path):
    root = numbered(tmp_path / "t", ("a", "b"), [(i % 2, i) for i in range(12)])
    data = load_dataset(DataConfig(root, labels="a"))
    assert data.class_names == ("0", "1")
    assert len(together(data)) == 12


@pytest.mark.parametrize("place", ["/home/me/photos/", "C:\\photos\\", ""])
@pytest.mark.parametrize("order", [("file", "label"), ("label", "file")])
def test_labels_that_look_like_names_are_no_files_and_places_elsewhere_do_not_matter(
    tmp_path, place, order
):
    rows = [{"file": f"{place}{i}.png", "label": str(i % 2)} for i in range(10)]
    for i in range(10):
        picture(tmp_path / f"{i}.png", seed=i)
    lines = [",".join(order), *(",".join(row[column] for column in order) for row in rows)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    data = load_dataset(tmp_path)
    assert len(together(data)) == 10
    assert data.class_names == ("0", "1")
    assert sorted(np.concatenate([data.train_labels, data.test_labels])) == [0] * 5 + [1] * 5


@pytest.mark.parametrize("ending", [".png", ""])
def test_a_table_without_a_line_of_names_loses_no_picture(tmp_path, ending):
    for i in range(10):
        picture(tmp_path / f"{i}x.png", seed=i)
    (tmp_path / "labels.csv").write_text("".join(f"{i}x{ending},{i % 2}\n" for i in range(10)))
    data = load_dataset(tmp_path)
    assert len(together(data)) == 10
    assert data.class_names == ("0", "1")
    assert not any("skipped" in text for text in data.warnings)


def test_a_first_line_that_may_be_a_picture_or_names_is_asked_about(tmp_path):
    for i in range(10):
        picture(tmp_path / f"{i}x.png", seed=i)
    rows = ["0x,zebra", *(f"{i}x,{'horse' if i % 2 else 'cat'}" for i in range(1, 10))]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="'0x' and 'zebra', may name the columns or a picture"):
        load_dataset(tmp_path)
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    assert load_dataset(tmp_path).class_names == ("cat", "horse", "zebra")


def test_a_line_of_names_is_none_of_the_pictures_whatever_these_are_called(tmp_path):
    for name in ("image", "label", "other", "last"):
        picture(tmp_path / f"{name}.png", seed=len(name))
    (tmp_path / "labels.csv").write_text("image,label\nimage,0\nlabel,1\nother,0\nlast,1\n")
    data = load_dataset(tmp_path)
    assert len(together(data)) == 4
    assert data.class_names == ("0", "1")


def test_a_column_of_labels_can_be_named_and_missing_pictures_skipped(tmp_path):
    classes = flat(tmp_path / "t")
    rows = [(f"{i}.png", "x", c) for i, c in classes.items()] + [("gone.png", "x", "cat")]
    write_table(tmp_path / "t/a.csv", ("file", "colour", "animal"), rows)
    config = DataConfig(str(tmp_path / "t"), labels="animal", skip_damaged=True)
    data = load_dataset(config)
    assert together(data) == due()
    assert said(data, "1 damaged file left out: gone.png")
    with pytest.raises(DataError, match="no column 'age' of labels"):
        load_dataset(DataConfig(str(tmp_path / "t"), labels="age"))


# ---- idx ------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("between", ["-", "."])
@pytest.mark.parametrize("folder", ["", "MNIST/raw"])
def test_mnist_as_it_comes(tmp_path, packed, between, folder):
    made = mnist(tmp_path / "mnist" / folder, packed=packed, between=between)
    data = load_dataset(tmp_path / "mnist")
    for part in ("train", "test"):
        np.testing.assert_array_equal(data.images(part)[:, 0], made[part][0])
        np.testing.assert_array_equal(data.labels(part), made[part][1])
    assert data.class_names == tuple("0123456789")
    assert data.warnings == ()


def test_emnist_is_set_upright_and_its_letters_are_named(tmp_path):
    made = mnist(tmp_path / "gzip", "emnist-letters-", labels=range(1, 27), n=(52, 26))
    mnist(tmp_path / "gzip", "emnist-digits-")
    mapping = "".join(f"{i} {64 + i} {96 + i}\n" for i in range(1, 27))
    (tmp_path / "gzip/emnist-letters-mapping.txt").write_text(mapping)
    with pytest.raises(DataError, match=r"holds 2 sets .*emnist-digits, gzip/emnist-letters"):
        load_dataset(tmp_path)
    data = load_dataset(DataConfig(str(tmp_path), labels="letters"))
    images, labels = made["train"]
    np.testing.assert_array_equal(data.train_images[:, 0], images.transpose(0, 2, 1))
    np.testing.assert_array_equal(data.train_labels, labels - 1)
    assert data.class_names[:2] == ("A/a", "B/b")
    assert said(data, "set upright")


def idx_faults():
    def cut(folder):
        path = folder / "train-images-idx3-ubyte"
        path.write_bytes(path.read_bytes()[:-1])

    def longer(folder):
        path = folder / "train-images-idx3-ubyte"
        path.write_bytes(path.read_bytes() + b"x")

    def no_labels(folder):
        (folder / "train-labels-idx1-ubyte").unlink()

    def another(folder):
        (folder / "t10k-images-idx3-ubyte").write_bytes(b"\x00\x00\x07\x03" + bytes(12))

    def huge(folder):
        (folder / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + b"\x7f\xff\xff\xff" * 3)

    def empty(folder):
        (folder / "t10k-labels-idx1-ubyte").write_bytes(b"")

    def counts(folder):
        from tests.images.data.makers import idx

        (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(7, np.uint8)))

    return [
        (cut, "train-images-idx3-ubyte announces shape"),
        (longer, "train-images-idx3-ubyte announces shape"),
        (no_labels, "in pairs"),
        (another, "begins with 00 00 07 03"),
        (huge, "would take"),
        (empty, "t10k-labels-idx1-ubyte is not an idx file"),
        (counts, "20 images but labels of shape"),
    ]


@pytest.mark.parametrize(
    ("fault", "message"), idx_faults(), ids=lambda x: getattr(x, "__name__", "")
)
def test_faulty_idx_files_are_one_line(tmp_path, fault, message):
    mnist(tmp_path, packed=False)
    fault(tmp_path)
    with pytest.raises(DataError, match=message) as raised:
        load_dataset(tmp_path)
    assert "\n" not in str(raised.value)


# ---- CIFAR-100 ------------------------------------------------------------------------------


@pytest.fixture
def small_cifar100(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar100, "IMAGES", {"train": 200, "test": 100})
    made, python, binary = {}, tmp_path / "cifar-100-python", tmp_path / "cifar-100-binary"
    python.mkdir()
    binary.mkdir()
    for at, (part, n) in enumerate(cifar100.IMAGES.items()):
        data = pixels(at, (n, 3072))
        fine = [i % 100 for i in range(n)]
        coarse = [label // 5 for label in fine]
        made[part] = data, fine, coarse
        batch = {
            "data": data,
            "fine_labels": fine,
            "coarse_labels": coarse,
            "filenames": ["x.png"] * n,
        }
        (python / part).write_bytes(pickle.dumps(batch, protocol=2))
        rows = np.hstack([np.array([coarse, fine], np.uint8).T, data])
        (binary / f"{part}.bin").write_bytes(rows.tobytes())
    names = {"fine": [f"f{i}" for i in range(100)], "coarse": [f"c{i}" for i in range(20)]}
    meta = {f"{kind}_label_names": listed for kind, listed in names.items()}
    (python / "meta").write_bytes(pickle.dumps(meta, protocol=2))
    for kind, listed in names.items():
        (binary / f"{kind}_label_names.txt").write_text("\n".join(listed) + "\n")
    return tmp_path, made


@pytest.mark.parametrize("version", ["python", "binary"])
@pytest.mark.parametrize("form", ["folder", "archive"])
@pytest.mark.parametrize("labels", [None, "fine", "coarse"])
def test_cifar100_in_every_form(small_cifar100, version, form, labels):
    root, made = small_cifar100
    path = root / f"cifar-100-{version}"
    if form == "archive":
        path = tarred(path, root / f"cifar-100-{version}.tar.gz")
    data = load_dataset(DataConfig(str(path), labels=labels))
    kind = 2 if labels == "coarse" else 1
    for part in ("train", "test"):
        count = len(made[part][0])
        np.testing.assert_array_equal(data.images(part).reshape(count, -1), made[part][0])
        np.testing.assert_array_equal(data.labels(part), made[part][kind])
    assert data.class_names[1] == ("c1" if labels == "coarse" else "f1")
    assert len(data.class_names) == (20 if labels == "coarse" else 100)
    assert said(data, "official" if version == "python" else "could not be verified")


def test_cifar100_faults_are_one_line(small_cifar100):
    root, _ = small_cifar100
    with pytest.raises(InputError, match="fine or coarse"):
        load_dataset(DataConfig(str(root / "cifar-100-python"), labels="all"))
    raw = (root / "cifar-100-binary/train.bin").read_bytes()
    (root / "cifar-100-binary/train.bin").write_bytes(raw[:-1])
    with pytest.raises(DataError, match=r"train\.bin must have"):
        load_dataset(root / "cifar-100-binary")
    (root / "cifar-100-python/train").write_bytes(b"rubbish")
    with pytest.raises(DataError, match="python/train"):
        load_dataset(root / "cifar-100-python")


# ---- parquet --------------------------------------------------------------------------------


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


def test_hugging_face_parquet(tmp_path, arrow):
    images, labels = pixels(0, (12, 8, 8, 3)), [0, 1, 2] * 4
    names = ("ape", "bee", "cow")
    parquet(tmp_path / "d/train-00000-of-00002.parquet", images[:4], labels[:4], names)
    parquet(tmp_path / "d/train-00001-of-00002.parquet", images[4:8], labels[4:8], names)
    parquet(tmp_path / "d/test-00000-of-00001.parquet", images[8:], labels[8:], names)
    data = load_dataset(tmp_path)
    np.testing.assert_array_equal(data.train_images, images[:8].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(data.test_images, images[8:].transpose(0, 3, 1, 2))
    assert data.train_labels.tolist() == labels[:8]
    assert data.class_names == names
    assert data.warnings == ()


def test_parquet_whose_test_labels_are_kept_back_has_a_test_set_set_aside(tmp_path, arrow):
    parquet(tmp_path / "train-0.parquet", pixels(0, (20, 8, 8, 3)), [0, 1] * 10, ["cat", "dog"])
    parquet(tmp_path / "test-0.parquet", pixels(1, (6, 8, 8, 3)), [-1] * 6, ["cat", "dog"])
    data = load_dataset(tmp_path)
    assert (len(data.train_labels), len(data.test_labels)) == (16, 4)
    assert any("6 pictures without a label in test" in text for text in data.warnings)


def test_parquet_files_of_several_sets_are_not_read_as_one(tmp_path, arrow):
    for name in ("plain", "rotated"):
        (tmp_path / name / "train").mkdir(parents=True)
        (tmp_path / name / "test").mkdir()
        parquet(tmp_path / name / "train/0000.parquet", pixels(0, (8, 8, 8, 3)), [0, 1] * 4)
        parquet(tmp_path / name / "test/0000.parquet", pixels(1, (4, 8, 8, 3)), [0, 1] * 2)
    with pytest.raises(DataError, match=r"in 2 folders, plain and rotated for two"):
        load_dataset(tmp_path)
    data = load_dataset(tmp_path / "rotated")
    assert (len(data.train_labels), len(data.test_labels)) == (8, 4)


def test_a_numbered_parquet_file_that_is_missing_is_named(tmp_path, arrow):
    parquet(tmp_path / "train-00000-of-00002.parquet", pixels(0, (8, 8, 8, 3)), [0, 1] * 4)
    with pytest.raises(DataError, match=r"train-00001-of-00002\.parquet is missing beside"):
        load_dataset(tmp_path)
    alone = load_dataset(tmp_path / "train-00000-of-00002.parquet")
    assert len(alone.train_labels) + len(alone.test_labels) == 8


def test_one_parquet_file_with_text_labels_in_another_column(tmp_path, arrow):
    images = pixels(0, (10, 8, 8, 3))
    path = parquet(
        tmp_path / "a.parquet", images, ["x", "y"] * 5, image="img", label="kind", n=range(10)
    )
    with pytest.raises(DataError, match="columns img, kind, n; expected image and label"):
        load_dataset(path)
    data = load_dataset(DataConfig(str(path), labels="kind"))
    assert data.class_names == ("x", "y")
    assert len(together(data)) == 10


def test_parquet_without_pictures_or_pyarrow_is_one_line(tmp_path, arrow, monkeypatch):
    from pyarrow import parquet as pq

    pq.write_table(
        arrow.table({"image": ["a.png"] * 4, "label": [0, 1, 0, 1]}), tmp_path / "a.parquet"
    )
    with pytest.raises(DataError, match="a picture must be bytes"):
        load_dataset(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1rubbishPAR1")
    with pytest.raises(DataError, match=r"b\.parquet is not a parquet file"):
        load_dataset(tmp_path / "b.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install 'pitfalls\[parquet\]'"):
        load_dataset(tmp_path / "a.parquet")


# ---- .npz -----------------------------------------------------------------------------------

PAIRS = [
    ("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"),
    ("X", "y"), ("x", "y"), ("data", "target"), ("images", "labels"), ("images", "target"),
    ("arr_0", "arr_1"), ("data", "labels"),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_npz_under_the_usual_names(tmp_path, pair):
    images = pixels(0, (20, 8, 8, 3))
    np.savez(tmp_path / "a.npz", **{pair[0]: images, pair[1]: np.arange(20) % 2})
    data = load_dataset(tmp_path / "a.npz")
    found = sorted(map(bytes, np.concatenate([data.train_images, data.test_images])))
    assert found == sorted(map(bytes, images.transpose(0, 3, 1, 2)))


def test_npz_from_savez_without_names(tmp_path):
    images, labels = pixels(0, (20, 8, 8)), np.arange(20) % 2
    np.savez(tmp_path / "a.npz", images, labels, images[:5][::-1] // 2, labels[:5])
    assert load_dataset(tmp_path / "a.npz").test_images.shape == (5, 1, 8, 8)


# ---- what is not read -----------------------------------------------------------------------

UNREAD = {
    "pictures without classes": (["a.png", "b.png"], "holds 2 pictures but neither class folders"),
    "arrow": (["data-0.arrow", "state.json"], "to_parquet"),
    "matlab": (["train.mat"], "numpy.savez"),
    "torch": (["data.pt"], "runs code"),
    "tfrecord": (["train.tfrecord"], "class folders"),
    "pixels in a table": (["train.csv"], "a table without pictures"),
    "nothing known": (["a.xyz", "b.xyz", "c"], "2 .xyz, 1 without ending"),
    "nothing": ([], "holds no files"),
    "heic": (["cat/1.heic", "dog/1.heic"], "save them as JPEG"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_not_read_says_what_was_seen_and_what_would_do(tmp_path, kind):
    names, message = UNREAD[kind]
    root = tmp_path / "t"
    root.mkdir()
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".png"):
            picture(root / name)
        else:
            (root / name).write_text("label,pixel0\n1,2\n")
    with pytest.raises(DataError, match=message) as raised:
        load_dataset(root)
    assert "\n" not in str(raised.value)
    assert "class folder" in str(raised.value)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.pkl", "a.h5", "a.7z", "a"])
def test_files_that_are_no_data_are_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04hello")
    with pytest.raises(DataError, match=name) as raised:
        load_dataset(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_odd_names_are_read_and_bytes_that_are_no_letters_are_written_out(tmp_path):
    root = class_folders(tmp_path / "Bilder ä\n%s", classes=("Käse {0}", "a\udcff"))
    data = load_dataset(root)
    assert data.class_names == ("Käse {0}", r"a\xff")
    shutil.rmtree(root)


def test_gzip_of_an_idx_file_that_goes_on_for_ever_is_not_unpacked(tmp_path):
    mnist(tmp_path)
    with gzip.open(tmp_path / "train-labels-idx1-ubyte.gz", "ab") as stream:
        stream.write(bytes(50_000_000))
    with pytest.raises(DataError, match="announces shape"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("at", ["first", "last"])
def test_a_column_of_parts_that_says_something_else_in_some_rows_is_asked_about(tmp_path, at):
    root = tmp_path / "t"
    classes = flat(root, 260)
    parts = ["train"] * 200 + ["test"] * 40 + ["extra"] * 20
    rows = [(f"{i}.png", c, p) for (i, c), p in
            zip(classes.items(), parts[::-1] if at == "first" else parts, strict=True)]  # fmt: skip
    write_table(root / "all.csv", ("file", "label", "split"), rows)
    with pytest.raises(DataError, match=r"column 'split' .* it says 'extra'") as raised:
        load_dataset(root)
    assert "\n" not in str(raised.value)
    write_table(root / "all.csv", ("file", "label", "split"), [r for r in rows if r[2] != "extra"])
    data = load_dataset(root)
    assert [len(data.labels(p)) for p in ("train", "test")] == [200, 40]


def test_a_picture_of_two_parts_is_not_said_to_have_two_labels(tmp_path):
    root = tmp_path / "t"
    classes = flat(root)
    for part in ("train", "test"):
        write_table(root / f"{part}.csv", ("file", "label"),
                    [(f"{i}.png", c) for i, c in classes.items()])  # fmt: skip
    with pytest.raises(DataError, match=r"has two parts, '(train|test)' and '(train|test)'"):
        load_dataset(root)


def test_labels_that_only_look_like_numbers_are_text(tmp_path):
    classes = flat(tmp_path / "t", 12)
    rows = [(f"{i}.png", "--5" if c == "cat" else "1") for i, c in classes.items()]
    write_table(tmp_path / "t/l.csv", ("file", "label"), rows)
    assert load_dataset(tmp_path / "t").class_names == ("--5", "1")


def test_parquet_files_whose_labels_are_of_two_kinds_are_refused(tmp_path, arrow):
    images = pixels(0, (20, 8, 8, 3))
    parquet(tmp_path / "train-0.parquet", images, [0, 1] * 10)
    parquet(tmp_path / "test-0.parquet", images[:6], ["0", "cat"] * 3)
    with pytest.raises(DataError, match="labels are text in some parquet files and numbers in"):
        load_dataset(tmp_path)
