import numpy as np
import pytest

from pitfalls.linear import end_to_end
from pitfalls.linear.gauge import even_gauge, isometric_gauge
from tests.linear.problems import random_weights, remix

WIDTHS = (4, 3, 5, 3, 4)


@pytest.mark.parametrize("exact", [True, False])
def test_scaling_nodes_by_powers_of_two_is_undone_to_the_last_bit(exact):
    weights = random_weights(WIDTHS)
    rng = np.random.default_rng(1)
    scaled = [w.copy() for w in weights]
    for i in range(len(weights) - 1):
        scale = 2.0 ** rng.integers(-40, 40, len(weights[i]))
        scaled[i] *= scale[:, None]
        scaled[i + 1] /= scale
    layers, scales = even_gauge(scaled, exact=exact)
    back = [w.copy() for w in layers]
    for i, t in enumerate(scales):
        back[i] /= t[:, None]
        back[i + 1] *= t
    for a, b in zip(back, scaled, strict=True):
        np.testing.assert_array_equal(a, b)
    for i, t in enumerate(scales):
        assert (np.log2(t) % 1 == 0).all()
        sizes = np.linalg.norm(layers[i], axis=1)
        assert sizes.max() < 16 * sizes.min()
    np.testing.assert_allclose(end_to_end(layers), end_to_end(weights), rtol=1e-9, atol=1e-9)


def test_a_node_that_noise_alone_reaches_stays_small_unless_the_layers_are_exact():
    first, second = np.eye(3), np.eye(3)
    first[2], second[:, 2] = 1e-9, 1e-9
    careful, _ = even_gauge([first, second], exact=False)
    assert np.linalg.norm(careful[0][2]) < 1e-8
    bold, _ = even_gauge([first, second], exact=True)
    assert np.linalg.norm(bold[0][2]) > 0.5


@pytest.mark.parametrize("condition", [1.0, 1e3])
def test_the_isometric_gauge_keeps_the_map_and_has_singular_values_zero_and_one(condition):
    weights = remix(random_weights(WIDTHS), condition, 0)
    gauge = isometric_gauge(weights, 1e-15)
    size = float(np.linalg.norm(end_to_end(weights)))
    np.testing.assert_allclose(end_to_end(gauge.layers), end_to_end(weights), atol=1e-10 * size)
    for layer in gauge.layers[:-1]:
        values = np.linalg.svd(layer, compute_uv=False)
        assert np.minimum(np.abs(values), np.abs(values - 1)).max() < 1e-10


def test_directions_go_to_the_gauge_and_back():
    weights = remix(random_weights(WIDTHS), 10.0, 0)
    gauge = isometric_gauge(weights, 1e-15)
    steps = random_weights(WIDTHS, seed=4)
    for a, b in zip(gauge.pull_back(gauge.carry(steps)), steps, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_what_was_cut_is_told():
    weights = random_weights((3, 3, 3))
    u, _, v = np.linalg.svd(weights[0])
    gauge = isometric_gauge([(u * [1.0, 0.5, 1e-12]) @ v, weights[1]], 1e-13)
    assert gauge.cut == pytest.approx(1e-12, rel=1e-3, abs=0)
    assert not gauge.doubtful
    between = isometric_gauge([(u * [1.0, 0.5, 1e-11]) @ v, weights[1]], 1e-13)
    assert between.doubtful
