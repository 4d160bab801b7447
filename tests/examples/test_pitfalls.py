"""The homework's first script, done by hand, held against the library."""

import os
import subprocess
import sys
from typing import Any, Literal

import pytest
import torch

from pitfalls.parity import (
    LearningConfig,
    ParityTask,
    TwoLayerReLU,
    exact_network,
    hinge_loss,
    train,
    verify_exact,
)
from pitfalls.parity.training.two_layer import initial_seed, training_batch
from tests.examples.scripts import FOLDER, assert_refused, load, n_lines

BY_HAND = load("pitfalls")


def run(folder, *arguments):
    # the script is called pitfalls.py like the package: run it as a person would, by its path
    return subprocess.run(
        [sys.executable, str(FOLDER / "pitfalls.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
    )


def as_library(network, d):
    """The same weights in the library's network, for its proofs."""
    twin = TwoLayerReLU(d, 10 * d)
    twin.load_state_dict(network.state_dict())
    return twin


@pytest.mark.parametrize("d", [1, 2, 5, 8, 10])
def test_weights_set_by_hand_are_the_librarys_as_printed_and_as_corrected(d):
    for mask in ([1] * d, [1, 0] * (d // 2) + [1] * (d % 2)):
        v = torch.tensor(mask, dtype=torch.float32)
        network = BY_HAND.Network(d, 10 * d)
        variants: tuple[tuple[Any, Literal["printed", "corrected"]], ...] = (
            (BY_HAND.set_weights_as_printed, "printed"),
            (BY_HAND.correct_weights, "corrected"),
        )
        for set_weights, variant in variants:
            set_weights(network, v)
            theirs = exact_network(mask, variant, 10 * d)
            for name, parameter in network.state_dict().items():
                torch.testing.assert_close(parameter, theirs.state_dict()[name], rtol=0, atol=0)
            _, failing = BY_HAND.wrong_inputs(network, v, 1)
            assert (failing == []) == verify_exact(as_library(network, d), mask).exact
            # the printed one fails where v and x are all ones, and nowhere else
            assert failing == ([d] if variant == "printed" and sum(mask) == d else [])


def test_the_loss_and_its_gradient_are_the_librarys():
    torch.manual_seed(0)
    label = BY_HAND.parity(BY_HAND.random_bits(64, 6), torch.ones(6))
    output = (torch.randn(64) * 2).requires_grad_()
    torch.testing.assert_close(BY_HAND.myLoss(output, label), hinge_loss(output, label))
    ours, theirs = (
        torch.autograd.grad(loss(output, label), output)[0] for loss in (BY_HAND.myLoss, hinge_loss)
    )
    torch.testing.assert_close(ours, theirs)


def test_the_loss_refuses_the_column_that_would_make_a_table():
    with pytest.raises(ValueError, match="myLoss"):
        BY_HAND.myLoss(torch.zeros(4, 1), torch.ones(4))


def test_labels_are_the_tasks():
    task = ParityTask([1, 0, 1, 1])
    x = task.all_inputs()
    assert torch.equal(BY_HAND.parity(x, torch.tensor([1.0, 0, 1, 1])), task.labels(x))


def test_the_loop_goes_where_the_library_goes_from_the_same_start_on_the_same_batches(monkeypatch):
    task = ParityTask([1, 1, 0, 1, 0])
    config = LearningConfig(n_iterations=300, seed=5)
    network = BY_HAND.Network(5, 50)
    network.load_state_dict(TwoLayerReLU(5, 50, seed=initial_seed(config)).state_dict())
    batches = iter(training_batch(task, config, step)[0] for step in range(300))
    monkeypatch.setattr(BY_HAND, "random_bits", lambda *shape: next(batches))
    losses = BY_HAND.train(network, torch.tensor([1.0, 1, 0, 1, 0]), 300)
    theirs = train(task, config)
    assert len(losses) == 300
    assert losses[-1] < losses[0]
    flat = torch.nn.utils.parameters_to_vector(network.parameters())
    torch.testing.assert_close(flat, theirs.network.flat_parameters(), rtol=1e-3, atol=1e-4)


def test_the_script_shows_the_fault_trains_and_saves_the_plot(tmp_path):
    done = run(tmp_path, "--inputs", "500", "--d", "5", "--iterations", "7000")
    assert done.returncode == 0, done.stderr
    part_a = [line for line in done.stdout.splitlines() if "m=10 " in line]
    assert "printed" in part_a[0]
    assert "wrong wherever v.x = 10" in part_a[0]
    assert "correct" in part_a[1]
    assert "exact on every input" in part_a[1]
    assert "10000 of 10000 fresh inputs right" in done.stdout
    assert (tmp_path / "losses.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--part a --inputs -1", "--inputs: must be at least 1. Got -1."),
        ("--part a --inputs 0", "--inputs: must be at least 1. Got 0."),
        ("--part b --d 5 0", "--d: must be at least 1. Got [5, 0]."),
        ("--iterations 0", "--iterations: must be at least 1. Got 0"),
        ("--seed -1", "--seed: must be at least 0. Got -1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_before_any_output(
    tmp_path, monkeypatch, capsys, line, says
):
    assert_refused("pitfalls", line, says, tmp_path, monkeypatch, capsys)


def test_the_script_is_short():
    assert n_lines("pitfalls") < 150
