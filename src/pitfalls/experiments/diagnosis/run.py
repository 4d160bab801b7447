"""Ask the questions one by one; a stopped run goes on with the next."""

from dataclasses import replace

import numpy as np

from pitfalls.diagnosis import (
    ALL,
    CurvatureWitness,
    Hessian,
    Stopwatch,
    attribute,
    diagnose,
    examine,
    share_of,
)
from pitfalls.errors import DataError
from pitfalls.experiments.diagnosis.case import Built, build, fingerprint_of
from pitfalls.experiments.diagnosis.records import (
    AlongWitness,
    DiagnosisConfig,
    DiagnosisResult,
    SavedCard,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["check_cards", "run"]

_POINTS = 41


def run(config: DiagnosisConfig, run: Run, progress: Progress) -> DiagnosisResult:
    """Diagnose what the config names; every card is saved when it is there."""
    built = _built_again(config)
    asked = tuple(q for q in ALL if q in config.questions)
    watch, earlier = Stopwatch(), 0.0  # of cards that were there
    cards: list[SavedCard] = []
    with progress("diagnosis", unit="questions") as advance:
        for at, question in enumerate(asked):
            if run.has(SavedCard, part=question):
                earlier += run.load(SavedCard, part=question).cost.seconds
            else:
                left = config.budget - earlier - watch.elapsed()
                found = diagnose(
                    built.model,
                    built.loss,
                    built.x,
                    built.y,
                    built.optimizer,
                    questions=[question],
                    budget=share_of(question, asked[at:], left, config.budget),
                    seed=config.seed,
                )
                (card,) = found.cards
                saved = SavedCard(
                    question,
                    card.verdict,
                    card.p_value,
                    card.evidence,  # type: ignore[arg-type]
                    card.witness,  # type: ignore[arg-type]
                    card.cost,
                    found.n_examples,
                    found.n_total,
                )
                run.save(saved, part=question)
            cards.append(run.load(SavedCard, part=question))
            run.log(question=question, verdict=cards[-1].verdict)
            advance(at + 1, len(asked))
    return DiagnosisResult(
        target=config.target,
        network=type(built.model).__name__,
        n_parameters=sum(p.numel() for p in built.model.parameters()),
        attributions=attribute(card.card for card in cards),
        cards=tuple(cards),
        along=_along(built, cards, config.seed),
    )


def check_cards(config: DiagnosisConfig, result: DiagnosisResult) -> tuple[tuple[str, bool], ...]:
    """Recompute every witness; question and whether it held, for each card that has one."""
    built = _built_again(config)
    return tuple(
        (
            saved.question,
            replace(saved.card, seed=config.seed).check(built.model, built.loss, built.x, built.y),
        )
        for saved in result.cards
        if saved.witness is not None
    )


def _built_again(config: DiagnosisConfig) -> Built:
    built = build(config)
    if fingerprint_of(built, config) != config.fingerprint:
        raise DataError(
            f"{config.target}: its code, weights, settings or data are not those that the run was asked "
            "for. Diagnose it anew; if it draws them anew at each call, seed what draws."
        )
    return built


def _along(built: Built, cards: list[SavedCard], seed: int) -> AlongWitness | None:
    """Evaluate the loss along the lowest direction, to three times the step that was taken."""
    for card in cards:
        witness = card.witness
        if isinstance(witness, CurvatureWitness):
            with examine(
                built.model, built.loss, built.x, built.y, who="diagnose", seed=seed
            ) as subject:
                hessian = Hessian(subject, np.array(witness.rows), precise=witness.precise)
                reach = 3 * witness.radius if witness.radius > 0 else 1.0
                lengths = np.linspace(-reach, reach, _POINTS)
                losses = np.array([hessian.value(t * witness.direction) for t in lengths])
            return AlongWitness(lengths, losses)
    return None
