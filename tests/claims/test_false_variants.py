"""A deliberately false variant of every claim, refuted by the claim's own attack."""

import pytest
import torch

from pitfalls.claims import CLAIMS, find_claim
from pitfalls.claims.exact import Matrix, factor, product
from pitfalls.parity import HingeLoss
from tests.claims import landscape_variants, linear_variants, parity_variants
from tests.claims.linear_variants import (
    all_but_one_invertible,
    any_layer_beside_one_singular,
    least_of_the_ranks,
)
from tests.claims.parity_variants import printed

FALSE = {**linear_variants.FALSE, **landscape_variants.FALSE, **parity_variants.FALSE}


def test_every_claim_has_a_false_variant():
    assert set(FALSE) == {claim.id for claim in CLAIMS}


@pytest.mark.parametrize(
    ("name", "number"), [(name, i) for name, wrong in FALSE.items() for i in range(len(wrong))]
)
def test_the_attack_refutes_the_false_variant(name, number):
    claim = find_claim(name)
    check = claim.about(FALSE[name][number]).check("quick", seed=0)
    assert check.holds != claim.expected
    assert check.cases > 0
    if claim.expected:
        assert check.counterexample
    else:
        # what is claimed to fail holds for the repaired statement
        assert check.counterexample is None


@pytest.mark.parametrize("seed", range(4))
def test_the_rank_condition_of_2d_is_told_from_its_neighbours_at_every_seed(seed):
    # at the seeds 0 and 3 a search of random problems alone let it pass
    check = find_claim("2d-exact").about((least_of_the_ranks,)).check("quick", seed=seed)
    assert not check.holds


def test_all_layers_at_rest_suffice_where_a_single_one_does_not():
    claim = find_claim("2f-printed")
    together = claim.about(claim.subject._replace(together=all_but_one_invertible))
    alone = claim.about(claim.subject._replace(alone=any_layer_beside_one_singular))
    assert together.check("quick", seed=0).holds
    refuted = alone.check("quick", seed=0)
    assert refuted.counterexample is not None
    assert "that of layer" in refuted.counterexample


def shifted_for_large_masks(mask):
    network = printed(mask)
    if len(mask) > 10 and sum(mask) == len(mask) // 2:
        with torch.no_grad():
            network.output.bias += 2
    return network


def test_the_printed_fault_is_looked_for_beyond_the_masks_that_can_be_listed():
    check = find_claim("3a-fault").about(shifted_for_large_masks).check("quick", seed=0)
    assert not check.holds
    assert check.counterexample is not None
    assert "d = 11" in check.counterexample


def test_the_exact_construction_is_the_one_the_derivation_gives():
    target = Matrix([[2, 4, 0], [1, 2, 0]])
    layers = factor(target, [3, 2, 5, 2])
    assert [w.shape for w in layers] == [(2, 3), (5, 2), (2, 5)]
    assert product(layers) == target


def test_the_margin_convention_of_the_library_is_the_one_attacked():
    # 3c-ii is attacked under all three; the default must be the loss's own
    assert HingeLoss().boundary == "relu"
