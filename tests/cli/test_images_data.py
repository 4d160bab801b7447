"""``pitfalls images download | embed | regress | summary | diagram`` as a newcomer types them."""

import pytest

from pitfalls.cli import main


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PITFALLS_DATA", "digits")
    monkeypatch.setattr("pitfalls.downloads.cifar10.OFFICIAL", "http://127.0.0.1:9/x.tar.gz")
    monkeypatch.setattr("pitfalls.downloads.resuming.LONGEST_PAUSE_S", 0.0)
    monkeypatch.chdir(tmp_path)


def test_embed_prints_variances_correlations_and_where_the_run_lies(capsys, tmp_path):
    assert main(["images", "embed", "--thumbnails", "20", "--subset-train", "400"]) == 0
    out, err = capsys.readouterr()
    assert "digits: 400 training images, 359 test images" in out
    assert "canonical correlation" in out
    assert "run folder" in err
    assert list((tmp_path / "runs").rglob("embedding.svg"))


def test_regress_prints_the_accuracies_and_reuses_the_run(capsys):
    assert main(["images", "regress", "--subset-val", "100"]) == 0
    first = capsys.readouterr().out
    assert "Least squares" in first
    assert "100 test images" in first
    assert main(["images", "regress", "--subset-val", "100"]) == 0
    again = capsys.readouterr()
    assert again.out == first
    assert "reused" in again.err


def test_summary_and_diagram_of_the_network_for_these_images(capsys, tmp_path):
    assert main(["images", "summary", "--channels", "3", "--size", "32"]) == 0
    assert "Total params: 5,205,962" in capsys.readouterr().out
    assert main(["images", "diagram", "--model", "fastnet"]) == 0
    assert "diagram.svg" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "--data", "nowhere"], "nowhere does not exist"),
        (["regress", "--subset-train", "0"], "subset_train must be at least 1"),
        (["regress", "--subset-train", "99999"], "only 1,438"),
        (["regress", "--ridge", "-1"], "ridge must be finite and not negative"),
        (["diagram", "--model", "resnet19"], "model must be resnet18"),
        (["summary", "--model", "x.py:Net"], "could not be built"),
        (["download", "--mirror", "ftp://x"], "http or https"),
        (["download"], "could not be reached"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(["images", *arguments]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in err
    assert out == ""
