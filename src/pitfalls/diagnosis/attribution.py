"""From cards to causes, by the rules in their order."""

from collections.abc import Iterable

from pitfalls.diagnosis.cards import Attribution, Card
from pitfalls.diagnosis.findings import Findings, collect
from pitfalls.diagnosis.rules import RULES, Rule
from pitfalls.diagnosis.vocabulary import Cause

__all__ = ["attribute"]

_ENOUGH = 20  # steps of which it means something that they rise
_SAID = {
    "finite": ("Not finite",),
    "output mixing": ("In evaluation mode the output of sample",),
    "loss of every pair": ("pairs of an output and a label",),
    "cut": ("change the outputs but get no gradient",),
    "slopes": ("the gradient says", "zero_grad()"),
    "unbounded": ("falls without limit",),
    "optimizer's list": ("are not in the optimizer",),
    "frozen": ("of a random start",),
    "confined outputs": ("The last function is",),
    "start at a symmetric point": ("do the same", "Zero everywhere"),
    "exploding": ("Signals grow",),
    "dead layer": ("have no slope",),
    "saturated layer": ("lie where the slope is below",),
    "vanishing": ("Signals shrink", "Relative gradients", "exactly zero"),
    "stopped slopes": ("within the network explains it", "The loss goes in steps"),
    "loss of its own kind": ("no mean or sum of theirs",),
}
"""Words by which a rule's finding is told from the card's others, the likelier first."""


def attribute(cards: Iterable[Card]) -> tuple[Attribution, ...]:
    """Name causes in order, at least one.

    Parameters
    ----------
    cards : iterable of Card

    Returns
    -------
    tuple of Attribution
        What to mend first comes first. ``healthy`` needs evidence that something is learned, or that
        the gradient sees the labels; without a fault and without that it is ``unclear``.
    """
    cards = tuple(cards)
    found = collect(cards)
    named: list[Attribution] = []
    explained: set[Cause] = set()
    for rule in RULES:
        if rule.cause in explained:
            continue
        if (rule.exact or not found.learns) and rule.applies(found):
            named.append(Attribution(rule.cause, rule.name, _reason(rule, cards)))
            explained |= {rule.cause, *rule.explains}
    if named:
        return tuple(named)
    return (_without_fault(found, cards),)


def _without_fault(found: Findings, cards: tuple[Card, ...]) -> Attribution:
    if found.learns:
        steps = found.schedule.own or found.schedule.adam
        seen = steps is None or steps.held_after.labels_matter
        what = "fit labels they have not seen" if seen else "lower the loss of unseen examples"
        whose = "Steps of Adam" if found.schedule.own is None else "The optimizer's own steps"
        return Attribution("healthy", "learns", f"{whose} {what}.")
    if found.schedule.known and not found.schedule.forgets:
        return Attribution("healthy", "knows", "It fits labels already, and nothing is amiss.")
    own = found.schedule.own
    if own is not None and own.failed:
        return Attribution("unclear", "steps fail", own.failed)
    if found.burst_by_batch:
        return Attribution(
            "unclear",
            "steps rise in small batches",
            f"The time allowed batches of {found.schedule.batch_size} examples, and steps in so small "
            "ones rise: a larger budget says whether yours do.",
        )
    rises = own if own is not None and own.burst else None
    if rises is not None and (len(rises.losses) >= _ENOUGH or not rises.finite):
        return Attribution(
            "unclear",
            "steps rise",
            f"The {len(rises.losses)} steps that were taken end above their start, and no cause was found.",
        )
    if found.schedule.stuck and found.schedule.untried and found.schedule.cure is None:
        return Attribution(
            "unclear",
            "rates untried",
            "The optimizer's own steps do not lower the loss, and the time allowed too few other rates: "
            "a larger budget says whether one learns.",
        )
    if found.schedule.learnable:
        return Attribution(
            "healthy", "learnable", "Nothing is amiss, and longer training or Adam learns."
        )
    if found.signal.sees and found.fails:
        return Attribution(
            "unclear",
            "no run learns",
            "The gradient sees the labels, and no run that was taken learns.",
        )
    undecided = [card.question for card in cards if card.verdict == "undecided"]
    which = f" Undecided: {', '.join(undecided)}." if undecided else ""
    if found.signal.sees:
        what = f"The gradient sees the labels, and no fault was found.{which}"
        return Attribution("healthy", "gradient sees", what)
    return Attribution("unclear", "nothing found", f"No fault and no learning was seen.{which}")


def _reason(rule: Rule, cards: tuple[Card, ...]) -> str:
    """Return the finding that the rule rests on, without words for it the card's first, or the rule."""
    findings = [
        said for card in cards if card.question == rule.question for said in card.evidence.findings
    ]
    words = _SAID.get(rule.name, ("",))
    return next((said for word in words for said in findings if word in said), rule.text)
