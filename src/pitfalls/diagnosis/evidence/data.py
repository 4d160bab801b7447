"""What question 2 finds: the data, and what simple learners see in them."""

from dataclasses import dataclass

from pitfalls.diagnosis.cards import Evidence

__all__ = ["LEAST_EXAMPLES", "SEEN", "DataEvidence", "LearnerScore", "Repeats"]

SEEN = 0.01  # p-values up to this say that labels are seen
LEAST_EXAMPLES = 8
_MEASURED = 0.5
_SEVERAL = 1.5  # classes that an input has, on average: copies of an example have one
_FEW = 64  # examples that repeat: no more are called a loader that is stuck


@dataclass(frozen=True)
class LearnerScore:
    """How well a simple learner does on examples it has not seen.

    Parameters
    ----------
    name : str
        ``"ridge"`` or ``"nearest neighbour"``.
    p_value : float
        Of its score among scores with the held-out labels permuted.
    kind : str
        ``"accuracy"`` or ``"R2"``.
    score, chance : float
        Accuracy and share of the commonest class, or R^2 and 0.
    n_fitted, n_scored : int
    """

    name: str
    p_value: float
    kind: str
    score: float
    chance: float
    n_fitted: int
    n_scored: int


@dataclass(frozen=True)
class Repeats:
    """How examples repeat.

    Parameters
    ----------
    distinct : float
        Share of distinct inputs among the examples looked at.
    values : float
        Median number of values that a feature takes, over the number of distinct inputs: small where
        inputs are bits, symbols or one-hot and repeat by nature.
    possible : float
        Number of distinct inputs that the features' own values could make up, at most 1e300.
    n : int
        Examples looked at.
    period : int
        Examples after which the data as given start again, label and all; 0 if they do not.
    pairs : float
        Share of distinct pairs of input and label.
    """

    distinct: float
    values: float
    possible: float
    n: int
    period: int
    pairs: float = 0.0

    @property
    def full_batch(self) -> bool:
        """Whether what repeats is many examples and all there are, as in full-batch descent."""
        return self.period > _FEW and self.distinct * self.n <= 1.1 * self.period

    @property
    def degenerate(self) -> bool:
        """Whether rows repeat that the values of the features give no reason to repeat."""
        if self.full_batch:
            return False
        if self.possible <= 10 * self.n:
            return False  # a small cube has no other rows to give
        few = self.n >= 64 and self.distinct < 0.1
        rows = self.distinct * self.n
        # of a handful of rows of bits each feature takes two values: only all of them speak
        spread = self.values >= (0.2 if rows >= 16 else 0.8) and rows >= 3
        return self.period > 0 or (few and spread)


@dataclass(frozen=True)
class DataEvidence(Evidence):
    """What holds of the data.

    Parameters
    ----------
    learners : tuple of LearnerScore
        Ridge regression and the nearest neighbour.
    planted_p_value : float
        p-value of ridge regression on planted labels: as balanced as the true ones, half signal and
        half noise along a random direction of the inputs. Large: these examples are too few to see
        anything.
    constant_features, n_features : int
    constant_labels : bool
    constant_target : bool
        Whether labels that are all the same are the task: training gets nearer to them than the last
        linear layer's bias alone, as to a residual's zero, or a network that is not trained judges the
        outputs.
    labels_matter : bool
        Whether the loss looks at the labels; simple learners are not asked about labels that do not.
    not_finite : str
        ``"inputs"``, ``"labels"`` or empty.
    passed_over : str
        Which of these hold NaN or infinity that outputs, loss and gradients pass over: labels nobody
        measured, places that a mask hides.
    smallest_scale, largest_scale : float
        Standard deviations of the features that vary.
    largest_input : float
    n_classes : int
        0 for real labels.
    rarest_class, commonest_class : float
        Shares.
    repeats : Repeats
    near_duplicates : float
        Share of held-out inputs that lie within a hundredth of the median distance of a fitted one.
    """

    learners: tuple[LearnerScore, ...] = ()
    planted_p_value: float = 1.0
    constant_features: int = 0
    n_features: int = 0
    constant_labels: bool = False
    constant_target: bool = False
    labels_matter: bool = True
    not_finite: str = ""
    passed_over: str = ""
    smallest_scale: float = 0.0
    largest_scale: float = 0.0
    largest_input: float = 0.0
    n_classes: int = 0
    rarest_class: float = 0.0
    commonest_class: float = 0.0
    repeats: Repeats | None = None
    near_duplicates: float = 0.0

    @property
    def p_value(self) -> float:
        """The smaller p-value of the two learners, doubled."""
        return min(1.0, 2 * min((s.p_value for s in self.learners), default=1.0))

    @property
    def sees(self) -> bool:
        """Whether a simple learner sees the labels."""
        return self.p_value <= SEEN

    @property
    def could_see(self) -> bool:
        """Whether ridge regression sees planted labels in as many examples."""
        return self.planted_p_value <= SEEN

    @property
    def degenerate(self) -> str:
        """Why nothing can be learned from these data, or an empty string."""
        if self.n < LEAST_EXAMPLES or self.n_features == 0:
            return ""
        if self.constant_features == self.n_features:
            return "All inputs are the same: no feature varies."
        if self.constant_labels and self.labels_matter and not self.constant_target:
            return "All labels are the same."
        repeats = self.repeats
        if repeats is None or not repeats.degenerate:
            return ""
        if repeats.period:
            return f"The examples repeat after {repeats.period}, label and all."
        several = self.n_classes > 0 and repeats.pairs >= _SEVERAL * repeats.distinct
        if self.sees and (repeats.pairs > _MEASURED or several):
            return ""  # the same inputs measured again, with a label of their own or another class
        return (
            f"Only {repeats.distinct:.1%} of the inputs are distinct, though their features could "
            f"make up {repeats.possible:.3g} different ones."
        )

    @property
    def best(self) -> LearnerScore | None:
        """The learner with the better score."""
        return max(self.learners, key=lambda s: s.score, default=None)
