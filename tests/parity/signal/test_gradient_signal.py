"""The exact signal against autograd over every target, the closed forms and itself."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.parity import (
    CustomLoss,
    HingeLoss,
    LogisticLoss,
    ParityTask,
    SquareLoss,
    TwoLayerReLU,
    cube,
    exact_network,
    gradient_bounds,
    gradient_signal,
    target_gradients,
    target_signal,
)
from pitfalls.parity.scalar_network import scalar_network
from pitfalls.parity.signal.cube_pass import HINGE, stream_sums
from pitfalls.parity.signal.device_pass import _inside, stream_on_device
from pitfalls.parity.signal.gradient_norm import draw_by_gradient_norm, gradient_norm_total
from pitfalls.parity.signal.stratified import hamming_strata, sample_moments
from tests.kinds import there

LOSSES = [HingeLoss(), HingeLoss("clamp"), HingeLoss("max"), SquareLoss(), LogisticLoss()]


def network_of(d, k, scale=1.0, seed=0):
    network = TwoLayerReLU(d, k, seed=seed, dtype=torch.float64)
    return network.load_flat(network.flat_parameters() * scale)


def arrays(network):
    w, b, alpha, beta = (p.detach().numpy() for p in network.parameters())
    return w, b, alpha[0], float(beta[0])


def risk_gradients(network, loss, d):
    """The gradient of the exact risk by autograd, for every mask at once."""
    x = cube(d, dtype=torch.float64)
    labels = torch.stack([ParityTask(mask).labels(x) for mask in cube(d)]).double()
    parameters = {name: p.detach() for name, p in network.named_parameters()}

    def risk(values, y):
        return loss(torch.func.functional_call(network, values, (x,)).reshape(-1), y)

    parts = torch.func.vmap(torch.func.grad(risk), in_dims=(None, 0))(parameters, labels)
    return torch.cat([parts[name].flatten(1) for name in parameters], dim=1).numpy()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize(
    ("d", "k", "scale"), [(1, 3, 2.0), (4, 12, 3.0), (6, 20, 2.5), (8, 16, 1.0)]
)
def test_every_part_equals_autograd_over_all_targets(loss, d, k, scale):
    network = network_of(d, k, scale, seed=d)
    result = gradient_signal(network, loss)
    gradients = risk_gradients(network, loss, d)
    deviations = ((gradients - result.shared) ** 2).sum(1)
    assert result.method == "stream"
    assert result.signal == pytest.approx(deviations.mean(), rel=1e-12)
    mean = gradients.mean(0)
    np.testing.assert_allclose(
        result.shared + result.at_zero / 2**d, mean, rtol=0, atol=1e-13 * np.abs(mean).max() + 1e-15
    )
    assert result.variance == pytest.approx(((gradients - mean) ** 2).sum(1).mean(), rel=1e-11)
    assert result.interval == (result.mean_square, result.mean_square)


@pytest.mark.parametrize("loss", [HingeLoss(), SquareLoss(), LogisticLoss()], ids=str)
def test_noise_is_the_variance_of_one_samples_gradient_averaged_over_targets(loss):
    d = 4
    network = network_of(d, 10, 3.0)
    x = cube(d, dtype=torch.float64)
    variances = []
    for mask in cube(d):
        samples = []
        for row, label in zip(x, ParityTask(mask).labels(x), strict=True):
            network.zero_grad()
            loss(network(row)[None], label[None]).backward()
            samples.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
        stacked = torch.stack(samples)
        variances.append((stacked - stacked.mean(0)).square().sum(1).mean().item())
    result = gradient_signal(network, loss)
    assert result.noise == pytest.approx(np.mean(variances), rel=1e-12)
    assert result.signal_to_noise(7) == pytest.approx(7 * result.signal / np.mean(variances))


@pytest.mark.parametrize(("d", "scale"), [(9, 1.0), (12, 2.0), (13, 1.4), (14, 3.0), (16, 1.5)])
@pytest.mark.parametrize("loss", [HingeLoss(), SquareLoss(), LogisticLoss()], ids=str)
def test_streamed_sums_equal_plain_enumeration(d, scale, loss):
    network = network_of(d, 24, scale, seed=d)
    streamed = gradient_signal(network, loss)
    plain = gradient_signal(network, loss, method="enumerate")
    assert streamed.mean_square == pytest.approx(plain.mean_square, rel=1e-12)
    assert streamed.active == plain.active
    assert streamed.noise == pytest.approx(plain.noise, rel=1e-11)
    size = float(np.linalg.norm(plain.shared))
    np.testing.assert_allclose(streamed.shared, plain.shared, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("scale", [1.0, 1.4, 1.8, 2.5])
def test_skipping_proven_subcubes_changes_no_sum(scale):
    network = network_of(14, 60, scale, seed=3)
    fast = stream_sums(*arrays(network), kind=HINGE, skip=True)
    slow = stream_sums(*arrays(network), kind=HINGE, skip=False)
    assert slow.n_evaluated == 2**14
    assert fast.n_active == slow.n_active
    assert fast.odd_deficit == pytest.approx(slow.odd_deficit, rel=1e-12)
    np.testing.assert_allclose(
        fast.even_gradient, slow.even_gradient, rtol=0,
        atol=1e-12 * max(1.0, np.abs(slow.even_gradient).max()),
    )  # fmt: skip


def test_sums_do_not_depend_on_how_the_cube_is_cut_into_calls(monkeypatch):
    network = network_of(15, 20, 2.0)
    whole = stream_sums(*arrays(network))
    monkeypatch.setattr("pitfalls.parity.signal.cube_pass._TASKS_PER_CALL", 3)
    parts = stream_sums(*arrays(network))
    assert parts.n_active == whole.n_active
    assert parts.odd_deficit == pytest.approx(whole.odd_deficit, rel=1e-12)
    size = np.abs(whole.even_gradient).max()
    np.testing.assert_allclose(parts.even_gradient, whole.even_gradient, atol=1e-12 * size)


def test_bounds_settle_a_network_at_initialisation_without_evaluating_it():
    result = gradient_signal(network_of(16, 160))
    assert result.active == 1.0
    assert result.n_evaluated < 2**16 / 10


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize(("d", "scale"), [(3, 3.0), (10, 2.0), (12, 1.3)])
def test_torch_pass_equals_the_compiled_one(loss, d, scale):
    network = network_of(d, 20, scale)
    ours, torches = gradient_signal(network, loss), gradient_signal(network, loss, device="cpu")
    assert torches.mean_square == pytest.approx(ours.mean_square, rel=1e-12)
    assert torches.active == ours.active
    np.testing.assert_allclose(torches.shared, ours.shared, rtol=0, atol=1e-12)


def test_torch_pass_does_not_depend_on_its_batch_size():
    network = network_of(11, 15, 2.0)
    large = stream_on_device(network, HingeLoss(), "cpu")
    small = stream_on_device(network, HingeLoss(), "cpu", elements=1 << 12)
    assert small.n_active == large.n_active
    assert small.odd_deficit == pytest.approx(large.odd_deficit, rel=1e-12)


@pytest.mark.gpu
def test_gpu_pass_equals_the_compiled_one():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    network = network_of(14, 60, 2.0)
    ours, gpu = gradient_signal(network), gradient_signal(network, device="cuda")
    assert gpu.mean_square == pytest.approx(ours.mean_square, rel=1e-12)


def test_an_exact_network_sits_on_the_kink_and_the_boundary_convention_decides():
    network = exact_network([1] * 6).double()
    values = {b: gradient_signal(network, HingeLoss(b)) for b in ("relu", "clamp", "max")}
    norm = gradient_norm_total(*arrays(network)[:3])
    for boundary, indicator in (("relu", 0.0), ("clamp", 1.0), ("max", 0.5)):
        assert values[boundary].mean_square == pytest.approx(((1 + indicator) / 2) ** 2 * norm)


def test_total_of_the_gradient_norm_equals_enumeration_for_odd_and_even_d():
    for d in (1, 2, 5, 8, 11):
        network = network_of(d, 7, 2.0, seed=d)
        expected = network.gradient_squared_norm(cube(d, dtype=torch.float64)).mean().item()
        assert gradient_norm_total(*arrays(network)[:3]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("seed", range(6))
def test_bounds_hold_and_the_element_bound_is_attained(seed):
    d = 5
    network = network_of(d, 8, 2.0, seed=seed)
    with torch.no_grad():
        network.hidden.bias[0] = -100.0  # a unit that never fires must not count
        network.output.weight[0, 0] = 50.0
    gradients = network.per_sample_gradient(cube(d, dtype=torch.float64))
    bounds = gradient_bounds(network)
    norms = gradients.square().sum(1)
    assert gradients.abs().max().item() == pytest.approx(bounds.element, rel=1e-14)
    assert norms.max().item() <= bounds.by_unit * (1 + 1e-14) <= bounds.homework * (1 + 1e-13)
    assert norms.mean().item() <= bounds.by_moments


def test_an_enumerated_signal_has_no_width():
    result = gradient_signal(TwoLayerReLU(5, 4, seed=0), method="enumerate")
    assert result.interval == (result.mean_square, result.mean_square)


def test_the_torch_pass_calls_no_subcube_inside_that_has_an_input_outside():
    rng, decided, outside = torch.Generator().manual_seed(0), 0, 0
    low = cube(5).double()
    for scale in (0.1, 0.5, 1.0):
        a = torch.randn(200, 6, generator=rng, dtype=torch.float64) * scale
        weights = torch.randn(6, 5, generator=rng, dtype=torch.float64) * scale
        alpha = torch.randn(6, generator=rng, dtype=torch.float64)
        beta = torch.tensor(0.2, dtype=torch.float64)
        outputs = torch.relu(a[:, None] + low @ weights.T) @ alpha + beta  # (200, 32)
        said = _inside(a, weights, alpha, beta, 1.0)
        truth = (outputs.abs() < 1).all(dim=1)
        assert not (said & ~truth).any()
        decided += int(said.sum())
        outside += int((~truth).sum())
    assert decided > 150
    assert outside > 50


def test_the_bound_by_moments_is_the_mean_of_what_it_adds_up():
    network = TwoLayerReLU(6, 3, seed=2).double()
    w, b, alpha, _ = (p.detach() for p in network.parameters())
    x = cube(6).double()
    z = x @ w.T + b
    added = 1 + (alpha[0] ** 2 * (1 + x.square().sum(1, keepdim=True)) + z.square()).sum(1)
    assert gradient_bounds(network).by_moments == pytest.approx(added.mean().item(), rel=1e-13)


def test_the_anchors_of_the_default_initialisation_are_met():
    medians, loose = [], []
    for d in (5, 8, 10, 12):
        results = [gradient_signal(network_of(d, 10 * d, seed=s)) for s in range(10)]
        medians.append(float(np.median([r.mean_square for r in results])))
        loose.append(float(np.median([r.looseness["C_p"] for r in results])))
    np.testing.assert_allclose(medians, [7.1, 10.1, 12.7, 12.9], rtol=0.2)
    np.testing.assert_allclose(loose, [98, 228, 294, 418], rtol=0.3)


def test_signal_to_noise_is_one_over_two_to_the_d_minus_one_while_the_margin_is_open():
    for d in (5, 10, 14):
        result = gradient_signal(network_of(d, 10 * d))
        assert result.active == 1.0
        assert result.signal_to_noise(100) == pytest.approx(100 / (2**d - 1), rel=1e-10)


def test_result_is_the_same_bits_whatever_the_number_of_threads():
    import numba

    network = network_of(16, 40, 2.0)
    before = numba.get_num_threads()
    try:
        results = []
        for threads in (1, before):
            numba.set_num_threads(threads)
            results.append(gradient_signal(network))
    finally:
        numba.set_num_threads(before)
    assert results[0].mean_square == results[1].mean_square
    assert np.array_equal(results[0].shared, results[1].shared)


@pytest.mark.parametrize("loss", [HingeLoss(), SquareLoss()], ids=str)
def test_sampled_interval_covers_the_exact_value_at_its_level(loss):
    network = network_of(12, 30, 2.0)
    exact = gradient_signal(network, loss)
    inside = errors = 0
    for seed in range(30):
        sampled = gradient_signal(network, loss, method="sample", n_samples=400, seed=seed)
        inside += sampled.interval[0] <= exact.mean_square <= sampled.interval[1]
        errors += np.sum((sampled.shared - exact.shared) ** 2) / sampled.shared_error**2
    assert inside >= 24  # 28.5 expected; fewer has probability 5e-4
    assert 0.6 < errors / 30 < 1.6


def test_stratifying_narrows_the_interval_of_plain_sampling():
    network = network_of(14, 30, 2.0)
    entered = scalar_network(network, 14, "test")
    sampled = sample_moments(entered, HingeLoss(), n_samples=4000, seed=0)
    x = ParityTask([1] * 14).sample(4000, torch.Generator().manual_seed(1), dtype=torch.float64)[0]
    plain = network.gradient_squared_norm(x).std().item() / math.sqrt(4000)
    assert sampled.odd_square_error < plain


def rare_network(d, alpha, least):
    """One unit that fires at |x| >= least: nothing of it is seen in any sample."""
    network = TwoLayerReLU(d, 1, seed=0, dtype=torch.float64)
    p = torch.tensor([*[1.0] * d, 1.0 - least, alpha, 0.25], dtype=torch.float64)
    return network.load_flat(p)


def mean_square_by_weight(d, alpha, least, loss):
    """E|g|^2 of the rare network as a sum over |x|, in rational arithmetic but for the loss."""
    total = Fraction(0)
    for ones in range(d + 1):
        z = max(0, ones + 1 - least)
        norm = 1 + Fraction(alpha) ** 2 * (ones + 1) * (z > 0) + z**2
        slope = float(loss.weights(torch.tensor([alpha * z + 0.25], dtype=torch.float64))[1])
        total += Fraction(math.comb(d, ones), 2**d) * Fraction(slope) ** 2 * norm
    return float(total)


@pytest.mark.parametrize("loss", [HingeLoss(), SquareLoss(), LogisticLoss()], ids=str)
def test_a_mean_that_rare_inputs_carry_is_not_missed_by_sampling(loss):
    d, alpha, least = 40, 3e5, 38
    due = mean_square_by_weight(d, alpha, least, loss)
    result = gradient_signal(rare_network(d, alpha, least), loss, n_samples=2000)
    assert due > 600
    assert result.method == "sample"
    if isinstance(loss, HingeLoss):
        assert result.interval_kind == "binomial"
        assert result.interval[0] <= due <= result.interval[1]
        assert result.mean_square == pytest.approx(due, rel=0.05)
        assert result.interval[1] < 1.1 * result.interval[0]
    else:
        assert result.interval_kind == "exact"
        assert result.mean_square == pytest.approx(due, rel=1e-12)
        assert result.interval == (result.mean_square, result.mean_square)


@pytest.mark.parametrize("boundary", ["relu", "clamp", "max"])
@pytest.mark.parametrize("network", ["rare", "exact", "scaled"])
def test_the_binomial_interval_covers_for_every_network_and_boundary(network, boundary):
    d, loss = 12, HingeLoss(boundary)
    f = {
        "rare": rare_network(d, 30.0, 11),
        "exact": exact_network([1] * d).double(),  # on the kink at every input
        "scaled": network_of(d, 20, 2.0),
    }[network]
    due = gradient_signal(f, loss).mean_square
    inside = 0
    for seed in range(20):
        result = gradient_signal(f, loss, method="sample", n_samples=100, seed=seed, confidence=0.9)
        assert result.interval_kind == "binomial"
        assert result.interval[0] <= result.mean_square <= result.interval[1]
        inside += result.interval[0] <= due * (1 + 1e-12) <= result.interval[1] * (1 + 2e-12)
    assert inside >= 14  # 18 expected at least; fewer has probability 2e-3


@pytest.mark.parametrize(("d", "k", "scale"), [(1, 2, 3.0), (4, 3, 2.0), (7, 5, 1.0)])
def test_inputs_are_drawn_by_their_share_of_the_gradients_norm(d, k, scale):
    network = network_of(d, k, scale, seed=d)
    norm = network.gradient_squared_norm(cube(d, dtype=torch.float64)).numpy()
    w, b, alpha, _ = arrays(network)
    numbers, total = draw_by_gradient_norm(w, b, alpha, 50_000, np.random.default_rng(0))
    assert total == pytest.approx(norm.mean(), rel=1e-13)
    seen = np.bincount(numbers, minlength=2**d)
    assert stats.chisquare(seen, norm / norm.sum() * 50_000).pvalue > 1e-3


class Wrapped(nn.Module):
    """The same function by another class, whose closed form nobody knows."""

    def __init__(self, network):
        super().__init__()
        self.network, self.n_features = network, network.n_features

    def forward(self, x):
        return self.network(x)


def test_the_normal_interval_covers_where_tails_are_light():
    network = Wrapped(network_of(10, 12, 2.0))
    due = gradient_signal(network).mean_square
    inside = 0
    for seed in range(30):
        result = gradient_signal(network, method="sample", n_samples=500, seed=seed)
        assert result.interval_kind == "normal"
        inside += result.interval[0] <= due <= result.interval[1]
    assert inside >= 24  # 28.5 expected; fewer has probability 5e-4


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_normal_interval_is_the_mean_and_its_standard_error(level):
    network = Wrapped(network_of(10, 12, 2.0))
    result = gradient_signal(network, method="sample", n_samples=500, confidence=level)
    sampled = sample_moments(
        scalar_network(network, 10, "test"), HingeLoss(), n_samples=500, seed=0
    )
    margin = stats.norm.ppf(0.5 + level / 2) * sampled.odd_square_error
    assert result.mean_square == sampled.odd_square
    assert result.interval == pytest.approx(
        (sampled.odd_square - margin, sampled.odd_square + margin)
    )


def test_the_binomial_interval_is_the_exact_one_where_no_input_leaves_the_margin():
    network = network_of(12, 5)
    result = gradient_signal(network, method="sample", n_samples=50)
    total = gradient_norm_total(*arrays(network)[:3])
    low = (0.05 / 2) ** (1 / 50)  # all of 50 coins are heads
    assert result.interval == pytest.approx((total * (0.25 + 0.75 * low), total), rel=1e-12)


def test_the_bound_for_a_family_of_targets_is_met_by_the_worst_family():
    network = network_of(6, 9, 2.0)
    result = gradient_signal(network)
    distances = np.sort(target_gradients(network).squared_distance)[::-1]
    for n in (1, 2, 7, 64):
        assert distances[:n].mean() <= result.subset_bound(n)
    assert result.subset_bound(64) == pytest.approx(result.signal, rel=1e-12)


@pytest.mark.parametrize("d", [12, 30])
def test_a_sample_that_one_input_dominates_claims_no_interval_and_says_so(d):
    network = Wrapped(rare_network(d, 30.0, d - 1 if d == 12 else 22))
    with pytest.warns(RuntimeWarning, match="heavy tails"):
        result = gradient_signal(network, SquareLoss(), method="sample", n_samples=300)
    assert result.interval == (0.0, math.inf)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95, math.nan])
def test_a_confidence_outside_zero_and_one_is_refused(confidence):
    with pytest.raises(InputError, match="confidence must lie between 0 and 1"):
        gradient_signal(network_of(3, 4), method="sample", confidence=confidence)


def test_a_higher_confidence_gives_a_wider_interval():
    network = network_of(12, 20, 2.0)
    ends = [
        gradient_signal(network, method="sample", n_samples=200, confidence=level).interval
        for level in (0.5, 0.9, 0.999)
    ]
    assert ends[2][0] < ends[1][0] < ends[0][0] < ends[0][1] < ends[1][1] < ends[2][1]


@pytest.mark.parametrize("method", ["stream", "enumerate", "sample"])
def test_results_that_are_not_finite_are_errors(method):
    network = network_of(4, 3)
    with torch.no_grad():
        network.output.weight.fill_(1e200)
    with pytest.raises(DivergenceError, match="not finite"):
        gradient_signal(network, method=method)
    with pytest.raises(DivergenceError, match="not finite"):
        target_gradients(network)
    with pytest.raises(DivergenceError, match="not finite"):
        target_signal(network, ParityTask([1, 0, 1, 1]))


def test_outputs_that_are_nan_give_no_signal():
    class Undefined(nn.Linear):
        def forward(self, x):
            return super().forward(x) * torch.where(x[:, :1] > 0, torch.nan, 1.0)

    for method in ("enumerate", "sample"):
        with pytest.raises(DivergenceError, match="not finite"):
            gradient_signal(Undefined(4, 1), n_features=4, method=method)


def test_the_bounds_are_those_of_the_loss():
    network = network_of(6, 9, 2.0)
    plain = gradient_bounds(network)
    for loss, slope in ((HingeLoss(), 1.0), (SquareLoss(), 1.0), (LogisticLoss(), 0.5)):
        bounds = there(gradient_signal(network, loss).bounds)
        assert bounds.element == slope * plain.element
        assert bounds.homework == slope**2 * plain.homework
        assert bounds.by_unit == slope**2 * plain.by_unit
        assert bounds.by_moments == slope**2 * plain.by_moments


@pytest.mark.parametrize("seed", range(4))
def test_rounding_never_proves_an_output_inside_that_evaluates_outside(seed):
    # pairs of units that are always on and cancel: f is 1 or -1 up to rounding at every input
    rng = np.random.default_rng(seed)
    d, k = 13, 6
    w = rng.normal(size=(k, d))
    b, alpha = rng.normal(size=k) + 6 + np.abs(w).sum(1), 100 * rng.normal(size=k)
    order = rng.permutation(2 * k)
    network = np.vstack([w, w])[order], np.r_[b, b][order], np.r_[alpha, -alpha][order]
    for beta in (1.0, -1.0):
        fast = stream_sums(*network, beta, kind=HINGE, skip=True)
        slow = stream_sums(*network, beta, kind=HINGE, skip=False)
        assert 0 < slow.n_active < 2**d  # rounding decides
        assert fast.n_active == slow.n_active
        assert fast.n_evaluated == 2**d


def test_strata_cover_all_weights_once_with_probability_one():
    for d in (1, 2, 7, 40, 1000):
        strata = hamming_strata(d)
        assert [w for weights, _ in strata for w in weights] == list(range(d + 1))
        assert sum(p for _, p in strata) == pytest.approx(1, abs=1e-12)


class DeepTanh(nn.Module):
    """A module that is not ours, with a trailing axis on its output."""

    def __init__(self, d):
        super().__init__()
        self.n_features = d
        torch.manual_seed(d)
        self.layers = nn.Sequential(
            nn.Linear(d, 6), nn.Tanh(), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 1)
        ).double()

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("loss", [HingeLoss(), CustomLoss(lambda f, y: ((f - y) ** 4).mean())])
def test_any_module_and_any_loss_equal_autograd_over_all_targets(loss):
    d = 5
    network = DeepTanh(d)
    result = gradient_signal(network, loss)
    deviations = ((risk_gradients(network, loss, d) - result.shared) ** 2).sum(1)
    assert result.method == "enumerate"
    assert result.bounds is None
    assert result.signal == pytest.approx(deviations.mean(), rel=1e-12)


class TwiceSquare(SquareLoss):
    def per_sample(self, outputs, labels):
        return (outputs - labels) ** 2

    def weights(self, outputs):
        return 2 * outputs, -2 * torch.ones_like(outputs)


class TwiceLogistic(LogisticLoss):
    def per_sample(self, outputs, labels):
        return 2 * super().per_sample(outputs, labels)

    def weights(self, outputs):
        even, odd = super().weights(outputs)
        return 2 * even, 2 * odd


class LateHinge(HingeLoss):
    """max(0, 1/2 - f y): some inputs with |f| < 1 have G = -1/2."""

    def per_sample(self, outputs, labels):
        return torch.relu(0.5 - outputs * labels)

    def weights(self, outputs):
        zero = outputs.new_zeros(())
        positive = torch.heaviside(0.5 - outputs, zero)
        negative = torch.heaviside(0.5 + outputs, zero)
        return (negative - positive) / 2, -(negative + positive) / 2


class SameHinge(HingeLoss):
    pass


OWN_LOSSES = [TwiceSquare(), TwiceLogistic(), LateHinge(), SameHinge("clamp")]


@pytest.mark.parametrize("loss", OWN_LOSSES, ids=lambda loss: type(loss).__name__)
def test_a_loss_made_from_another_is_measured_by_its_own_slope(loss):
    d = 6
    network = network_of(d, 20, 3.0)
    gradients = risk_gradients(network, loss, d)
    result = gradient_signal(network, loss)
    deviations = ((gradients - result.shared) ** 2).sum(1)
    assert (result.method, result.bounds) == ("enumerate", None)
    assert result.signal == pytest.approx(deviations.mean(), rel=1e-12)
    sampled = gradient_signal(network, loss, method="sample", confidence=0.9999)
    assert sampled.interval_kind == "normal"
    assert sampled.interval[0] <= result.mean_square <= sampled.interval[1]
    assert target_gradients(network, loss).signal == pytest.approx(result.signal, rel=1e-12)
    for device in (None, "cpu"):
        with pytest.raises(InputError, match=rf"themselves.*\({type(loss).__name__}\)"):
            gradient_signal(network, loss, method="stream", device=device)


def test_the_torch_pass_skips_no_subcube_for_a_loss_made_from_the_hinge():
    network = network_of(9, 20, 1.5)  # |f| < 1 everywhere, and beyond 1/2 at some inputs
    sums = stream_on_device(network, LateHinge(), "cpu")
    x = cube(9, dtype=torch.float64)
    even, _ = LateHinge().weights(network(x).detach())
    assert even.any()
    norm = network.per_sample_gradient(x).square().sum(1)
    wanted = float((even.square() * norm).sum())
    assert sums.even_square == pytest.approx(wanted, rel=1e-12)


def test_a_loss_made_from_another_is_sampled_where_the_cube_is_large():
    result = gradient_signal(TwoLayerReLU(14, 8, seed=0), TwiceSquare(), n_samples=200)
    assert (result.method, result.interval_kind) == ("sample", "normal")


def test_large_d_is_sampled_and_its_logarithm_does_not_underflow():
    network = TwoLayerReLU(2000, 8, seed=0)
    result = gradient_signal(network, n_samples=200)
    assert result.method == "sample"
    assert result.signal == 0.0
    assert -2000 < result.log2_signal < -1980


def test_progress_counts_to_the_end_and_an_interrupt_passes_through():
    seen = []
    gradient_signal(network_of(13, 5), on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2**13, 2**13)

    def stop(done, total):
        raise KeyboardInterrupt

    for method in ("stream", "enumerate", "sample"):
        with pytest.raises(KeyboardInterrupt):
            gradient_signal(network_of(13, 5), method=method, on_progress=stop)


def test_bad_input_is_refused_in_one_line():
    network = network_of(3, 4)
    with pytest.raises(InputError, match="must be 'auto'"):
        gradient_signal(network, method="guess")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="takes 3 features"):
        gradient_signal(network, n_features=4)
    with pytest.raises(InputError, match="TwoLayerReLU"):
        gradient_signal(DeepTanh(4), method="stream")
    with pytest.raises(InputError, match="at least 2"):
        gradient_signal(network, method="sample", n_samples=1)
    with pytest.raises(InputError, match="Give n_features"):
        gradient_signal(nn.Bilinear(2, 2, 1))
    with pytest.raises(ResourceError, match="method='sample'"):
        gradient_signal(TwoLayerReLU(60, 2), method="stream")
    with pytest.raises(ResourceError, match="method='sample'"):
        gradient_signal(TwoLayerReLU(30, 2), method="enumerate")
    with torch.no_grad():
        network.output.bias.fill_(torch.nan)
    with pytest.raises(InputError, match=r"output\.bias holds NaN"):
        gradient_signal(network)


def test_the_variance_of_a_sampled_norm_is_the_spread_over_samples():
    network = scalar_network(TwoLayerReLU(6, 12, seed=0, dtype=torch.float64), 6, "test")
    found = [sample_moments(network, HingeLoss(), n_samples=400, seed=seed) for seed in range(200)]
    spread = np.var([one.odd_square for one in found], ddof=1)
    told = np.mean([one.odd_square_error**2 for one in found])
    # 200 draws know a variance to 10 %: four times that
    assert told == pytest.approx(spread, rel=0.4)


@pytest.mark.parametrize("size", [1e8, 1e12])
@pytest.mark.parametrize("loss", ["square", "hinge"])
def test_units_whose_large_weights_cancel_keep_their_small_values(size, loss):
    network = TwoLayerReLU(4, 2, dtype=torch.float64, seed=0)
    weights, biases = [[size, 0.25, 3.0, size], [0.5, size, 2.0, -size]], [-2 * size, -size]
    flat = [*weights[0], *weights[1], *biases, 0.0, 0.125, 0.5]
    network.load_flat(torch.tensor(flat, dtype=torch.float64))
    expected = Fraction(0)
    for x in itertools.product((0, 1), repeat=4):
        expected += 1
        for row, bias, share in zip(weights, biases, (0.0, 0.125), strict=True):
            z = Fraction(bias) + sum(Fraction(w) * bit for w, bit in zip(row, x, strict=True))
            expected += Fraction(share) ** 2 * (sum(x) + 1) * (z > 0) + max(Fraction(0), z) ** 2
    found = gradient_signal(network, loss, method="stream")
    if loss == "square":
        assert found.mean_square == pytest.approx(float(expected / 16), rel=1e-12)
    every = gradient_signal(network, loss, method="enumerate")
    assert found.mean_square == pytest.approx(every.mean_square, rel=1e-12)
