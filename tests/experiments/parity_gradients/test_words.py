from dataclasses import replace
from typing import Any

from pitfalls.experiments.parity_gradients import GradientRow, GradientsResult
from pitfalls.experiments.parity_gradients.words import account, basis, rounding
from pitfalls.prose import Table, plain

ROW = GradientRow(
    3, 30, 1.0, 1.0, 1e-16, 1.0, 1.0, 1e-16, 0.0, 5e-16, 0.8, 0.8, 6.4, 640.0, 12.0, 10.0
)


def test_rounding_is_claimed_below_a_stated_size_only():
    good = GradientsResult((ROW, ROW), "relu")
    assert "holds to rounding (largest error 5 × 10⁻¹⁶)" in plain(rounding(good))
    for name in ("gradient_error", "decomposition_error", "orthonormality_error", "identity_error"):
        change: dict[str, Any] = {name: 1e-3}
        bad = GradientsResult((ROW, replace(ROW, **change)), "relu")
        assert plain(rounding(bad)).startswith("A step fails: the largest error is 0.001")


def test_each_network_has_its_row():
    result = GradientsResult((ROW,), "relu")
    (shown, _) = account(result)
    assert isinstance(shown, Table)
    assert [plain(cell) for cell in shown.rows[0]][-1] == "100"
    assert basis(result).n == "1 network, every input and every target of each"
