"""Exact networks against enumeration, and the prover against networks that are wrong."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pitfalls.errors import CapacityError, InputError, ResourceError
from pitfalls.parity import ParityTask, TwoLayerReLU, cube, exact_network, verify_exact
from pitfalls.parity.represent.verification import _in_fractions


def is_right_everywhere(network, task):
    x = cube(task.n_features, dtype=torch.float64)
    return torch.equal(network.double()(x), task.labels(x))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 1), min_size=1, max_size=9), st.sampled_from(["corrected", "compact"])
)
def test_constructions_are_exact_at_every_input_for_every_mask(mask, variant):
    task = ParityTask(mask)
    network = exact_network(task, variant)
    proof = verify_exact(network, task)
    assert proof.exact
    assert proof.method == "values of s"
    assert proof.n_checked == task.weight + 1
    assert is_right_everywhere(network, task)


@pytest.mark.parametrize("d", range(1, 13))
def test_printed_construction_fails_at_the_all_ones_input_of_the_all_ones_mask_and_only_there(d):
    task = ParityTask([1] * d)
    network = exact_network(task, "printed", 10 * d)
    proof = verify_exact(network, task)
    assert not proof
    assert proof.counterexample == (1,) * d
    assert (proof.output, proof.label) == ((-1.0, 1.0) if d % 2 == 0 else (5.0, -1.0))
    x = cube(d, dtype=torch.float64)
    wrong = network.double()(x) != task.labels(x)
    assert wrong.nonzero().flatten().tolist() == [2**d - 1]


@pytest.mark.parametrize("d", range(1, 8))
def test_printed_construction_is_exact_for_every_other_mask(d):
    masks = cube(d)[:-1]
    assert all(verify_exact(exact_network(mask, "printed"), mask) for mask in masks)


@pytest.mark.parametrize("m", [*range(1, 12), 50, 333])
def test_compact_network_has_m_units_and_one_less_from_four_on(m):
    network = exact_network([1] * m + [0], "compact")
    assert network.n_hidden == (m if m < 4 else m - 1)
    assert verify_exact(network, [1] * m + [0])


def test_compact_network_of_four_is_the_one_of_the_theory():
    def formula(s):
        relu = lambda z: max(Fraction(0), z)  # noqa: E731
        third = Fraction(10, 3)
        return -11 + 4 * relu(s - 1) - 4 * relu(2 - s) + 6 * relu(third - s)

    network = exact_network([1] * 4, "compact")
    for x in cube(4):
        assert network(x).item() == formula(Fraction(int(x.sum())))


@pytest.mark.parametrize(
    ("mask", "variant", "least"),
    [
        ([1] * 6, "corrected", 10),
        ([1] * 5, "corrected", 9),
        ([1] * 5, "printed", 8),
        ([1] * 6, "compact", 5),
        ([1, 1, 1, 0], "compact", 3),
    ],
)
def test_too_narrow_is_refused_with_the_least_that_works_and_the_least_works(mask, variant, least):
    with pytest.raises(CapacityError, match=f"n_hidden >= {least} "):
        exact_network(mask, variant, least - 1)
    network = exact_network(mask, variant, least)
    assert verify_exact(network, mask) or variant == "printed"
    assert network.n_hidden == least


@pytest.mark.parametrize(
    ("variant", "dtype", "right", "refused"),
    [
        # biases 2i +- 1/2 to i = d/2: one bit for the half of the 8 and 11 that there are
        ("corrected", torch.bfloat16, [5, 127], [128, 130, 600]),
        ("corrected", torch.float16, [5, 130, 1023], [1024]),
        # beta is about -6d
        ("compact", torch.bfloat16, [5, 20], [60, 130]),
        ("compact", torch.float16, [5, 130], [600]),
        ("corrected", torch.float32, [1100], []),
        ("compact", torch.float64, [1100], []),
    ],
    ids=str,
)
def test_a_type_that_rounds_a_parameter_is_refused_and_any_other_is_exact(
    variant, dtype, right, refused
):
    for d in right:
        network = exact_network([1] * d, variant, dtype=dtype)
        assert network.hidden.weight.dtype == dtype
        assert verify_exact(network, [1] * d)
    for d in refused:
        with pytest.raises(InputError, match="cannot hold the parameter"):
            exact_network([1] * d, variant, dtype=dtype)


def test_types_that_are_no_real_numbers_are_refused():
    for dtype in (torch.int64, torch.complex64):
        with pytest.raises(InputError, match="float64, float32, float16 or bfloat16"):
            exact_network([1, 1], dtype=dtype)


@pytest.mark.parametrize("extra", [0, 5])
def test_spare_units_are_silent(extra):
    network = exact_network([1, 0, 1], n_hidden=6 + extra)
    assert is_right_everywhere(network, ParityTask([1, 0, 1]))


def test_proof_covers_more_features_than_can_be_enumerated():
    task = ParityTask.random(1000, seed=0)
    assert verify_exact(exact_network(task), task)
    proof = verify_exact(exact_network([1] * 1000, "printed"), [1] * 1000)
    assert proof.counterexample == (1,) * 1000


def test_a_wrong_mask_gives_a_counterexample_that_is_one():
    network = exact_network([1, 1, 0, 1, 0])
    proof = verify_exact(network, [1, 1, 0, 0, 0])
    assert proof.method == "enumeration"
    x = torch.tensor([proof.counterexample], dtype=torch.float32)
    assert network(x).item() == proof.output != proof.label
    assert ParityTask([1, 1, 0, 0, 0]).labels(x).item() == proof.label


@pytest.mark.parametrize("d", [1, 4, 6, 9, 13])
def test_enumeration_finds_the_largest_error_of_any_network(d):
    task = ParityTask.random(d, seed=d)
    network = TwoLayerReLU(d, 12, seed=1, dtype=torch.float64)
    x = cube(d, dtype=torch.float64)
    errors = (network(x) - task.labels(x)).abs()
    proof = verify_exact(network, task)
    assert proof.largest_error == pytest.approx(errors.max().item(), rel=1e-12)
    assert proof.n_checked == 2**d


def test_a_single_wrong_input_among_many_is_found():
    task = ParityTask([1, 1, 0, 1] * 4)
    network = exact_network(task, n_hidden=40).double()
    with torch.no_grad():  # a unit that fires at x = 1 alone
        network.hidden.weight[-1] = 1.0
        network.hidden.bias[-1] = -15.5
        network.output.weight[0, -1] = 0.01
    proof = verify_exact(network, task)
    assert not proof
    assert proof.counterexample == (1,) * 16
    assert proof.largest_error == pytest.approx(0.005)


def test_a_relabelled_exact_network_is_proved_by_enumeration():
    task = ParityTask([1, 0, 1, 1, 1, 0, 1, 1])
    network = exact_network(task)
    with torch.no_grad():  # a unit along another direction, with no say
        network.hidden.weight[0] = torch.arange(8.0)
        network.output.weight[0, 0] = 0.0
        network.hidden.weight[1] = network.hidden.weight[1] * 1
    proof = verify_exact(network, task)
    assert proof.method == "enumeration"
    assert not proof  # unit 0 was needed


def absorbed(size, d=3):
    """Exact on features 1 and 2, but for 4 where 1 and 3 are set: float64 loses it beside the size."""
    network, base = TwoLayerReLU(d, 3, dtype=torch.float64), exact_network([1, 1], "compact")
    with torch.no_grad():
        for part in network.parameters():
            part.zero_()
        network.hidden.weight[:2, :2], network.hidden.bias[:2] = (
            base.hidden.weight,
            base.hidden.bias,
        )
        network.output.weight[:, :2], network.output.bias[:] = base.output.weight, base.output.bias
        network.hidden.weight[2, 0], network.hidden.weight[2, 2] = size, 4.0
        network.hidden.bias[2], network.output.weight[0, 2] = -size, 1.0
    return network


@pytest.mark.parametrize("size", [1e17, 1e300])
def test_what_rounding_absorbs_is_an_error_all_the_same(size):
    for tolerance in (1e-9, 0.5):
        proof = verify_exact(absorbed(size), [1, 1, 0], tolerance=tolerance)
        assert not proof
        assert proof.largest_error == 4.0
        assert proof.counterexample in ((1, 0, 1), (1, 1, 1))
    with pytest.raises(ResourceError, match="rounding of weights this large could decide"):
        verify_exact(absorbed(size, 21), [1, 1] + [0] * 19)


@pytest.mark.parametrize("seed", range(4))
def test_rational_arithmetic_and_float64_find_the_same_error(seed):
    d, k = 6, 5
    task = ParityTask.random(d, seed=seed)
    network = TwoLayerReLU(d, k, seed=seed, dtype=torch.float64)
    found = verify_exact(network, task)
    exactly = _in_fractions(network, task, 1e-9)
    assert exactly.largest_error == pytest.approx(found.largest_error, rel=1e-14)
    assert exactly.counterexample == found.counterexample
    assert (exactly.exact, exactly.n_checked, exactly.label) == (False, 64, found.label)
    assert exactly.output == pytest.approx(found.output, rel=1e-14)


class Product(nn.Module):
    """(1 - 2 x_0)(1 - 2 x_2): a parity without weights, with a trailing axis."""

    def forward(self, x):
        return ((1 - 2 * x[:, 0]) * (1 - 2 * x[:, 2]))[:, None]


def test_any_module_is_decided_by_enumeration():
    assert verify_exact(Product(), [1, 0, 1])
    proof = verify_exact(Product(), [1, 1, 1])
    assert not proof
    assert proof.output == -proof.label


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="variant"):
        exact_network([1], "best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the mask has 2"):
        verify_exact(TwoLayerReLU(3, 4), [1, 0])
    with pytest.raises(ResourceError, match="d = 30"):
        verify_exact(TwoLayerReLU(31, 4), [1] * 31)
    with pytest.raises(ResourceError, match="Product"):
        verify_exact(Product(), [1] * 25)
    broken = exact_network([1, 1])
    with torch.no_grad():
        broken.output.bias.fill_(torch.inf)
    with pytest.raises(InputError, match="NaN or infinity"):
        verify_exact(broken, [1, 1])


def test_outputs_beyond_float64_are_infinite_and_no_proof():
    network = TwoLayerReLU(3, 1, dtype=torch.float64, seed=0)
    flat = [1e200, 1e200, 1e200, 0.0, 1e200, 0.0]
    network.load_flat(torch.tensor(flat, dtype=torch.float64))
    proof = verify_exact(network, [1, 1, 1])
    assert not proof
    assert proof.method == "values of s"
    assert (proof.largest_error, proof.output) == (float("inf"), float("inf"))
    assert proof.counterexample == (1, 1, 1)
