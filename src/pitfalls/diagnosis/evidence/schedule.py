"""What question 7 finds: short runs from one start."""

from dataclasses import dataclass

import numpy as np

from pitfalls.diagnosis.cards import Evidence

__all__ = ["Knowledge", "NoiseScale", "RangePoint", "ScheduleEvidence", "Trial"]

KNOWN = 0.1  # share of the loss under permuted labels that a network has learned before
LEARNED = 5e-4  # p-value on unseen examples from which on a run counts as having learned: a
# dozen runs may be tried on labels without signal, and none of them should pass
STEPS = 60  # of the optimizer
UNLEARNED = 0.05  # share of the loss under permuted labels by which a known one may rise
FALLEN = 0.05  # share of the loss on unseen examples, where it does not look at labels
GAINED = 0.01  # share of the loss under permuted labels that it must have gained


@dataclass(frozen=True)
class Knowledge:
    """What outputs on unseen examples know of their labels.

    Parameters
    ----------
    loss : float
        With the true labels.
    permuted : float
        Mean with the labels permuted among the same examples: what the outputs are worth that know
        the labels' shares only.
    p_value : float
        Rank of the true loss among the permuted ones; exact if labels are independent of inputs.
    n : int
    labels_matter : bool
        False where the loss does not look at the labels, or rules other orders of them out: ``permuted``
        is then the loss itself, and what there is to know is how far it falls.
    constant : float
        Least loss of one output for all of them; infinite where it was not asked.
    clear : bool
        Whether the loss lies below those of all permuted labels by six of their standard deviations: where
        time allows few permutations, no p-value is small.
    """

    loss: float
    permuted: float
    p_value: float
    n: int
    labels_matter: bool = True
    constant: float = float("inf")
    clear: bool = False

    @property
    def gain(self) -> float:
        """By how much the true labels fit better, as a share of the permuted loss."""
        size = abs(self.permuted)
        return (self.permuted - self.loss) / size if size > 0 else 0.0

    def learned_since(self, before: "Knowledge") -> bool:
        """Whether these outputs know what those before did not."""
        if not self.labels_matter:
            return before.loss - self.loss > FALLEN * abs(before.loss)
        # a random start may favour the true labels a little by chance: what counts is what is added;
        # one that favours the false ones has nothing to its credit
        sees = self.p_value <= LEARNED or self.clear
        return sees and self.gain > max(before.gain, 0.0) + GAINED

    @property
    def known(self) -> bool:
        """Whether labels are known: fitted better than permuted ones, and better than by one output.

        Of inputs in a few clusters a random start fits some labels better than permuted ones by chance.
        """
        if not (self.p_value <= 1e-3 or self.clear) or self.gain <= KNOWN:
            return False
        below = self.constant - self.loss > KNOWN * abs(self.constant)
        return below or not np.isfinite(self.constant)


@dataclass(frozen=True)
class Trial:
    """A short run and what came of it.

    Parameters
    ----------
    factor : float
        On the user's rates.
    decay : bool
        Whether the user's weight decay was left on.
    losses : tuple of float
        Of each batch before its step.
    before, after : float
        Loss on the same training examples at start and end, without dropout.
    held_before, held_after : Knowledge
        On unseen examples.
    finite : bool
    moved : float
        |change of the weights| / |weights|.
    rate_end : float
        Last learning rate over the first: hooks and schedules may have changed it.
    failed : str
        What the optimizer raised, or empty.
    memory : float or None
        What its momentum was brought down to, if it was.
    """

    factor: float
    decay: bool
    losses: tuple[float, ...]
    before: float
    after: float
    held_before: Knowledge
    held_after: Knowledge
    finite: bool
    moved: float
    rate_end: float
    failed: str
    memory: float | None = None

    @property
    def progress(self) -> float:
        """By how much the loss fell on the training examples, as a share; negative if it rose."""
        if not self.finite or not np.isfinite(self.after):
            return float("-inf")
        return (self.before - self.after) / max(abs(self.before), 1e-12)

    @property
    def learned(self) -> bool:
        """Whether unseen labels are fitted better than permuted ones, and better than at the start.

        Where the loss does not look at labels: whether it falls on unseen examples.
        """
        return self.held_after.learned_since(self.held_before)

    @property
    def keeps(self) -> bool:
        """Whether unseen labels are known afterwards, and not much worse than before."""
        rise = self.held_after.loss - self.held_before.loss
        return self.held_after.known and rise <= UNLEARNED * abs(self.held_before.permuted)

    @property
    def long_enough(self) -> bool:
        """Whether the steps were those meant, or left the finite numbers: fewer show nothing."""
        return len(self.losses) >= STEPS or not self.finite

    @property
    def burst(self) -> bool:
        """Whether the loss left the finite numbers or rose."""
        return self.progress < -0.02

    @property
    def spiked(self) -> bool:
        """Whether a batch's loss rose above the first by more than the first itself."""
        return bool(self.losses) and max(self.losses) > 2 * abs(self.losses[0])


@dataclass(frozen=True)
class NoiseScale:
    """Estimate with its interval.

    Parameters
    ----------
    value : float
        tr(S)/|G|^2 in examples; infinite where the squared mean cannot be told from zero.
    interval : tuple of two floats
        95 % confidence, by the jackknife over batches on the reciprocal |G|^2/tr(S).
    batch_size, n_batches : int
    """

    value: float
    interval: tuple[float, float]
    batch_size: int
    n_batches: int


