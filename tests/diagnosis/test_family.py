import itertools
from math import comb

import numpy as np
import pytest
import torch
from torch import nn

from pitfalls.diagnosis import ListedTargets, Parities, family_signal
from pitfalls.diagnosis.kernels import krawtchouk
from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity import TwoLayerReLU, cube, gradient_signal, target_gradients


def drawn(d):
    return lambda n, g: torch.randint(0, 2, (n, d), generator=g).double()


def tanh_network(d, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(d, 12), nn.Tanh(), nn.Linear(12, 1), nn.Flatten(0)).double()


@pytest.mark.parametrize(("m", "d"), [(0, 4), (1, 5), (2, 5), (3, 6), (6, 6)])
def test_krawtchouk_is_the_mean_of_products_of_parities(m, d):
    masks = [np.array(v) for v in itertools.product((0, 1), repeat=d) if sum(v) == m]
    assert len(masks) == comb(d, m)
    for s in range(d + 1):
        x = np.array([1] * s + [0] * (d - s))
        brute = np.mean([(-1.0) ** (v @ x) for v in masks])
        assert krawtchouk(m, d)[s] == pytest.approx(brute, abs=1e-15)


@pytest.mark.parametrize("loss", ["hinge", "square", "logistic"])
def test_all_parities_give_the_gradient_signal(loss):
    network = TwoLayerReLU(7, 30, seed=1)
    exact = gradient_signal(network, loss, method="enumerate").signal
    assert family_signal(network, loss, cube(7), Parities()).value == pytest.approx(exact, rel=1e-9)
    sampled = family_signal(network, loss, drawn(7), Parities(), n_blocks=8)
    assert sampled.method == "diagonal"
    assert sampled.interval[0] <= exact <= sampled.interval[1]


@pytest.mark.parametrize("weight", [1, 2, 5])
def test_one_weight_gives_the_mean_over_its_masks(weight):
    network = TwoLayerReLU(7, 30, seed=2)
    distances = target_gradients(network).squared_distance
    ones = np.array([bin(v).count("1") for v in range(128)])
    exact = family_signal(network, "hinge", cube(7), Parities(weight))
    assert exact.value == pytest.approx(distances[ones == weight].mean(), rel=1e-8)
    assert sum(layer.value for layer in exact.layers) == pytest.approx(exact.value)


def test_listed_targets_give_the_mean_of_their_own_gradients():
    network = tanh_network(5)
    masks = torch.tensor([[1, 1, 0, 0, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 1]]).double()
    targets = ListedTargets(lambda x: 1 - 2 * ((x @ masks.T) % 2))
    x = cube(5).double()
    found = family_signal(network, "square", x, targets)
    gradients: list[torch.Tensor] = []
    shared: list[torch.Tensor] = []
    for v in masks:
        for sign in (1, -1):  # a is the part that does not turn with the label
            y = sign * (1 - 2 * ((x @ v) % 2))
            loss = ((network(x) - y) ** 2 / 2).mean()
            parts = torch.autograd.grad(loss, list(network.parameters()))
            (gradients if sign == 1 else shared).append(torch.cat([p.flatten() for p in parts]))
    halves = [(one - other) / 2 for one, other in zip(gradients, shared, strict=True)]
    expected = float(torch.stack(halves).square().sum(1).mean())
    assert found.value == pytest.approx(expected, rel=1e-9)


def test_centring_takes_the_familys_mean_gradient_away():
    network = tanh_network(5)
    masks = torch.tensor([[1, 1, 0, 0, 0], [0, 1, 1, 0, 1]]).double()
    listed = ListedTargets(lambda x: 1 - 2 * ((x @ masks.T) % 2))
    x = cube(5).double()
    apart = family_signal(network, "square", x, listed, centred=True).value
    # two targets: the variance is a quarter of the squared difference
    grads = []
    for v in masks:
        loss = ((network(x) - (1 - 2 * ((x @ v) % 2))) ** 2 / 2).mean()
        parts = torch.autograd.grad(loss, list(network.parameters()))
        grads.append(torch.cat([p.flatten() for p in parts]))
    assert apart == pytest.approx(float((grads[0] - grads[1]).square().sum()) / 4, rel=1e-9)
    weights = family_signal(network, "square", x, Parities(2), centred=True).value
    assert weights < family_signal(network, "square", x, Parities(2)).value


def test_intervals_cover_exact_values():
    covered, cases = 0, 0
    for d, weight, seed in itertools.product((5, 7), (1, 2, 3, None), (0, 1, 2)):
        network = tanh_network(d, seed)
        kernel = Parities(weight)
        exact = family_signal(network, "hinge", cube(d).double(), kernel).value
        found = family_signal(
            network, "hinge", drawn(d), kernel, n_blocks=24, block_size=64, seed=seed
        )
        covered += found.interval[0] <= exact <= found.interval[1]
        cases += 1
    assert cases == 24
    assert covered >= 20  # 95 % of 24 is 22.8; the benchmark counts 300


