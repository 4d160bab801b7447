"""Question 3: does this gradient see the labels, and from how many examples on?"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from pitfalls.diagnosis.cards import Card
from pitfalls.diagnosis.clock import Stopwatch
from pitfalls.diagnosis.evidence.signal import PermutationTest, SignalEvidence
from pitfalls.diagnosis.permutation import permutation_test
from pitfalls.diagnosis.subject import Subject
from pitfalls.diagnosis.witnesses import SignalWitness

__all__ = ["seeded_test", "signal_card"]

_LEAST = 8
_FEWEST, _MOST = 19, 199
_FEW = 128  # examples: where time allows fewer for the whole gradient, the last layers' is taken
_MANY = 512  # examples for which a part of the layers must leave time: excess grows with examples


def signal_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    if subject.n < _LEAST:
        evidence = SignalEvidence(
            subject.n, (f"{subject.n} examples are too few to permute; {_LEAST} are needed.",)
        )
        return Card("signal", "undecided", evidence, None, None, subject.cost())
    if not subject.labels_matter:
        evidence = SignalEvidence(subject.n, ("The loss does not look at the labels.",))
        return Card("signal", "undecided", evidence, None, None, subject.cost())
    seed = int(subject.rng.integers(2**31))
    n, count = _plan(subject)
    names: tuple[str, ...] = ()
    if n < min(_FEW, subject.n):
        names, n, count = _plan_part(subject)
    test = seeded_test(subject, seed, n, count, names)
    subject.guard.rewind()
    evidence = SignalEvidence(n, test=test, tensors=names)
    verdict = "labels seen" if evidence.sees else "labels not seen"
    evidence = dataclasses.replace(evidence, findings=_findings(test, names))
    witness = SignalWitness(seed, n, count, names, evidence.p_value, evidence.sees)
    return Card("signal", verdict, evidence, witness, evidence.p_value, subject.cost())


def _plan(subject: Subject) -> tuple[int, int]:
    """Choose how many examples and permutations the time allows; examples come first."""
    each = 1.0
    for size in (16, 128):  # a network that is quick on few is timed on more
        trial = subject.rng.permutation(subject.n)[: min(size, subject.n)]
        watch = Stopwatch()
        with subject.mode("steady"):
            subject.backward(subject.risk(trial), list(subject.trainable().values()))
        each = max(watch.elapsed(), 1e-5) / len(trial)
        if each * len(trial) > 0.02 * subject.left():
            break
    budget = 0.7 * subject.left() / each  # single gradients
    n, count = subject.n, _MOST
    if n * count > budget:
        count = int(max(_FEWEST, min(_MOST, budget / n)))
        # one of the usual numbers, so that p-values read well
        count = max(c for c in (19, 39, 99, 199) if c <= count)
    if n * count > budget:
        n = int(max(min(64, subject.n), budget / count))
        n = min(subject.n, 1 << (n.bit_length() - 1))
    return n, count


def _plan_part(subject: Subject) -> tuple[tuple[str, ...], int, int]:
    """Choose as many of the last tensors as the time allows for 512 examples and 39 permutations.

    What flows back ends where nobody asks for more: the last layers' gradients are the cheap ones. The
    last layer's alone is what is left where even an eighth of the tensors is too dear.
    """
    trained = tuple(subject.trainable())
    last = _last_layer(subject)
    for share in (2, 4, 8, 16):
        names = trained[-(len(trained) // share) :] if len(trained) >= share else ()
        if len(names) <= len(last):
            break
        ahead, back = _timed(subject, names)
        for count in (_MOST, 99, 39):
            n = int(min(subject.n, 0.7 * subject.left() / (ahead + (count + 1) * back)))
            if n >= min(_MANY, subject.n):
                return names, n, count
    ahead, _ = _timed(subject, last or trained)
    n = int(min(subject.n, max(_FEW, 0.7 * subject.left() / ahead)))
    return last, n, _MOST


def _last_layer(subject: Subject) -> tuple[str, ...]:
    """Name the last tensor with two axes or more, and the tensors of its module."""
    trained = subject.trainable()
    last = next((name for name in reversed(trained) if trained[name].ndim >= 2), "")
    module = last.rpartition(".")[0]
    return tuple(name for name in trained if last and name.rpartition(".")[0] == module)


def _timed(subject: Subject, names: tuple[str, ...]) -> tuple[float, float]:
    """Seconds an example of a forward pass, and of a backward pass to some tensors alone."""
    trained = subject.trainable()
    few = subject.rng.permutation(subject.n)[: min(16, subject.n)]
    for name in set(trained) - set(names):
        trained[name].requires_grad_(False)
    with subject.mode("steady"):
        watch = Stopwatch()
        value = subject.risk(few)
        ahead = watch.elapsed()
        subject.backward(value, [trained[name] for name in names])
    back = watch.elapsed() - ahead
    subject.guard.rewind()
    return max(ahead, 1e-5) / len(few), max(back, 1e-5) / len(few)


def seeded_test(
    subject: Subject, seed: int, n: int, count: int, names: tuple[str, ...] = ()
) -> PermutationTest:
    """Run the test with examples and permutations drawn from a seed."""
    rng = np.random.default_rng(seed)
    rows: NDArray[np.int64] = rng.permutation(subject.n)[:n]
    permutations = np.array([rng.permutation(n) for _ in range(count)])
    subject.rng = rng
    return permutation_test(subject, rows, permutations, names=names)


def _findings(test: PermutationTest, names: tuple[str, ...]) -> tuple[str, ...]:
    best = test.best_layer
    which = ""
    if names:
        named = names if len(names) < 4 else (names[0], f"{len(names) - 2} others", names[-1])
        listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
        which = f" in {listed} alone (the time allows no more)"
    said = [
        f"The whitened gradient{which} of the true labels ranks with p = {test.p_value:.3g} among "
        f"{test.n_permutations} orders of the labels of {test.n_examples} examples"
        + (f"; alone, {best.name} gives p = {best.p_value:.3g}." if best is not None else ".")
    ]
    if test.sees:
        if np.isfinite(test.n_needed):
            said.append(f"About {test.n_needed:.3g} examples would have shown it.")
    elif np.isfinite(test.n_needed):
        said.append(
            f"If the measured excess of {test.excess:.3g} is real, about {test.n_needed:.3g} "
            "examples would show it."
        )
    else:
        said.append("The measured excess is not positive: no number of examples can be named.")
    if not test.sees:
        said.append("A parity and noise look alike to this test.")
    return tuple(said)
