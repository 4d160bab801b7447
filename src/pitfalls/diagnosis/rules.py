"""From cards to causes: stated rules, tried in order. The guide's page of rules is made from here.

A rule reads evidence, never names of anything. Exact findings of wiring come first; what a network
does when it is trained comes before what it looks like, because many a healthy network has dead units
or small gradients; and a network that learns is healthy unless an exact finding speaks against it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from scipy import stats

from pitfalls.diagnosis.evidence.units import DEAD, SATURATED
from pitfalls.diagnosis.findings import Findings
from pitfalls.diagnosis.schedule import verdict_of_rates
from pitfalls.diagnosis.vocabulary import CAUSES, Cause
from pitfalls.diagnosis.wiring import meant_to_train

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True)
class Rule:
    """One rule of attribution.

    Parameters
    ----------
    name : str
    cause : str
        What it names.
    question : str
        The card whose finding it rests on.
    text : str
        When it applies, for the guide.
    applies : callable
        From `Findings` to bool.
    exact : bool
        Whether it also speaks against a network that learns.
    explains : tuple of str
        Causes that follow from this one, and are not named after it.
    """

    name: str
    cause: Cause
    question: str
    text: str
    applies: Callable[[Findings], bool]
    exact: bool = False
    explains: tuple[Cause, ...] = ()


def _no_signal(f: Findings) -> bool:
    adam = f.schedule.adam
    trained = adam is not None and adam.long_enough
    asked = f.data.learners and f.signal.test is not None and trained
    seen = f.data.p_value <= 0.01 or f.signal.sees or f.schedule.learnable or f.schedule.known
    return bool(asked and not seen and f.data.could_see)


def _no_signal_in_gradient(f: Findings) -> bool:
    test = f.signal.test
    if not (f.fails and f.data.sees and test is not None) or f.schedule.learnable:
        return False
    unseen = min(test.p_value, test.layers_p_value) > 0.1 and not f.signal.tensors
    return f.units.blind or (unseen and f.schedule.adam is not None)


def _cannot_memorise(f: Findings) -> bool:
    """Compare: a batch is fitted worse than a simple learner does on examples it has never seen."""
    c, best = f.capacity, f.data.best
    if c.fitted is not False or c.same_as_input or best is None or not f.data.sees:
        return False
    if f.units.blind:
        return False  # whatever it could hold, it does not see its input
    if c.linear is not None:
        return c.linear.explained < 0.7 * c.linear.best_explained
    if c.half_score.kind != best.kind:
        return False
    if best.kind == "accuracy":
        # a network no more than a tenth worse than that learner would do so once in a thousand times
        right = round(c.half_score.value * c.n_half)
        return float(stats.binom.cdf(right, c.n_half, max(best.score - 0.1, 0.0))) < 1e-3
    return c.half_score.value < best.score - 0.2


def _saddle_at_init(f: Findings) -> bool:
    """Weights of zero, or units that are all alike, and gradients that keep them so.

    Where some steps from there learn, zeros hold no gradient back for long: those of an adapter's last
    matrix, or of the last layers of residual blocks.
    """
    u = f.units
    weights = max(1, len(u.gradients))
    stuck = len(u.zero_weights) >= 2 and 2 * len(u.zero_gradients) >= weights
    stuck = stuck and not f.schedule.leaves_its_start
    alike = any(layer.identical for layer in u.hidden)
    return (f.fails and stuck) or (f.held_up and alike)


def _exploding(f: Findings) -> bool:
    """Signals grow from layer to layer, and the start is far worse than knowing nothing."""
    own = f.schedule.own or f.schedule.adam
    if own is None:
        return False
    nothing = abs(own.held_before.permuted)
    deep = len(f.units.scales) >= 4 and f.units.growth > 1e3
    return f.fails and deep and f.units.largest_gradient > 1e3 and nothing > 10


def _vanishing(f: Findings) -> bool:
    u = f.units
    small = f.fails and len(u.gradients) > 1 and u.ratio < 1e-4 and not u.blind
    cure = f.schedule.cure
    if cure is not None and cure.progress > 0.5:
        small = False  # at another rate the same steps go far: large tables hear little and learn
    # a head of zeros stops the gradient for one step only
    if small and (not u.zero_weights or not f.schedule.learnable):
        return True
    # where signals shrink alike from layer to layer, so do the gradients of all of them
    shrinks = f.fails and len(u.scales) >= 4 and 0 < u.growth < 1e-4
    return shrinks and (f.schedule.held_up or 0 < u.largest_gradient < 1e-4)


def _saddle(f: Findings) -> bool:
    """Nothing is learned, or next to nothing moves where much is to be gained along the witness."""
    own = f.schedule.own
    unseen = f.data.learners and not (f.data.sees or f.signal.sees)
    # of labels that nothing sees the risk is flat about a random start: no fault of the start
    if f.saddle_verdict != "saddle" or (unseen and not f.schedule.learnable):
        return False
    if f.fails or own is None or not own.long_enough:
        return f.fails
    return abs(own.progress) < 0.02 and f.saddle.drop > 0.1 * abs(own.held_before.permuted)


def _rate(f: Findings, word: str) -> bool:
    return f.schedule.own is not None and verdict_of_rates(f.schedule) == word


RULES: tuple[Rule, ...] = (
    Rule(
        "finite",
        "numbers-not-finite",
        "wiring",
        "A parameter, the loss or a gradient is NaN or infinite before any step is taken, or an input, a "
        "label or an output that the loss does not pass over.",
        lambda f: bool(f.wiring.not_finite or f.data.not_finite),
        exact=True,
        explains=CAUSES[2:],
    ),
    Rule(
        "output mixing",
        "outputs-mix-samples",
        "wiring",
        "In evaluation mode, replacing one sample of a batch changes the output of another by more "
        "than a thousandth of what replacing its own does. Batch norms that keep no statistics are "
        "given fixed ones before asking; what a batch has one of is no sample's output.",
        lambda f: f.wiring.mixing is not None and f.wiring.mixing.mixes is True,
        exact=True,
        explains=("cannot-memorise", "no-signal-in-gradient", "rate-too-low", "no-signal"),
    ),
    Rule(
        "loss of every pair",
        "loss-mixes-samples",
        "wiring",
        "The loss of a batch is, by value, the mean over all pairs of an output and a label, and not "
        "the mean, the sum or a weighted mean of its samples' losses.",
        lambda f: f.wiring.composition == "every pair",
        exact=True,
        explains=("cannot-memorise", "no-signal-in-gradient", "rate-too-low", "no-signal"),
    ),
    Rule(
        "cut",
        "cut-from-loss",
        "wiring",
        "Parameters that ask for a gradient, and were given to the optimizer, change outputs that the loss "
        "looks at when they are changed, and get no gradient. (Copies of trained ones are a teacher's.)",
        lambda f: bool(f.reach.cut),
        exact=True,
        explains=("cannot-memorise", "no-signal-in-gradient", "vanishing-gradient", "rate-too-low"),
    ),
    Rule(
        "slopes",
        "gradient-wrong",
        "wiring",
        "Central differences of the loss in float64 settle on a slope that differs from the "
        "gradient's by more than 5 %, no detach(), no_grad() or hook within the network explains it, and no "
        "step does, as signs and rounded numbers have; or zero_grad() leaves gradients behind.",
        lambda f: bool(f.wiring.wrong_slopes) or f.reach.gradients_kept,
        exact=True,
        explains=("cannot-memorise", "no-signal-in-gradient", "rate-too-high", "rate-too-low"),
    ),
    Rule(
        "unbounded",
        "loss-unbounded-below",
        "wiring",
        "With one input for all samples a loss that looks at labels still falls without limit along a ray "
        "of weights: by half its size or more at each of the last three doublings of the radius.",
        lambda f: f.wiring.unbounded,
        exact=True,
        explains=("cannot-memorise", "no-signal-in-gradient", "rate-too-high", "no-signal"),
    ),
    Rule(
        "optimizer's list",
        "not-in-optimizer",
        "wiring",
        "A tensor that gets a gradient is in none of the optimizer's groups: the model's own, or one that "
        "its outputs come from. (Weights that were trained before count as left out on purpose; what the "
        "loss alone reaches may be another network's, trained by turns.)",
        lambda f: bool(f.reach.not_in_optimizer or f.reach.outside_model),
        exact=True,
    ),
    Rule(
        "frozen",
        "frozen",
        "wiring",
        "Parameters that ask for no gradient change the outputs, were given to the optimizer, and "
        "their values are still those of a random start. (Left out of the optimizer, trained before, "
        "or copies of trained ones, they count as frozen on purpose.)",
        lambda f: bool(meant_to_train(f.reach)),
        exact=True,
    ),
    Rule(
        "degenerate data",
        "data-degenerate",
        "data",
        "No input varies, or no label does (only if training gets no further than the last linear "
        "layer's bias alone, as it does to a residual's zero, and no network that is not trained judges "
        "the outputs, as of a generator); or the examples repeat in the order they are given (more than "
        "64 of them only if the data hold others too); or fewer than a tenth of the inputs are distinct "
        "where their features' values would allow ten times as many (but not where most have a label of "
        "their own, or inputs several classes, and a simple learner sees labels).",
        lambda f: bool(f.data.degenerate),
        exact=True,
        explains=(
            "cannot-memorise",
            "no-signal",
            "no-signal-in-gradient",
            "saddle-at-init",
            "vanishing-gradient",
            "dead-units",
        ),
    ),
    Rule(
        "confined outputs",
        "cannot-memorise",
        "capacity",
        "The network's last function confines its outputs so that more than a fifth of the loss "
        "above its floor stays whatever the weights are.",
        lambda f: f.capacity.confined,
        exact=True,
    ),
    Rule(
        "start at a symmetric point",
        "saddle-at-init",
        "units",
        "Nothing is learned, by any steps from this start, and two or more weights are zero with "
        "gradients of zero in at least half of the layers; or nothing is learned, or much less than "
        "from weights initialised anew, and all units of a hidden layer do the same.",
        _saddle_at_init,
        exact=True,
        explains=(
            "dead-units",
            "vanishing-gradient",
            "cannot-memorise",
            "no-signal-in-gradient",
            "saddle",
        ),
    ),
    Rule(
        "exploding",
        "exploding-gradient",
        "units",
        "Nothing is learned, signals grow a thousandfold over four linear operations or more, and "
        "gradients are as large.",
        _exploding,
        explains=("vanishing-gradient", "cannot-memorise"),
    ),
    Rule(
        "rate too high",
        "rate-too-high",
        "schedule",
        "The optimizer's own steps burst or fit unseen labels no better than permuted ones (p > 0.05), "
        "and from the same start the same steps learn at half the rate or less and do better on unseen "
        "examples by a twentieth of what knowing nothing costs, or learn without weight decay; or the "
        "loss rises by three times what a lower rate gains, and ends above what that one reaches; or a "
        "memory of more steps than these (momentum above 59/60) ends worse after ten times as many "
        "than momentum of 0.9 does after these; or the loss ends tenfold or leaves the finite numbers, at "
        "half the rate or less it falls, and some run learns; or labels that were known are "
        "unlearned, by a twentieth of what knowing nothing costs, and kept at half the rate or less.",
        lambda f: _rate(f, "rate-too-high"),
        exact=True,
        explains=("dead-units", "saturated-units", "vanishing-gradient", "cannot-memorise"),
    ),
    Rule(
        "dead layer",
        "dead-units",
        "units",
        "Nothing is learned, or much less than from weights initialised anew, and "
        f"{DEAD:.0%} or more of the units of a hidden layer have no slope on any example.",
        lambda f: f.held_up and any(u.dead_share >= DEAD for u in f.units.hidden),
        exact=True,
        explains=("vanishing-gradient", "cannot-memorise", "no-signal-in-gradient", "rate-too-low"),
    ),
    Rule(
        "saturated layer",
        "saturated-units",
        "units",
        "Nothing is learned, or much less than on standardised inputs or from weights initialised "
        f"anew, and {SATURATED:.0%} or more of the values of a hidden layer lie where the slope is "
        "below a twentieth of the steepest.",
        lambda f: f.held_up and any(u.saturated >= SATURATED for u in f.units.hidden),
        exact=True,
        explains=("vanishing-gradient", "cannot-memorise", "no-signal-in-gradient", "rate-too-low"),
    ),
    Rule(
        "vanishing",
        "vanishing-gradient",
        "units",
        "Nothing is learned, and the relative gradients of two layers differ by a factor of 10,000 "
        "or more, but the same steps at no other rate lose half of the loss; or signals shrink by as much "
        "over four linear operations or more, and weights initialised anew learn much more, or no layer's "
        "gradient is above a ten-thousandth of its weights.",
        _vanishing,
        explains=("cannot-memorise", "no-signal-in-gradient", "rate-too-low", "saddle"),
    ),
    Rule(
        "rate too low",
        "rate-too-low",
        "schedule",
        "The optimizer's own steps make less than a fiftieth of the progress that they make at 300 "
        "times the rate or more, counted from the highest that an attached scheduler goes to; or they "
        "move no weight where Adam's learn from the same start; or the rate falls to a tenth within them, "
        "and they learn when it is kept.",
        lambda f: _rate(f, "rate-too-low"),
        exact=True,
        explains=("saddle", "no-signal-in-gradient"),
    ),
    Rule(
        "stopped slopes",
        "gradient-wrong",
        "wiring",
        "No run learns, and slopes differ from the gradient's because a detach(), a no_grad() or a hook "
        "within the network stops or changes it: without it they agree; or because the loss goes in steps "
        "and a gradient stands in. It may be meant, so a network that learns is healthy with it.",
        lambda f: f.fails and not f.schedule.learnable and bool(f.wiring.stopped_slopes),
        explains=("cannot-memorise", "no-signal-in-gradient", "no-signal"),
    ),
    Rule(
        "saddle",
        "saddle",
        "saddle",
        "Nothing is learned, or the optimizer's own steps move the loss by less than a fiftieth where "
        "one step along the witness gains a tenth of what knowing nothing costs; curvature along that "
        "direction is negative beyond residual and rounding, a step along it lowers the loss both ways, "
        "and plain descent is promised less than a tenth of that. Not where nothing sees the labels: of "
        "such labels the risk is flat about a random start.",
        _saddle,
    ),
    Rule(
        "capacity",
        "cannot-memorise",
        "capacity",
        "Adam at three rates does not fit a batch of 32; and trained on many examples, the network "
        "does worse on these than a simple learner does on examples that it has not seen: by a tenth, "
        "and more than chance would have it once in a thousand times (R^2: by 0.2; a linear network: "
        "by its exact optimum, below 70 % of any linear map's). Not where the first layer reads the "
        "same for all examples.",
        _cannot_memorise,
        exact=True,
        explains=("no-signal-in-gradient",),
    ),
    Rule(
        "no signal in the gradient",
        "no-signal-in-gradient",
        "signal",
        "A simple learner sees the labels; the whitened gradient does not (p > 0.1), nor did any "
        "training run, Adam's included, learn. (Where the network's first layer reads the same for "
        "all examples, nothing else is looked for.)",
        _no_signal_in_gradient,
        explains=("cannot-memorise",),
    ),
    Rule(
        "no signal",
        "no-signal",
        "data",
        "Neither simple learner, nor the gradient, nor any training run sees the labels, and planted "
        "labels would have been seen in as many examples. A parity and noise look alike here.",
        _no_signal,
    ),
    Rule(
        "loss of its own kind",
        "loss-mixes-samples",
        "wiring",
        "Nothing is learned, and the loss of a batch is no mean, sum or weighted mean of its "
        "samples' losses.",
        lambda f: f.fails and f.wiring.composition == "other",
    ),
)
