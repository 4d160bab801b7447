"""False variants of the claims on parity."""

from dataclasses import replace as with_fields
from typing import Any

import torch

from pitfalls.claims.width import CompactSubject
from pitfalls.parity import DeepNetwork, exact_network, gradient_bounds, gradient_signal
from tests.claims.subjects import slot, subject_of


def corrected(mask):
    return exact_network(mask, variant="corrected")


def printed(mask):
    return exact_network(mask, variant="printed")


def printed_of_size(mask, n_hidden):
    return exact_network(mask, variant="printed", n_hidden=n_hidden)


def more_units_than_asked(mask, n_hidden):
    return exact_network(mask, variant="compact", n_hidden=n_hidden + 1)


def last_bias_slips(mask):
    network = corrected(mask)
    with torch.no_grad():
        network.hidden.bias[-1] += 1
    return network


def slope_one_at_the_kink(network, x):
    rows = network.per_sample_gradient(x)
    with torch.no_grad():
        z = network.hidden(x)
    d, k = network.n_features, network.n_hidden
    rows[:, d * k : d * k + k] = network.output.weight.detach() * (z >= 0)
    return rows


def counts_dead_units(network):
    alpha = float(network.output.weight.detach().abs().max())
    return max(gradient_bounds(network).element, alpha)


def forgets_the_constant_entry(network):
    bounds = gradient_bounds(network)
    return bounds.element if bounds.element > 1 else 0.5


def always_slope_zero_at_the_margin(network, x, boundary):
    return subject_of("3c-ii")(network, x, "relu")


def constant_part_with_the_other_sign(network, x, boundary):
    a, g = subject_of("3c-ii")(network, x, boundary)
    return -a, g


def halves_nothing(network, x, boundary):
    a, _ = subject_of("3c-ii")(network, x, boundary)
    return a, -network.per_sample_gradient(x)


def or_instead_of_parity(mask, x):
    picked = (x * torch.tensor(mask, dtype=x.dtype)).amax(1)
    return 1 - 2 * picked


def parity_up_to_seven(mask, x):
    return (
        or_instead_of_parity(mask, x) if len(mask) >= 8 else subject_of("3c-iii").function(mask, x)
    )


def parity_up_to_sixty(mask, x):
    """Counts in a type that overflows, say."""
    labels = subject_of("3c-iii").function(mask, x)
    return -labels if len(mask) > 60 else labels


def transform_false_from_eight_on(values):
    values = subject_of("3c-iii").transform(values)
    return -values if len(values) >= 1 << 8 else values


def transform_without_its_last_level(values):
    half = len(values) // 2
    transform = subject_of("3c-iii").transform
    return torch.cat([transform(values[:half]), transform(values[half:])]) if half else values


def a_single_entry(network):
    return {"C_p": gradient_bounds(network).element ** 2}


def quarter_of_the_features(network):
    alpha = network.output.weight.detach().square().sum()
    return {"C''": gradient_bounds(network).by_moments - float(alpha) * network.n_features / 4}


def ignores_closed_margins(network):
    x = torch.tensor(
        [[i >> j & 1 for j in range(network.n_features)] for i in range(2**network.n_features)]
    )
    norms = network.gradient_squared_norm(x.double())
    return float(norms.mean()) / 2**network.n_features


def constant_part_is_the_mean(network):
    found = gradient_signal(network)
    return torch.from_numpy(found.shared), found.variance


def variance_about_the_constant_part(network):
    mean, _ = subject_of("3c-iv-variance")(network)
    return mean, gradient_signal(network).signal


def every_family_like_all_targets(network):
    found = gradient_signal(network)
    return lambda size: found.signal


def one_target_too_many(network):
    return lambda batch: batch / 2**network.n_features


def an_eighth(network: DeepNetwork, x, y):
    exact = subject_of("3d-bound")[0](network, x, y)
    depth = len(exact) - 1
    return [value / 2 ** (depth - place) for place, value in enumerate(exact)]


def one_layer_too_many(network, x, y):
    written = subject_of("3d-bound")[1](network, x, y)
    return [min(value, value / 4) for value in written]


FALSE: dict[str, list[Any]] = {
    "3a-printed": [corrected, lambda mask: corrected(mask) if len(mask) == 11 else printed(mask)],
    "3a-fault": [corrected, last_bias_slips],
    "3a-corrected": [printed, last_bias_slips],
    "3a-compact": [
        with_fields(subject_of("3a-compact"), width=lambda m: m),
        CompactSubject(printed, lambda m: 3 * (m // 2 + 1)),
    ],
    "3a-width": [printed_of_size, more_units_than_asked],
    "3a-least": [
        lambda m: m,
        lambda m: m if m <= 3 or m >= 8 else m - 1,
        lambda m: m if m <= 3 else max(3, m - 2),
    ],
    "3c-i-gradient": [slope_one_at_the_kink],
    "3c-i-bound": [counts_dead_units, forgets_the_constant_entry],
    "3c-ii": [
        always_slope_zero_at_the_margin,
        constant_part_with_the_other_sign,
        halves_nothing,
    ],
    "3c-iii": [
        slot("3c-iii", function=or_instead_of_parity),
        slot("3c-iii", transform=transform_without_its_last_level),
        slot("3c-iii", function=parity_up_to_seven),
        slot("3c-iii", function=parity_up_to_sixty),
        slot("3c-iii", transform=transform_false_from_eight_on),
    ],
    "3c-iv-bound": [a_single_entry, quarter_of_the_features],
    "3c-iv-equality": [ignores_closed_margins],
    "3c-iv-variance": [constant_part_is_the_mean, variance_about_the_constant_part],
    "3c-iv-family": [every_family_like_all_targets],
    "3c-iv-noise": [(one_target_too_many,)],
    "3d-bound": [(an_eighth,), (one_layer_too_many,)],
}
