"""One door for modules: what is no function of its input is refused, and nothing is guessed."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity import (
    DeepNetwork,
    ParityTask,
    TwoLayerReLU,
    cube,
    evaluate,
    exact_network,
    gradient_bounds,
    gradient_signal,
    hinge_loss,
    layer_gradients,
    stream_target_gradients,
    target_gradients,
    target_signal,
    verify_exact,
)
from tests.kinds import there

TASK = ParityTask([1, 0, 1, 1])

# every function of the lab that takes a module
DOORS = {
    "gradient_signal": lambda network: gradient_signal(network, n_features=4),
    "sampled signal": lambda network: gradient_signal(
        network, n_features=4, method="sample", n_samples=400
    ),
    "target_gradients": lambda network: target_gradients(network, n_features=4),
    "stream_target_gradients": lambda network: list(stream_target_gradients(network, n_features=4)),
    "target_signal": lambda network: target_signal(network, TASK),
    "evaluate": lambda network: evaluate(network, TASK),
    "verify_exact": lambda network: verify_exact(network, TASK),
}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


class TanhNetwork(TwoLayerReLU):
    def forward(self, x):
        return self.output(torch.tanh(self.hidden(x))).squeeze(-1)


class Zero(TwoLayerReLU):
    def forward(self, x):
        return 0 * super().forward(x)


class Pooling(nn.Module):
    """Its first linear layer takes one number whatever the number of features."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 1))

    def forward(self, x):
        return self.layers(x.mean(-1, keepdim=True))


class Product(nn.Module):
    """The parity of TASK, without parameters."""

    def forward(self, x):
        return ((1 - 2 * x[:, 0]) * (1 - 2 * x[:, 2]) * (1 - 2 * x[:, 3]))[:, None]


class Undefined(nn.Module):
    """NaN everywhere, or at one input, and right elsewhere."""

    def __init__(self, where):
        super().__init__()
        self.where, self.product = where, Product()

    def forward(self, x):
        number = (x @ 2.0 ** torch.arange(x.shape[1], dtype=x.dtype)).long()
        bad = (
            torch.ones_like(number, dtype=torch.bool)
            if self.where is None
            else number == self.where
        )
        return torch.where(bad, torch.nan, self.product(x).squeeze(-1))


class FunctionalDropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x):
        return self.layer(nn.functional.dropout(x, 0.3, self.training))


class Centred(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x):
        return self.layer(x - x.mean(0))


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls, self.layer = 0, nn.Linear(4, 1)

    def forward(self, x):
        self.calls += 1
        return self.layer(x) + self.calls


def layers(*parts):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 6), *parts, nn.Linear(6, 1))


def by_definition(function, network, d, names=None):
    """2^-d E|G grad f|^2 by a loop of autograd in float64, hinge loss; names: the parameters taken."""
    if network.state_dict()[next(iter(network.state_dict()))].dtype != torch.float64:
        network = copy.deepcopy(network).double()
    total = 0.0
    for x in cube(d, dtype=torch.float64):
        slopes = []
        for y in (1.0, -1.0):
            network.zero_grad()
            hinge_loss(function(network, x[None]).reshape(1), torch.tensor([y]).double()).backward()
            slopes.append(
                torch.cat(
                    [
                        torch.zeros(p.numel()).double() if p.grad is None else p.grad.flatten()
                        for name, p in network.named_parameters()
                        if names is None or name in names
                    ]
                )
            )
        total += float(((slopes[0] - slopes[1]) / 2).square().sum())
    return total / 4**d


def plainly(network, x):
    return network(x)


# -- what is measured is the module's own function ----------------------------------------------


@pytest.mark.parametrize("kind", [TanhNetwork, Zero])
def test_a_subclass_is_measured_by_its_own_forward_pass(kind):
    network = kind(4, 12, seed=3)
    result = gradient_signal(network)
    assert result.method == "enumerate"
    assert result.bounds is None
    assert result.signal == pytest.approx(by_definition(plainly, network, 4), rel=1e-12)
    assert target_gradients(network).signal == pytest.approx(result.signal, rel=1e-12)


def test_a_subclass_that_gives_zero_is_not_proved_exact():
    network = Zero(4, 9)
    network.load_state_dict(exact_network(TASK).state_dict())
    proof = verify_exact(network, TASK)
    assert not proof
    assert (proof.output, proof.largest_error) == (0.0, 1.0)


