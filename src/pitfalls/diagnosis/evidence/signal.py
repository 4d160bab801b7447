"""What question 3 finds: the rank of the true labels' gradient among permuted ones."""

from dataclasses import dataclass

from pitfalls.diagnosis.cards import Evidence

__all__ = ["LayerTest", "PermutationTest", "SignalEvidence"]

SEEN = 0.01


@dataclass(frozen=True)
class LayerTest:
    """The test on one parameter tensor alone.

    Parameters
    ----------
    name : str
    p_value : float
        Not corrected for the number of tensors.
    excess : float
        Squared statistic of the true labels over the mean of the permuted ones, minus one: about
        n times the squared signal-to-noise ratio of one example, and 0 on average without signal.
    """

    name: str
    p_value: float
    excess: float


@dataclass(frozen=True)
class PermutationTest:
    """What the gradient at one point says about the labels.

    Parameters
    ----------
    p_value : float
        Of the whole gradient.
    layers_p_value : float
        Of the largest statistic over the whole gradient and single tensors, each in units of its own
        standard deviation over all labellings: exact as well, and sharper where few tensors see.
    excess, noise : float
        As in `LayerTest`, and the standard deviation of the same quantity over permuted labels.
    layers : tuple of LayerTest
    n_examples, n_permutations : int
    statistics : tuple of float
        Squared statistic of the true labels first, then of the permuted ones.
    """

    p_value: float
    layers_p_value: float
    excess: float
    noise: float
    layers: tuple[LayerTest, ...]
    n_examples: int
    n_permutations: int
    statistics: tuple[float, ...]

    @property
    def sees(self) -> bool:
        """Whether the gradient, whole or by tensor, sees the labels."""
        if min(self.p_value, self.layers_p_value) <= SEEN / 2:
            return True
        # few permutations cannot give a small p-value; far above all of them can still show
        first = self.p_value * (self.n_permutations + 1) < 1.5
        return first and self.excess > 5 * self.noise

    @property
    def best_layer(self) -> LayerTest | None:
        """The tensor with the smallest p-value."""
        return min(self.layers, key=lambda layer: (layer.p_value, -layer.excess), default=None)

    @property
    def n_needed(self) -> float:
        """Examples at which the signal, if its excess is what was measured, stands out of the noise.

        The excess grows as n and its noise does not: three standard deviations are asked for. Where
        the measured excess is not positive the answer is infinite.
        """
        if self.excess <= 0:
            return float("inf")
        return self.n_examples * 3 * self.noise / self.excess


@dataclass(frozen=True)
class SignalEvidence(Evidence):
    """What the gradient says about the labels.

    Parameters
    ----------
    test : PermutationTest or None
    tensors : tuple of str
        Parameters whose gradient was looked at, where time did not allow the whole; else empty.
    """

    test: PermutationTest | None = None
    tensors: tuple[str, ...] = ()

    @property
    def p_value(self) -> float:
        """Of the whole gradient, 1 without a test."""
        return self.test.p_value if self.test is not None else 1.0

    @property
    def sees(self) -> bool:
        """Whether the gradient, whole or by tensor, sees the labels."""
        return self.test is not None and self.test.sees
