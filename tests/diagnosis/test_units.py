import pytest
import torch
from torch import nn
from torch.nn import functional

from pitfalls.diagnosis import ask_units
from pitfalls.diagnosis.evidence.units import UnitsEvidence
from pitfalls.diagnosis.trace import trace
from pitfalls.diagnosis.witnesses import UnitsWitness
from tests.kinds import of_kind, there


def evidence_of(card):
    return of_kind(UnitsEvidence, card.evidence)


def data(n=80, d=6, k=3):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=g)
    return x, x[:, :k].argmax(1)


def test_dead_units_are_those_that_no_example_activates():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))
    of_kind(nn.Linear, model[0]).bias.data[[2, 5]] = -50.0
    card = ask_units(model, functional.cross_entropy, x, y)
    hidden = torch.relu(model[0](x))
    rows = list(of_kind(UnitsWitness, card.witness).rows)
    expected = tuple(torch.nonzero((hidden[rows] == 0).all(0)).flatten().tolist())
    assert evidence_of(card).layers[0].dead == expected == (2, 5)
    assert card.verdict == "alive"
    assert card.check(model, functional.cross_entropy, x, y)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.SiLU, nn.ReLU6])
def test_a_dead_layer_is_an_alarm_whatever_its_kind_of_rectifier(activation):
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), activation(), nn.Linear(10, 3))
    bias = of_kind(nn.Linear, model[0]).bias
    nn.init.constant_(bias, -60.0)
    card = ask_units(model, functional.cross_entropy, x, y)
    assert card.verdict == "dead-units"
    assert of_kind(UnitsWitness, card.witness).units == tuple(range(10))
    nn.init.zeros_(bias)
    assert not card.check(model, functional.cross_entropy, x, y)


class _Functional(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.first, self.last, self.function = nn.Linear(6, 10), nn.Linear(10, 3), function

    def forward(self, x):
        return self.last(self.function(self.first(x)))


@pytest.mark.parametrize(
    "function", [torch.relu, functional.relu, lambda h: h.relu_(), lambda h: h.clamp_min(0).relu()]
)
def test_activations_called_as_functions_are_seen(function):
    x, y = data()
    torch.manual_seed(0)
    model = _Functional(function)
    nn.init.constant_(model.first.bias, -60.0)
    assert ask_units(model, functional.cross_entropy, x, y).verdict == "dead-units"


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_saturation_is_measured_by_the_slope(activation):
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), activation(), nn.Linear(10, 3))
    usual = ask_units(model, functional.cross_entropy, x, y)
    assert usual.verdict == "alive"
    card = ask_units(model, functional.cross_entropy, 1e5 * x, y)
    assert card.verdict == "saturated-units"
    rows = list(of_kind(UnitsWitness, card.witness).rows)
    z = model[0](1e5 * x[rows]).detach().requires_grad_(True)
    slope = torch.autograd.grad(activation()(z).sum(), z)[0]
    top = 1.0 if activation is nn.Tanh else 0.25
    share = float((slope < 0.05 * top).double().mean())
    assert evidence_of(card).layers[0].saturated == pytest.approx(share)


def test_outputs_may_saturate():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 1), nn.Sigmoid())
    nn.init.constant_(of_kind(nn.Linear, model[0]).bias, 40.0)
    card = ask_units(model, nn.BCELoss(), x, (y > 0).float().unsqueeze(1))
    assert evidence_of(card).layers[0].last
    assert card.verdict == "alive"


def test_pictures_and_sequences_are_judged_by_channel():
    x = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(180, 2))
    there(of_kind(nn.Conv2d, model[0]).bias).data[3] = -90.0
    y = (x.mean((1, 2, 3)) > 0).long()
    card = ask_units(model, functional.cross_entropy, x, y)
    assert (evidence_of(card).layers[0].n_units, evidence_of(card).layers[0].dead) == (5, (3,))