def hooked(network):
    network.hidden.register_forward_hook(lambda module, inputs, output: 2 * output)


def hooked_before(network):
    network.output.register_forward_pre_hook(lambda module, inputs: (inputs[0] ** 2,))


def overwritten(network):
    network.forward = lambda x: torch.tanh(network.output(network.hidden(x))).squeeze(-1)


def parametrised(network):
    parametrizations.weight_norm(network.hidden)
    with torch.no_grad():
        network.hidden.parametrizations.weight.original0.mul_(2.0)


def pruned(network):
    prune.l1_unstructured(network.hidden, "weight", amount=0.5)
    network(torch.zeros(1, 4, dtype=network.hidden.bias.dtype))  # leaves a tensor with a history


def without_bias(network):
    weight = network.hidden.weight
    network.hidden = nn.Linear(4, 12, bias=False)
    network.hidden.weight = weight


def exchanged(network):
    network.output = nn.Sequential(nn.Tanh(), network.output)


@pytest.mark.parametrize(
    "change",
    [hooked, hooked_before, parametrised, pruned, without_bias, exchanged],
    ids=lambda change: change.__name__,
)
def test_a_network_that_was_changed_is_measured_as_it_is(change):
    network = TwoLayerReLU(4, 12, seed=3, dtype=torch.float64)
    before = gradient_signal(network).signal
    change(network)
    result = gradient_signal(network)
    assert result.signal == pytest.approx(by_definition(plainly, network, 4), rel=1e-10)
    assert result.signal != pytest.approx(before, rel=1e-3)
    assert target_gradients(network).signal == pytest.approx(result.signal, rel=1e-10)
    x = TASK.all_inputs(dtype=torch.float64)
    with torch.no_grad():
        risk = hinge_loss(network(x), TASK.labels(x)).item()
    assert evaluate(network, TASK).risk == pytest.approx(risk, rel=1e-12)


def test_an_overwritten_forward_pass_is_not_passed_over():
    network = exact_network(TASK)
    assert verify_exact(network, TASK).method == "values of s"
    network.forward = lambda x: torch.zeros(len(x), dtype=x.dtype)  # type: ignore[method-assign]
    assert verify_exact(network, TASK).largest_error == 1.0


def test_the_module_is_left_as_it_was():
    network = TwoLayerReLU(4, 5, seed=0)
    pruned(network)
    state = copy.deepcopy(network.state_dict())
    weight = network.hidden.weight
    random = torch.random.get_rng_state()
    for door in DOORS.values():
        door(network)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert network.hidden.weight is weight
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert torch.equal(random, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "use", [lambda n: n.per_sample_gradient(torch.zeros(1, 4)), gradient_bounds],
    ids=["per_sample_gradient", "gradient_bounds"],
)  # fmt: skip
def test_closed_forms_refuse_what_they_do_not_hold_for(use):
    with pytest.raises(InputError, match="TwoLayerReLU itself"):
        use(TanhNetwork(4, 3, seed=0))


def test_layer_gradients_refuse_a_network_that_computes_something_else():
    class Shifted(DeepNetwork):
        def forward(self, x):
            return super().forward(x + 1)

    x = TASK.all_inputs()
    with pytest.raises(InputError, match="DeepNetwork itself"):
        layer_gradients(Shifted(4, [3]), x, TASK.labels(x))


# -- the number of features ---------------------------------------------------------------------


def test_the_number_of_features_is_never_guessed_from_a_layer():
    network: Any = Pooling()
    for function in (gradient_signal, target_gradients):
        with pytest.raises(InputError, match="Pooling does not say how many features"):
            function(network)
    result = gradient_signal(network, n_features=5)
    assert result.n_features == 5
    assert result.signal == pytest.approx(by_definition(plainly, network, 5), rel=1e-12)
    network.n_features = np.int64(5)
    assert gradient_signal(network).signal == result.signal


@every_door
def test_a_module_that_takes_another_number_of_features_is_refused(door):
    with pytest.raises(InputError, match="takes 3 features"):
        door(TwoLayerReLU(3, 5))
    with pytest.raises(InputError, match="4 features"):
        door(nn.Linear(3, 1))


