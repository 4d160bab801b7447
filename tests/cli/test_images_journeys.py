"""A newcomer's way through the commands: data looked at, trained on, evaluated, used.

That each form of data is read is tested beside its reader; what comes after knows no form.
"""

import json

import numpy as np
import pytest
from PIL import Image

from pitfalls.cli import main
from pitfalls.runs import RunStore
from tests.images.data.makers import parquet, parts, picture, pixels

TRAIN = ["--model", "fastnet", "--widths", "4", "4", "4", "--batch-size", "8", "--flip", "none",
         "--validation", "0.2"]  # fmt: skip


def as_parquet(root):
    pytest.importorskip("pyarrow")
    for part, n in (("train", 40), ("test", 12)):
        folder = root / "hub/data"
        folder.mkdir(parents=True, exist_ok=True)
        labels = [i % 2 for i in range(n)]
        parquet(folder / f"{part}-0.parquet", pixels(n, (n, 8, 8, 3)), labels, ["cat", "dog"])
    return ["--data", str(root / "hub")]


def as_damaged_photographs(root):
    folder = parts(root / "trip", ("Train", "Test"), n=20, ending=".jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(folder / "Train/cat/turned.jpg", pixels(1, (40, 60, 3)), exif=turned)
    (folder / "Train/dog/broken.jpg").write_bytes(b"\xff\xd8\xff rubbish")
    return ["--data", str(folder), "--size", "8", "--skip-damaged"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [as_parquet, as_damaged_photographs])
def test_every_command_takes_the_data(make, tmp_path, capsys):
    data = make(tmp_path)
    runs = ["--runs", str(tmp_path / "runs"), "images"]
    assert main([*runs, "embed", *data]) == 0
    assert main([*runs, "regress", *data]) == 0
    assert main([*runs, "train", *data, *TRAIN]) == 0
    assert main([*runs, "evaluate", "images-train"]) == 0
    own = tmp_path / "mine.png"
    picture(own, pixels(9, (30, 20, 3)))
    to = tmp_path / "answers.json"
    assert main([*runs, "predict", str(own), "--run", "images-train", "--to", str(to)]) == 0
    (answer,) = json.loads(to.read_text())
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert "recall" in capsys.readouterr().out
    made = RunStore(tmp_path / "runs").list()
    assert len(made) == 4
    for run in made:
        for drawn in (run.path / "figures").glob("*.png"):
            with Image.open(drawn) as figure:
                assert np.ptp(np.asarray(figure.convert("L"))) > 100
