"""Moments of rows that lie on several machines: each worker passes over its own, sums meet as a tree."""

import operator
import os
from fractions import Fraction

import numpy as np
import pytest

from pitfalls.moments import SecondMoments

distributed = pytest.importorskip("distributed", reason="needs the extra: pitfalls[dask]")


def rows(shard):
    rng = np.random.default_rng(shard)
    x = (
        rng.integers(-50, 50, (40 + shard, 4)) + 1000 * shard
    )  # each machine's about a mean of its own
    return x, x[:, :2] - rng.integers(0, 9, (len(x), 2))


def moments_of(shard):
    return SecondMoments.from_arrays(*rows(shard)), os.getpid()


def added(one, other):
    return one + other


def exact_scatter(a, b):
    """Sums of products about the mean, of whole numbers, without rounding."""
    n = len(a)
    a, b = a.astype(object), b.astype(object)
    about = n * (a.T @ b) - np.outer(a.sum(axis=0), b.sum(axis=0))
    return np.array([[float(Fraction(value, n)) for value in row] for row in about])


def summed(client, parts):
    """Add pairs on the workers until one is left."""
    while len(parts) > 1:
        pairs = [client.submit(added, a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs) :]
    return parts[0].result()


def test_a_tree_of_sums_on_two_processes_is_the_exact_sum():
    n_shards = 7  # odd at every level of the tree
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        passes = client.map(moments_of, range(n_shards), pure=False)
        processes = {process for _, process in client.gather(passes)}
        parts = [client.submit(operator.itemgetter(0), one) for one in passes]
        total = summed(client, parts)
    assert os.getpid() not in processes
    assert len(processes) == 2
    x, y = (np.concatenate(part) for part in zip(*map(rows, range(n_shards)), strict=True))
    assert total.n == len(x)
    np.testing.assert_allclose(total.mean_x, x.mean(axis=0), rtol=1e-13)
    for found, (a, b) in (
        (total.scatter_xx, (x, x)),
        (total.scatter_yx, (y, x)),
        (total.scatter_yy, (y, y)),
    ):
        right = exact_scatter(a, b)
        assert np.abs(found - right).max() <= 1e-13 * np.abs(right).max()
