"""The exact gradient signal at d = 30 and every target at d = 16, beside plain ways to get them.

Run: python -m benchmarks.parity.signal   (about five minutes on two cores)

The plain pass is what one would write first with numba: each input's bits are split in high and
low, every unit and input is visited, nothing is skipped. At d = 30 it is timed on 2^26 of the 2^30
inputs and scaled, since every input costs it the same.
"""

import resource
import time

import numpy as np
from benchmarks.record import alternate, record
from numba import njit, prange

from pitfalls.parity import (
    LearningConfig,
    ParityTask,
    TwoLayerReLU,
    gradient_signal,
    stream_target_gradients,
    target_gradients,
    train,
)
from pitfalls.parity.signal.cube_pass import stream_sums


@njit(parallel=True, fastmath=True)
def plain_pass(w, b, alpha, beta, n_high, low_bits):
    """Sum |g|^2 over the inputs with the first n_high choices of high bits; hinge loss."""
    k, d = w.shape
    n_low = 1 << low_bits
    low = np.zeros((k, n_low))
    for i in range(k):
        for x in range(n_low):
            for j in range(low_bits):
                if x >> j & 1:
                    low[i, x] += w[i, j]
    totals = np.zeros(n_high)
    for high in prange(n_high):
        f = np.full(n_low, beta)
        gates = np.zeros(n_low)
        squares = np.zeros(n_low)
        ones = 0
        for j in range(low_bits, d):
            ones += high >> (j - low_bits) & 1
        for i in range(k):
            a = b[i]
            for j in range(low_bits, d):
                if high >> (j - low_bits) & 1:
                    a += w[i, j]
            for x in range(n_low):
                z = a + low[i, x]
                on = z > 0
                z = z if on else 0.0
                f[x] += alpha[i] * z
                gates[x] += alpha[i] * alpha[i] if on else 0.0
                squares[x] += z * z
        total = 0.0
        for x in range(n_low):
            count = ones
            for j in range(low_bits):
                count += x >> j & 1
            norm = 1 + gates[x] * (count + 1) + squares[x]
            total += norm if abs(f[x]) < 1 else norm / 4
        totals[high] = total
    return totals.sum()


def arrays(network: TwoLayerReLU):
    w, b, alpha, beta = (p.detach().double().numpy() for p in network.parameters())
    return w, b, alpha[0], float(beta[0])


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    results: dict[str, object] = {}

    network = TwoLayerReLU(20, 200, seed=0)
    plain = plain_pass(*arrays(network), 1 << 11, 9) / 2**20
    results["relative_difference_to_plain_pass_d20"] = abs(
        gradient_signal(network).mean_square / plain - 1
    )

    d, k, share = 30, 300, 16
    networks = [TwoLayerReLU(d, k, seed=seed) for seed in range(5)]
    gradient_signal(networks[0])
    before = peak_mib()
    times = alternate(
        {
            "gradient_signal": lambda: gradient_signal(networks[0]),
            "plain_pass_sixteenth": lambda: plain_pass(*arrays(networks[0]), 1 << 17, 9),
        },
        repeats=5,
    )
    ours = times["gradient_signal"]
    plain_times = times["plain_pass_sixteenth"]
    results["d30_k300"] = {
        **times,
        "plain_pass_scaled_s": share * plain_times["median_s"],
        "ratio": share * plain_times["median_s"] / ours["median_s"],
        "cpu_ratio": share * plain_times["median_cpu_s"] / ours["median_cpu_s"],
        "peak_MiB": peak_mib(),
        "peak_MiB_before": before,
    }

    # other networks: some need more, those that are not near their start need every input
    seeds = []
    for seed, other in enumerate(networks):
        start, cpu = time.perf_counter(), time.process_time()
        result = gradient_signal(other)
        seeds.append(
            {
                "seed": seed,
                "s": time.perf_counter() - start,
                "cpu_s": time.process_time() - cpu,
                "evaluated": result.n_evaluated / 2**d,
            }
        )
    results["d30_k300_by_seed"] = seeds

    d = 24
    hard = {}
    trained = train(ParityTask.random(d, 0, weight=2), LearningConfig(n_iterations=20_000)).network
    scaled = TwoLayerReLU(d, 10 * d, seed=0)
    scaled.load_flat(3 * scaled.flat_parameters())
    for name, hard_network in (("learned_weight_2", trained), ("three_times_initial", scaled)):
        start, cpu = time.perf_counter(), time.process_time()
        result = gradient_signal(hard_network)
        seconds = time.perf_counter() - start
        cpu = time.process_time() - cpu
        hard[name] = {
            "s": seconds,
            "cpu_s": cpu,
            "active": result.active,
            "evaluated": result.n_evaluated / 2**d,
            "scaled_to_d30_k300_s": seconds * 64 * 300 / (10 * d),
            "scaled_to_d30_k300_cpu_s": cpu * 64 * 300 / (10 * d),
        }
    start, cpu = time.perf_counter(), time.process_time()
    stream_sums(*arrays(TwoLayerReLU(d, 10 * d, seed=0)), skip=False)
    hard["initial_without_skipping"] = {
        "s": time.perf_counter() - start,
        "cpu_s": time.process_time() - cpu,
    }
    results["hard_d24"] = hard

    network = TwoLayerReLU(16, 160, seed=0)
    small = TwoLayerReLU(12, 40, seed=0)
    results["all_targets_d16_k160"] = alternate(
        {"target_gradients": lambda: target_gradients(network)}, repeats=9
    )
    results["all_targets_d12_k40"] = alternate(
        {
            "target_gradients": lambda: target_gradients(small),
            "one_transform_a_parameter": lambda: sum(
                values**2 for _, values in stream_target_gradients(small)
            ),
        },
        repeats=9,
    )
    record("parity_signal", results)


if __name__ == "__main__":
    main()