def test_gradients_of_layers_are_autograds():
    x, y = data()
    first, last = nn.Linear(6, 10), nn.Linear(10, 3)
    model = nn.Sequential(first, nn.Tanh(), last)
    card = ask_units(model, functional.cross_entropy, x, y)
    rows = list(of_kind(UnitsWitness, card.witness).rows)
    loss = functional.cross_entropy(model(x[rows]), y[rows])
    parts = torch.autograd.grad(loss, [first.weight, last.weight])
    for found, expected in zip(evidence_of(card).gradients, parts, strict=True):
        assert found.gradient == pytest.approx(float(expected.norm()), rel=1e-5)


def test_deep_sigmoids_vanish_about_as_depth_predicts():
    x, y = data()
    torch.manual_seed(0)
    layers = [nn.Linear(6, 16), nn.Sigmoid()]
    for _ in range(7):
        layers += [nn.Linear(16, 16), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(16, 3))
    card = ask_units(model, functional.cross_entropy, x, y)
    assert card.verdict == "vanishing-gradient"
    assert evidence_of(card).expected_ratio <= 0.25**8
    assert card.check(model, functional.cross_entropy, x, y)


def test_zero_weights_and_units_that_do_the_same_are_named():
    x, y = data()
    first, last = nn.Linear(6, 10), nn.Linear(10, 3)
    model = nn.Sequential(first, nn.Tanh(), last)
    nn.init.zeros_(last.weight)
    nn.init.constant_(first.weight, 0.1)
    nn.init.zeros_(first.bias)
    evidence = evidence_of(ask_units(model, functional.cross_entropy, x, y))
    assert evidence.zero_weights == ("2.weight",)
    assert evidence.zero_gradients == ("0.weight",)
    assert evidence.layers[0].identical


def test_a_network_that_does_not_look_at_its_input_is_blind():
    x, y = data()

    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))

        def forward(self, x):
            return self.layers(x * 0)

    assert evidence_of(ask_units(Blind(), functional.cross_entropy, x, y)).blind
    model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))
    assert not evidence_of(ask_units(model, functional.cross_entropy, x, y)).blind


CORNERED = [
    nn.Hardtanh(),
    nn.Hardtanh(-3.0, 0.5),
    nn.ReLU6(),
    nn.Hardsigmoid(),
    nn.Threshold(0.3, 0.0),
]


@pytest.mark.parametrize("activation", CORNERED, ids=str)
def test_slopes_of_functions_with_corners_are_autograds(activation):
    x, _ = data()
    torch.manual_seed(0)
    first = nn.Linear(6, 10)
    nn.init.normal_(first.weight, std=2.0)
    model = nn.Sequential(first, activation, nn.Linear(10, 3))
    seen = trace(model, lambda: model(x), len(x)).activations[0]
    z = first(x).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    assert torch.equal(seen.slopes, slope / slope.max())
    assert bool((slope == 0).any())


def test_units_below_zero_are_alive_where_their_function_has_a_slope():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), nn.Hardtanh(), nn.Linear(10, 3))
    nn.init.normal_(of_kind(nn.Linear, model[0]).weight, std=0.05)
    nn.init.constant_(of_kind(nn.Linear, model[0]).bias, -0.5)
    card = ask_units(model, functional.cross_entropy, x, y)
    assert card.verdict == "alive"
    assert evidence_of(card).layers[0].saturated == 0
    nn.init.constant_(of_kind(nn.Linear, model[0]).bias, -5.0)
    assert ask_units(model, functional.cross_entropy, x, y).verdict == "saturated-units"


def test_units_without_a_slope_are_not_said_to_be_zero():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), nn.ELU(), nn.Linear(10, 3))
    of_kind(nn.Linear, model[0]).bias.data[:3] = -40.0
    card = ask_units(model, functional.cross_entropy, x, y)
    assert card.evidence.findings[0].startswith(
        "3 of 10 units of 1 (elu) have no slope on any of 80 examples"
    )


