"""All that the cards found, as the rules of attribution read it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pitfalls.diagnosis.cards import Card
from pitfalls.diagnosis.evidence.capacity import CapacityEvidence
from pitfalls.diagnosis.evidence.data import DataEvidence
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.evidence.schedule import ScheduleEvidence
from pitfalls.diagnosis.evidence.signal import SignalEvidence
from pitfalls.diagnosis.evidence.units import UnitsEvidence
from pitfalls.diagnosis.evidence.wiring import Reach, WiringEvidence

__all__ = ["Findings", "collect"]


@dataclass(frozen=True)
class Findings:
    """The evidence of all cards; a question that was not asked, or failed, has an empty record."""

    wiring: WiringEvidence
    data: DataEvidence
    signal: SignalEvidence
    units: UnitsEvidence
    capacity: CapacityEvidence
    saddle: SaddleEvidence
    saddle_verdict: str
    schedule: ScheduleEvidence

    @property
    def reach(self) -> Reach:
        """Which parameters are reached."""
        return self.wiring.reach or Reach()

    @property
    def learns(self) -> bool:
        """Whether the user's own steps, or without an optimizer Adam's, learn unseen labels."""
        own = self.schedule.own
        if own is None:
            return self.schedule.adam is not None and self.schedule.adam.learned
        return self.schedule.learned

    @property
    def trained(self) -> bool:
        """Whether the network was seen to train or not, by anybody's steps, and enough of them."""
        taken = self.schedule.own if self.schedule.own is not None else self.schedule.adam
        return taken is not None and taken.long_enough and not self.burst_by_batch

    @property
    def burst_by_batch(self) -> bool:
        """Whether the own steps rise, but were taken with a much smaller batch than is usual."""
        own = self.schedule.own
        return self.schedule.batch_shrunk and own is not None and own.burst

    @property
    def held_up(self) -> bool:
        """Whether nothing is learned, or much less than from another start or at another scale."""
        return self.fails or (self.schedule.held_up and not self.schedule.known)

    @property
    def fails(self) -> bool:
        """Whether steps were taken and did not learn."""
        return self.trained and not self.learns and not self.schedule.known


def collect(cards: Iterable[Card]) -> Findings:
    """Sort the cards' evidence by question."""
    by = {card.question: card for card in cards}

    def evidence(question: str, kind: type) -> object:
        card = by.get(question)  # type: ignore[call-overload]
        return card.evidence if card is not None and isinstance(card.evidence, kind) else kind(0)

    return Findings(
        evidence("wiring", WiringEvidence),  # type: ignore[arg-type]
        evidence("data", DataEvidence),  # type: ignore[arg-type]
        evidence("signal", SignalEvidence),  # type: ignore[arg-type]
        evidence("units", UnitsEvidence),  # type: ignore[arg-type]
        evidence("capacity", CapacityEvidence),  # type: ignore[arg-type]
        evidence("saddle", SaddleEvidence),  # type: ignore[arg-type]
        by["saddle"].verdict if "saddle" in by else "",
        evidence("schedule", ScheduleEvidence),  # type: ignore[arg-type]
    )
