"""A sample of the changed files that ``benchmarks/reliability/fuzz.py`` tries on every reader."""

import pytest
from benchmarks.reliability.fuzz import all_readers, fuzz

# the list of an open zip archive is closed when nothing holds it any more
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

EXAMPLES = 15


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    return {reader.name: reader for reader in all_readers(tmp_path_factory.mktemp("fuzz"))}


@pytest.mark.parametrize(
    "name",
    [
        "manifest",
        "result",
        "arrays of a result",
        "arrays",
        "metric log",
        "checkpoint",
        "checkpoint's tensors",
        "log of a continued run",
        "figure",
        "records of figures",
        "trained network",
        "known sources",
    ],
)
def test_a_changed_file_of_a_run_is_refused_in_one_line_or_has_the_same_content(readers, name):
    counts = fuzz(readers[name], EXAMPLES)
    assert counts["changed content"] == 0
    assert counts["refused"] > EXAMPLES / 2


@pytest.mark.parametrize(
    "name",
    [
        "manifest, signed",
        "manifest of a continued run, signed",
        "result, signed",
        "arrays of a result, signed",
        "arrays, signed",
        "metric log, signed",
        "checkpoint, signed",
        "checkpoint's tensors, signed",
        "trained network, signed",
        "which network it is, signed",
        "words of linear descend, signed",
        "words of parity signal, signed",
        "page of a diagnosis, signed",
        "figure on a page",
        "note of a download",
        "x and y of a linear problem",
        "data of a diagnosis",
        "one picture",
        "weights",
        "npz",
        "picture, PNG",
        "picture, JPEG",
        "tar",
        "tar.gz",
        "zip",
        "CIFAR-10 pickle",
        "idx",
    ],
)
def test_a_made_up_file_is_read_or_refused_in_one_line(readers, name):
    counts = fuzz(readers[name], EXAMPLES)
    assert counts["tried"] == sum(counts.values()) / 2


def test_every_reader_is_in_a_test(readers):
    assert len(readers) == 39