def test_numpy_integers_are_integers():
    d: Any = np.int64(4)
    k: Any = np.int32(6)
    numbers: list[Any] = [np.int64(n) for n in (0, 1, 2, 7)]
    zero, one, two, seven = numbers
    network = TwoLayerReLU(d, k, seed=seven)
    assert torch.equal(network.flat_parameters(), TwoLayerReLU(4, 6, seed=7).flat_parameters())
    assert gradient_signal(network, n_features=d, seed=zero).n_features == 4
    assert ParityTask.random(d, one, two) == ParityTask.random(4, 1, 2)
    assert cube(two).shape == (4, 2)
    assert gradient_signal(layers(nn.Tanh()), n_features=d).n_features == 4
    for wrong in (4.0, True, "4"):
        with pytest.raises(InputError, match="n_features must be an integer"):
            gradient_signal(layers(nn.Tanh()), n_features=wrong)  # type: ignore[arg-type]


# -- outputs ------------------------------------------------------------------------------------


class Squeezed(nn.Module):
    def __init__(self, network, shape):
        super().__init__()
        self.network, self.shape = network, shape

    def forward(self, x):
        return self.network(x).reshape(self.shape)


@every_door
def test_outputs_of_shape_n_and_n_by_one_are_the_same(door):
    network = layers(nn.Tanh())
    one, other = door(Squeezed(network, (-1,))), door(Squeezed(network, (-1, 1)))
    if isinstance(one, list):
        assert all(np.array_equal(a[1], b[1]) for a, b in zip(one, other, strict=True))
    else:
        for a, b in zip(_values(one), _values(other), strict=True):
            assert np.array_equal(a, b)


def _values(result):
    return list(vars(result).values()) if hasattr(result, "__dict__") else [result]


@every_door
@pytest.mark.parametrize("shape", [(1, -1), (-1, 1, 1)])
def test_outputs_of_another_shape_are_refused(door, shape):
    with pytest.raises(InputError, match=r"outputs of shape \(n,\) or \(n, 1\)"):
        door(Squeezed(layers(nn.Tanh()), shape))


@every_door
def test_two_outputs_an_input_are_refused(door):
    with pytest.raises(InputError, match="one number an input"):
        door(nn.Linear(4, 2))


# -- functions of one input ---------------------------------------------------------------------


@every_door
@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.Dropout(0.5),
        lambda: nn.AlphaDropout(0.1),
        lambda: nn.BatchNorm1d(6),
        lambda: nn.RReLU(),
    ],
    ids=["Dropout", "AlphaDropout", "BatchNorm1d", "RReLU"],
)
def test_layers_in_training_mode_are_refused_by_name_and_eval_is_the_remedy(door, layer, request):
    network = layers(layer())
    with pytest.raises(InputError) as refused:
        door(network)
    name = request.node.callspec.id.split("-")[0]
    assert f"layer '1' ({name}) is in training mode" in str(refused.value)
    assert ".eval()" in str(refused.value)
    assert "\n" not in str(refused.value)
    if name != "RReLU":  # which torch.func cannot map over inputs, whatever its mode
        door(network.eval())


@every_door
def test_dropout_that_drops_nothing_is_taken_in_training_mode(door):
    door(layers(nn.Dropout(0.0)))


@every_door
@pytest.mark.parametrize(
    ("network", "said"),
    [
        (FunctionalDropout(), r"draws random numbers.*\.eval\(\)"),
        (Counting(), "other outputs when asked again"),
        (Centred(), "depends on the other inputs of the batch"),
        (layers(nn.BatchNorm1d(6, track_running_stats=False)).eval(), "statistics from the batch"),
        (parametrizations.spectral_norm(nn.Linear(4, 1)), r"changes its buffers.*\.eval\(\)"),
    ],
    ids=["random", "state", "batch", "batch statistics", "buffers"],
)
def test_what_is_no_function_of_one_input_is_refused(door, network, said):
    with pytest.raises(InputError, match=said):
        door(network)


# -- parameters ---------------------------------------------------------------------------------


def test_a_module_without_parameters_can_be_proved_and_evaluated_but_has_no_gradient():
    assert verify_exact(Product(), TASK)
    assert evaluate(Product(), TASK).accuracy == 1
    for name in ("gradient_signal", "sampled signal", "target_gradients", "target_signal"):
        with pytest.raises(InputError, match="Product has no parameters"):
            DOORS[name](Product())