@dataclass(frozen=True)
class RangePoint:
    """One step of the range test: the rate over the user's, and the loss before the step."""

    factor: float
    loss: float


@dataclass(frozen=True)
class ScheduleEvidence(Evidence):
    """What short runs say of optimizer, rate and decay.

    Parameters
    ----------
    rates : tuple of float
        The optimizer's.
    batch_size : int
    batch_shrunk : bool
        Whether time allowed less than 16 examples a batch: at a rate meant for more, steps may burst that
        would not have.
    own : Trial or None
        Sixty steps as the user would take them.
    tried : tuple of Trial
        From the same start, at other rates.
    untried : bool
        Whether the time ended before all rates were tried that might have learned.
    without_decay, held_rate : Trial or None
        At the user's rate without weight decay, and with the rate kept where it started.
    plain, standardised, fresh : Trial or None
        Sixty steps of Adam at 0.003, which is all but free of scales: as given, on standardised
        inputs, and from weights initialised anew. Whether scale or start hold the network up.
    forgetful : Trial or None
        With momentum of 0.9, where the user's remembers more steps than were taken.
    longer, adam : Trial or None
        More steps of the user's optimizer, and of Adam: whether patience or another optimizer learns.
    range_test : tuple of RangePoint
        Losses while the rate grows step by step.
    largest_falling : float
        Largest factor on the rate at which the range test's loss still fell.
    sharpness : float
        Largest eigenvalue of the loss's Hessian at the start, from below: plain descent at a rate over
        2 / sharpness climbs along it.
    noise : NoiseScale or None
    scheduled_rate : float
        Largest rate that an attached scheduler started from, or rises to; 0 without one.
    still : bool
        Whether the own steps move no weight at all, though the optimizer was given weights.
    """

    rates: tuple[float, ...] = ()
    batch_size: int = 0
    batch_shrunk: bool = False
    own: Trial | None = None
    tried: tuple[Trial, ...] = ()
    untried: bool = False
    without_decay: Trial | None = None
    held_rate: Trial | None = None
    plain: Trial | None = None
    standardised: Trial | None = None
    fresh: Trial | None = None
    forgetful: Trial | None = None
    longer: Trial | None = None
    adam: Trial | None = None
    range_test: tuple[RangePoint, ...] = ()
    largest_falling: float = float("nan")
    sharpness: float = float("nan")
    noise: NoiseScale | None = None
    scheduled_rate: float = 0.0
    still: bool = False

    @property
    def stuck(self) -> bool:
        """Whether the own steps lower the loss by less than a fiftieth, or raise it."""
        return self.own is not None and self.own.progress < 0.02

    @property
    def cure(self) -> Trial | None:
        """The smallest change of rate that learns and makes half the best progress or more."""
        working = [t for t in self.tried if t.learned and t.progress > 0.02]
        best = max((t.progress for t in working), default=0.0)
        good = [t for t in working if t.progress >= 0.5 * best]
        return min(good, key=lambda t: abs(np.log(t.factor)), default=None)

    @property
    def tamed(self) -> Trial | None:
        """A lower rate at which the loss falls, where the own steps end tenfold or leave the numbers.

        It need not have learned anything yet, if the network can be seen to learn at all. Of one that
        knows labels, a lower rate that keeps them where the own steps forget them.
        """
        own = self.own
        if own is None or not (self.learnable or self.known):
            return None
        lower = [t for t in self.tried if t.factor <= 0.5 and t.finite]
        if self.known:
            calm = [t for t in lower if self.forgets and t.keeps]
        elif own.finite and own.after <= 10 * abs(own.before):
            return None
        else:
            calm = [t for t in lower if t.progress > 0.1]
        return max(calm, key=lambda t: t.factor, default=None)

    @property
    def learned(self) -> bool:
        """Whether the user's own steps learned."""
        return self.own is not None and self.own.learned and not self.own.burst

    @property
    def known(self) -> bool:
        """Whether the network knew labels before a step was taken."""
        return self.own is not None and self.own.held_before.known

    @property
    def forgets(self) -> bool:
        """Whether the user's own steps raise the loss and unlearn labels that were known."""
        own = self.own
        return own is not None and self.known and own.burst and not own.keeps

    @property
    def held_up(self) -> bool:
        """Whether Adam's steps go much further from a fresh start or on standardised inputs.

        By a tenth of what it costs to know nothing, on unseen examples.
        """
        if self.plain is None:
            return False
        others = [t for t in (self.standardised, self.fresh) if t is not None and t.learned]
        best = min((t.held_after.loss for t in others), default=float("inf"))
        nothing = abs(self.plain.held_before.permuted)
        return best < self.plain.held_after.loss - 0.1 * nothing

    @property
    def leaves_its_start(self) -> bool:
        """Whether any run from the user's own weights and inputs learned."""
        return any(t is not None and t.learned for t in (*self._from_here, self.plain))

    @property
    def learnable(self) -> bool:
        """Whether any run learned."""
        more = (*self._from_here, self.standardised, self.fresh)
        return any(t is not None and t.learned for t in more)

    @property
    def _from_here(self) -> tuple[Trial | None, ...]:
        more = (self.own, self.without_decay, self.held_rate, self.longer, self.adam, *self.tried)
        return (*more, self.forgetful)
