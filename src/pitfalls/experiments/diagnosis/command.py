"""``pitfalls diagnose``: a network of one's own, the examples, a check of a run, the benchmark."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cyclopts import App

from pitfalls.experiments.diagnosis import EXPERIMENT, DiagnosisConfig, DiagnosisResult
from pitfalls.frame import Whole, options, perform, print_table, run_store, say

if TYPE_CHECKING:
    from pitfalls.runs import Run

__all__ = ["app"]

app = App(name="diagnose", help="Ask why a network does not learn: seven cards with witnesses.")


@app.default
@options
def command(target: str, config: DiagnosisConfig) -> None:
    """Diagnose a network: seven questions, each answered by a measurement with a witness.

    Parameters
    ----------
    target
        Where the network comes from: file.py:name, module:name, or zoo:name of a built-in example.
        The code is imported and runs as your own code does: name none that you would not run. The
        function takes no arguments and gives a model, (model, loss), (model, loss, optimizer) or
        (model, loss, x, y, optimizer).
    """
    from pitfalls.experiments.diagnosis.case import build, fingerprint_of

    config = replace(config, target=target)
    config = replace(config, fingerprint=fingerprint_of(build(config), config))
    show(perform(EXPERIMENT, config).result)


def show(result: DiagnosisResult) -> None:
    """Print causes and cards."""
    print_table(
        f"{result.target}: {result.cause}",
        ("question", "verdict", "n", "p", "seconds", "finding"),
        [
            (
                card.question, card.verdict, card.evidence.n, card.p_value,
                round(card.cost.seconds, 2), next(iter(card.evidence.findings), ""),
            )
            for card in result.cards
        ],
    )  # fmt: skip
    for attribution in result.attributions:
        say(f"{attribution.cause}: {attribution.reason} (rule: {attribution.rule})")


@app.command
def check(run: str, /, *code: str) -> int:
    """Recompute every witness of a run, from its network, loss and data alone; 1 if one fails.

    Parameters
    ----------
    run
        Its id, a part at either end of it, or its folder.
    code
        The names of your own (file.py:name or module:name) that the run was made with. What you name
        is imported and runs as your own code does; nothing is imported on the word of a run folder.
    """
    from pitfalls.experiments.diagnosis.run import check_cards

    found = run_store().find(run)
    config = _config_of(found)
    _require_named(found.id, config, code)
    checked = check_cards(config, found.load(DiagnosisResult))
    print_table(
        f"{found.id}: witnesses recomputed",
        ("question", "holds"),
        [(question, holds) for question, holds in checked],
    )
    return 0 if all(holds for _, holds in checked) else 1


def _config_of(run: "Run") -> DiagnosisConfig:
    from pitfalls.errors import InputError

    if run.manifest.experiment != EXPERIMENT.name or not run.complete:
        raise InputError(f"diagnose check: {run.id} is no finished diagnosis.")
    values = dict(run.config)
    return DiagnosisConfig(**{**values, "questions": tuple(values["questions"])})


def _require_named(run: str, config: DiagnosisConfig, code: tuple[str, ...]) -> None:
    """Refuse to import what only the run folder names: it may come from anywhere."""
    from pitfalls.errors import InputError

    names = config.own_code
    if not set(names) <= set(code):
        raise InputError(
            f"diagnose check: {run} was made with code of one's own ({', '.join(names)}), and no code is "
            "run because a folder names it. If it is yours, name it: pitfalls diagnose check "
            f"{run} {' '.join(names)}"
        )


@app.command
def examples() -> None:
    """List small networks, healthy and broken, to learn from."""
    from pitfalls.diagnosis.zoo import zoo

    print_table(
        "Built-in examples",
        ("name", "what it is", "right answer"),
        [(f"zoo:{s.name}", s.text, " or ".join(s.right)) for s in zoo()],
        caption="Try one: pitfalls diagnose zoo:rate-30",
    )


app.command("pitfalls.experiments.diagnosis_labs.command:command", name="labs")


@app.command
def benchmark(*, seeds: Whole = 5, budget: float = 60.0) -> None:
    """Diagnose every built-in example at several seeds, and count right causes and false alarms.

    Rules were fixed on the tuning part of the examples. What they missed in the reported part led to
    better ones; the blind part was diagnosed once, after they were fixed.

    Parameters
    ----------
    seeds
        How many.
    budget
        Seconds for each diagnosis, about.
    """
    from pitfalls.experiments.diagnosis_zoo import EXPERIMENT as ZOO
    from pitfalls.experiments.diagnosis_zoo import ZooConfig

    result = perform(ZOO, ZooConfig(n_seeds=seeds, budget=budget)).result
    print_table(
        f"{len(result.setups)} examples at {seeds} seeds",
        ("example", "part", "right answer", "named first", "right"),
        [
            (
                s.name, s.part, " or ".join(s.right),
                ", ".join(f"{cause} {n}" for cause, n in result.causes_of(s.name)),
                f"{result.correct_of(s.name)} of {seeds}",
            )
            for s in result.setups
        ],
    )  # fmt: skip
    for part in ("blind", "reported", "tuning"):
        found = result.tally(part)
        say(
            f"{part} part: {found.correct} of {found.n} right, {found.found} of {found.faults} on "
            f"faults; {found.false_alarms} alarms in {found.healthy} diagnoses of healthy ones"
        )
    say(
        f"bits unchanged in {result.n_unchanged} of {result.n}, witnesses held in {result.n_held} of "
        f"{result.n}"
    )
