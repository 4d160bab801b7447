"""A number that is legal and beyond all use is refused in one line, before anything is made of it."""

import pytest

from pitfalls.cli import main
from pitfalls.experiments.parity_along import AlongConfig
from pitfalls.parity import LearningConfig


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("linear landscape --grid 1000000000", "grid must be 3 to 1,001"),
        ("linear ranks --n-layers 1000000000", "n_layers must be at most 100"),
        ("linear tour --depths 1000000000", "depths must be at least 2 and at most 100 layers"),
        ("parity exact --width-factor 1000000", "width_factor must be 2 to 1000"),
        ("parity sweep --n-seeds 1000000000", "n_seeds must be at least 1 and at most 100,000"),
        ("parity curves --n-seeds 1000000000", "n_seeds must be at least 1 and at most 100,000"),
        ("parity signal --n-seeds 1000000000", "n_seeds must be at least 1 and at most 100,000"),
        ("parity targets --n-seeds 1000000000", "n_seeds must be at least 1 and at most 100,000"),
        ("parity depth --n-seeds 1000000000", "n_seeds must be at least 1 and at most 100,000"),
        ("parity signal -d 2 --width-factor 1000000000", "must be at most 10,000,000"),
        ("parity train -d 1000000000", "n_features must be at most 1,000,000"),
    ],
)
def test_a_size_beyond_all_use_is_refused_in_one_line(command, said, capsys, tmp_path):
    assert main([*command.split(), "--runs", str(tmp_path)]) == 2
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
    assert list(tmp_path.rglob("manifest.json")) == []


def test_more_measurements_than_there_are_records_are_one_a_record():
    training = LearningConfig(n_iterations=1_000, record_every=200)
    many, all_of_them = (AlongConfig(n_probes=n, training=training) for n in (10**9, 5))
    assert many.probed == all_of_them.probed == (0, 200, 400, 600, 800, 1000)