def test_intervals_cover_where_inputs_have_heavy_tails():
    """Student's t with three degrees of freedom: gradients without a fourth moment."""
    network = nn.Sequential(*tanh_network(4)[:1], nn.ReLU(), *tanh_network(4)[2:])
    signs = ListedTargets(lambda x: torch.where(x > 0, 1.0, -1.0))

    def heavy(n, g):
        z = torch.randn(n, 4, generator=g, dtype=torch.float64)
        return z / torch.randn(n, 3, generator=g, dtype=torch.float64).norm(dim=1)[:, None] * 3**0.5

    truth = family_signal(network, "square", heavy, signs, n_blocks=40, block_size=1024, seed=99)
    found = [
        family_signal(network, "square", heavy, signs, n_blocks=24, block_size=64, seed=seed)
        for seed in range(24)
    ]
    assert truth.interval[1] - truth.interval[0] < 0.1 * truth.value
    covered = sum(f.interval[0] <= truth.value <= f.interval[1] for f in found)
    assert covered >= 20  # 95 % of 24 is 22.8


def test_intervals_cover_where_rare_masks_carry_the_mean(monkeypatch):
    from pitfalls.diagnosis import family

    network = tanh_network(8, seed=1)
    exact = family_signal(network, "hinge", cube(8).double(), Parities(), centred=True).value
    monkeypatch.setattr(family, "_MOST_NUMBERS", 1)
    found = [
        family_signal(
            network, "hinge", drawn(8), Parities(), centred=True, n_blocks=16, block_size=64, seed=s
        )
        for s in range(12)
    ]
    assert {f.method for f in found} == {"products"}
    assert sum(f.interval[0] <= exact <= f.interval[1] for f in found) >= 10
    assert abs(np.mean([f.value for f in found]) / exact - 1) < 0.2


def test_products_of_independent_batches_estimate_the_same(monkeypatch):
    from pitfalls.diagnosis import family

    network = tanh_network(5)
    exact = family_signal(network, "square", cube(5).double(), Parities(1)).value
    monkeypatch.setattr(family, "_MOST_NUMBERS", 1)
    found = family_signal(network, "square", drawn(5), Parities(1), n_blocks=60)
    assert found.method == "products"
    assert found.interval[0] <= exact <= found.interval[1]
    assert found.interval[1] - found.interval[0] < exact


def test_any_function_of_pairs_is_a_kernel_and_a_wrong_shape_is_refused():
    network = tanh_network(4)
    x = cube(4).double()
    plain = family_signal(network, "square", x, lambda a, b: (a[:, None] == b[None]).all(2))
    assert plain.value == pytest.approx(family_signal(network, "square", x, Parities()).value)
    with pytest.raises(InputError, match="kernel must give shape"):
        family_signal(network, "square", x, lambda a, b: a @ b.T[:, :1])
    with pytest.raises(InputError, match="gives no mean"):
        family_signal(network, "square", x, lambda a, b: a @ b.T, centred=True)


def test_bad_input_is_refused_in_one_line():
    network = tanh_network(4)
    with pytest.raises(InputError, match="weight must be from 0 to 4"):
        family_signal(network, "square", cube(4).double(), Parities(5))
    with pytest.raises(InputError, match="bits 0 and 1"):
        family_signal(network, "square", torch.randn(8, 4), Parities(2))
    with pytest.raises(InputError, match="at least 2"):
        family_signal(network, "square", drawn(4), Parities(2), n_blocks=1)


def test_the_network_stays_in_training_mode_and_keeps_its_bits():
    network = tanh_network(4).train()
    before = [p.clone() for p in network.parameters()]
    state = torch.get_rng_state()
    family_signal(network, "square", drawn(4), Parities(2), n_blocks=2, block_size=8)
    assert network.training
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_what_an_interval_and_a_family_cannot_be_is_refused():
    network = tanh_network(4)
    with pytest.raises(InputError, match="confidence must lie between 0 and 1"):
        family_signal(network, "square", drawn(4), Parities(2), confidence=95)
    with pytest.raises(InputError, match=r"must give \+1 and -1"):
        family_signal(network, "square", cube(4).double(), ListedTargets(lambda x: x))
    with pytest.raises(InputError, match="bits 0 and 1"):
        family_signal(
            network, "square", lambda n, g: torch.randn(n, 4, generator=g).double(), Parities()
        )


def test_a_weight_beyond_the_bits_is_refused_where_targets_are_drawn(monkeypatch):
    from pitfalls.diagnosis import family

    monkeypatch.setattr(family, "_MOST_NUMBERS", 1)
    with pytest.raises(InputError, match="weight must be from 0 to 4"):
        family_signal(tanh_network(4), "square", drawn(4), Parities(5), block_size=8)


def test_more_inputs_than_pairs_fit_into_memory_are_refused():
    network = TwoLayerReLU(15, 2, seed=0)
    with pytest.raises(InputError, match="at most 16,384 inputs, whose pairs fit into memory"):
        family_signal(network, "hinge", cube(15), Parities())


@pytest.mark.parametrize("inputs", [torch.zeros(0, 4), torch.zeros(4), torch.zeros(2, 2, 4)])
def test_inputs_that_are_no_rows_are_refused(inputs):
    with pytest.raises(InputError, match=r"must be of shape \(N, d\)"):
        family_signal(tanh_network(4), "square", inputs.double(), Parities())
    with pytest.raises(InputError, match=r"of shape \(n, d\)"):
        family_signal(tanh_network(4), "square", lambda n, g: torch.zeros(n), Parities())


def test_a_signal_that_is_no_number_is_an_error():
    network = TwoLayerReLU(4, 3, seed=0, dtype=torch.float64)
    network.load_flat(1e200 * torch.ones(network.n_parameters, dtype=torch.float64))
    with pytest.raises(DivergenceError, match="family_signal: value is not finite"):
        family_signal(network, "square", cube(4).double(), Parities(2))
