"""A number that is legal and beyond all use is refused in one line, before anything is made of it."""

import pytest

from pitfalls.cli import main


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("linear landscape --grid 1000000000", "grid must be 3 to 1,001"),
        ("linear ranks --n-layers 1000000000", "n_layers must be at most 100"),
        ("linear tour --depths 1000000000", "depths must be 2 to 100 layers"),
        ("parity exact --width-factor 1000000000", "width_factor must be 2 to 1000"),
        ("parity train -d 1000000000", "n_features must be at most 1,000,000"),
    ],
)
def test_a_size_beyond_all_use_is_refused_in_one_line(command, said, capsys, tmp_path):
    assert main([*command.split(), "--runs", str(tmp_path)]) == 2
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
    assert list(tmp_path.rglob("manifest.json")) == []