def test_frozen_parameters_are_left_out_on_request_only():
    network = TwoLayerReLU(4, 7, seed=2)
    network.hidden.requires_grad_(False)
    assert gradient_signal(network).n_parameters == 4 * 7 + 2 * 7 + 1
    result = gradient_signal(network, trainable_only=True)
    assert result.n_parameters == 8
    expected = by_definition(plainly, network, 4, ["output.weight", "output.bias"])
    assert result.signal == pytest.approx(expected, rel=1e-12)
    gradients = target_gradients(network, trainable_only=True)
    assert gradients.signal == pytest.approx(expected, rel=1e-12)
    own = target_signal(network, TASK, trainable_only=True)
    assert own == pytest.approx(gradients.of(TASK), rel=1e-10)
    network.requires_grad_(False)
    with pytest.raises(InputError, match="no parameter that is trained"):
        gradient_signal(network, trainable_only=True)


@every_door
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_parameters_that_are_not_finite_are_refused_by_name(door, value):
    network = layers(nn.Tanh())
    with torch.no_grad():
        network[2].bias.fill_(value)
    with pytest.raises(InputError, match=r"2\.bias holds NaN or infinity"):
        door(network)


@every_door
def test_a_module_that_has_no_values_yet_is_refused(door):
    with pytest.raises(InputError, match="has no values yet"):
        door(nn.LazyLinear(1))


def test_half_precision_is_judged_by_the_numbers_that_it_holds():
    rounded = TwoLayerReLU(4, 6, seed=0).bfloat16()
    same = copy.deepcopy(rounded).double()
    assert gradient_signal(rounded).signal == gradient_signal(same).signal
    deep = layers(nn.Tanh()).bfloat16()
    assert evaluate(deep, TASK) == evaluate(copy.deepcopy(deep).double(), TASK)


# -- outputs that are no numbers ----------------------------------------------------------------


@pytest.mark.parametrize("where", [None, 0, 5, 15])
def test_a_network_whose_output_is_nan_anywhere_is_not_exact(where):
    proof = verify_exact(Undefined(where), TASK)
    assert not proof
    assert np.isnan(proof.largest_error)
    assert np.isnan(proof.output)
    at = where or 0
    assert proof.counterexample == tuple(at >> j & 1 for j in range(4))


@pytest.mark.parametrize("d", [4, 9])
def test_a_two_layer_network_that_overflows_to_nan_is_not_exact(d):
    task = ParityTask.random(d, 0)
    network = exact_network(task, n_hidden=40).double()
    with torch.no_grad():  # inf - inf where feature 1 is set
        network.hidden.weight[-2:] = 0.0
        network.hidden.weight[-2:, 1] = 1e200
        network.output.weight[0, -2:] = torch.tensor([1e200, -1e200], dtype=torch.float64)
    proof = verify_exact(network, task)
    assert not proof
    assert there(proof.counterexample)[1] == 1


def test_a_network_whose_output_is_nan_has_no_risk():
    with pytest.raises(DivergenceError, match="gives NaN or infinity"):
        evaluate(Undefined(3), TASK)


@pytest.mark.parametrize("tolerance", [-1e-9, 1.0, float("nan"), float("inf")])
def test_a_tolerance_that_would_prove_anything_is_refused(tolerance):
    with pytest.raises(InputError, match="tolerance"):
        verify_exact(Product(), TASK, tolerance=tolerance)


def test_modules_that_cannot_be_differentiated_input_by_input_are_refused():
    class Branching(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return y if float(x.sum()) >= 0 else -y

    with pytest.raises(InputError, match=r"torch\.func"):
        gradient_signal(Branching(4, 1), n_features=4)
    evaluate(Branching(4, 1), TASK)


def test_something_else_than_a_module_is_refused():
    with pytest.raises(InputError, match=r"nn\.Module"):
        gradient_signal(lambda x: x[:, 0], n_features=4)  # type: ignore[arg-type]


def test_parameters_that_are_whole_numbers_are_refused_by_name():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.counts = nn.Parameter(torch.ones(3, dtype=torch.int64), requires_grad=False)

        def forward(self, x):
            return (x * self.counts).sum(1)

    with pytest.raises(InputError, match=r"parameter counts must be of a real floating type"):
        evaluate(Counts(), ParityTask([1, 0, 1]))