def test_units_after_a_convolution_of_sequences_are_its_channels():
    x = torch.zeros(20, 3, 50)
    x[..., :4] = torch.randn(20, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(3, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(250, 2))
    bias = there(of_kind(nn.Conv1d, model[0]).bias)
    nn.init.constant_(bias, -0.01)  # places that are padded are dark for every channel
    bias.data[3] = -90.0
    card = ask_units(model, functional.cross_entropy, x, (x.mean((1, 2)) > 0).long())
    assert (evidence_of(card).layers[0].n_units, evidence_of(card).layers[0].dead) == (5, (3,))
    assert card.verdict == "alive"


def test_a_gradient_that_is_zero_everywhere_vanishes_nowhere():
    x, _ = data()
    y = x.sign()[:, :1]
    model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 1))
    with torch.no_grad():  # the label itself, a hundred times: beyond the hinge at every example
        x = 1000 * y.expand(-1, 6)
        for layer in (model[0], model[1]):
            nn.init.constant_(of_kind(nn.Linear, layer).weight, 1.0)
            nn.init.zeros_(of_kind(nn.Linear, layer).bias)

    def hinge(outputs, labels):
        return torch.relu(1 - outputs * labels).mean()

    assert float(hinge(model(x), y)) == 0
    card = ask_units(model, hinge, x, y)
    assert card.verdict == "no gradient"
    assert card.evidence.findings == ("The gradient of every weight is exactly zero.",)
    assert card.check(model, hinge, x, y)


def test_inputs_far_from_zero_are_not_the_same_for_all_examples_in_float64():
    x, y = data()
    far = 1e8 + x.double()
    model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3)).double()
    assert not evidence_of(ask_units(model, functional.cross_entropy, far, y)).blind
    assert evidence_of(ask_units(model, functional.cross_entropy, far * 0 + 1e8, y)).blind


@pytest.mark.parametrize("low", [0, 0.0])
def test_a_relu_that_is_written_as_a_clamp_has_dead_units_and_other_clamps_have_none(low):
    x = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))

    class Clamps(nn.Module):
        def __init__(self, low, high=None):
            super().__init__()
            torch.manual_seed(0)
            self.body, self.head = nn.Linear(5, 8), nn.Linear(8, 1)
            self.low, self.high = low, high

        def forward(self, x):
            return self.head(self.body(x).clamp(self.low, self.high))

    dead = Clamps(low)
    dead.body.bias.data.fill_(-30.0)
    card = ask_units(dead, nn.MSELoss(), x, x[:, :1])
    assert card.verdict == "dead-units"
    (layer,) = of_kind(UnitsEvidence, card.evidence).hidden
    assert (layer.kind, len(layer.dead)) == ("relu", 8)
    assert card.check(dead, nn.MSELoss(), x, x[:, :1])
    assert ask_units(Clamps(low, 6.0), nn.MSELoss(), x, x[:, :1]).verdict == "alive"
    for other in (Clamps(1e-6), Clamps(None, 5.0)):
        card = ask_units(other, nn.MSELoss(), x, x[:, :1])
        assert of_kind(UnitsEvidence, card.evidence).hidden == ()
    narrow = Clamps(-0.01, 0.01)
    card = ask_units(narrow, nn.MSELoss(), x, x[:, :1])
    assert of_kind(UnitsEvidence, card.evidence).hidden[0].kind == "hardtanh"


def test_a_clamp_of_the_inputs_is_no_activation():
    """No layer has units there: the network of inputs that are all clamped to one value is blind."""
    x, y = data()
    body = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))

    class Far(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = body

        def forward(self, x):
            return self.body(x.clamp(20, 21))

    evidence = evidence_of(ask_units(Far(), functional.cross_entropy, x, y))
    assert [layer.kind for layer in evidence.hidden] == ["relu"]
    assert evidence.blind
