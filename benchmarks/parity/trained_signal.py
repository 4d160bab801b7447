"""The exact gradient signal of trained networks, beside the pass without the screen in integers.

Run: python -m benchmarks.parity.trained_signal   (about two processor minutes)

``subcubes_alone`` is the same pass with no input screened: bounds on subcubes, and float64 where
they settle nothing. ``every_input`` proves nothing at all. Sums are compared in units of what they
are summed from, the squared norms of all gradients.
"""

import statistics
import time
from unittest import mock

import numpy as np
from benchmarks.record import alternate, record

from pitfalls.parity import LearningConfig, ParityTask, TwoLayerReLU, train
from pitfalls.parity.signal import cube_pass
from pitfalls.parity.signal.cube_pass import StreamedSums, stream_sums
from pitfalls.parity.signal.fixed_point_screen import empty_screen
from pitfalls.parity.signal.gradient_norm import gradient_norm_total


def arrays(network: TwoLayerReLU):
    w, b, alpha, beta = (p.detach().double().numpy() for p in network.parameters())
    return w, b, alpha[0], float(beta[0])


def trained(d: int, k: int, seed: int):
    task = ParityTask.random(d, seed, weight=2)
    config = LearningConfig(n_hidden=k, n_iterations=20_000, seed=seed)
    return arrays(train(task, config).network)


def subcubes_alone(network) -> StreamedSums:
    with mock.patch.object(cube_pass, "_screen_of", return_value=empty_screen()):
        return stream_sums(*network)


def compared(one: StreamedSums, other: StreamedSums, network) -> dict[str, object]:
    n_inputs = 2 ** network[0].shape[1]
    total = n_inputs * gradient_norm_total(*network[:3])
    gradient = np.abs(one.even_gradient - other.even_gradient).max()
    return {
        "same_n_active": one.n_active == other.n_active,
        "odd_deficit": abs(one.odd_deficit - other.odd_deficit) / total,
        "even_square": abs(one.even_square - other.even_square) / total,
        "even_gradient": gradient / np.sqrt(n_inputs * total),
    }


def shares(sums: StreamedSums, d: int) -> dict[str, float]:
    return {
        "active": sums.n_active / 2**d,
        "screened": sums.n_screened / 2**d,
        "evaluated": sums.n_evaluated / 2**d,
    }


def timed(function):
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, {"s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def measure(network, repeats: int) -> dict[str, object]:
    d = network[0].shape[1]
    times = alternate(
        {
            "screened": lambda: stream_sums(*network),
            "subcubes_alone": lambda: subcubes_alone(network),
        },
        repeats=repeats,
    )
    fast, (slow, plain) = stream_sums(*network), timed(lambda: stream_sums(*network, skip=False))
    pairs = zip(times["subcubes_alone"]["cpu_s"], times["screened"]["cpu_s"], strict=True)
    return {
        **times,
        "cpu_ratio": statistics.median(old / new for old, new in pairs),
        "every_input": plain,
        "shares": shares(fast, d),
        "shares_subcubes_alone": shares(subcubes_alone(network), d),
        "differences_from_every_input": compared(fast, slow, network),
    }


def main() -> None:
    results: dict[str, object] = {}
    scaled = TwoLayerReLU(20, 200, seed=0)
    scaled.load_flat(3 * scaled.flat_parameters())
    networks = {f"trained_d24_k240_seed{seed}": trained(24, 240, seed) for seed in range(3)}
    networks["initial_d24_k240"] = arrays(TwoLayerReLU(24, 240, seed=0))
    networks["three_times_initial_d20_k200"] = arrays(scaled)
    for name, network in networks.items():
        results[name] = measure(network, repeats=5)
    network = trained(30, 300, 0)
    sums, seconds = timed(lambda: stream_sums(*network))
    results["trained_d30_k300_seed0"] = {"screened": seconds, "shares": shares(sums, 30)}
    record("parity_trained_signal", results)


if __name__ == "__main__":
    main()
