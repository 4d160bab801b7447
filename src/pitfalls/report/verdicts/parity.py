"""Parity with a two-layer ReLU network: represented, and found?"""

from pitfalls.experiments.parity_curves import CurveCase, CurvesResult, words
from pitfalls.experiments.parity_exact import ExactResult
from pitfalls.experiments.parity_signal import SignalResult
from pitfalls.experiments.parity_sweep import SweepResult
from pitfalls.prose import Markup, counted, listed, number, say
from pitfalls.report.verdicts.records import Answer, ChapterVerdict, VerdictRow

__all__ = ["later_than_swept", "parity_verdict"]


def parity_verdict(
    exact: ExactResult | None, curves: CurvesResult | None, signal: SignalResult | None
) -> ChapterVerdict | None:
    """Return one row for each case that was trained; None where there is nothing to say."""
    if exact is None and curves is None:
        return None
    rows: tuple[VerdictRow, ...]
    if curves is None:
        d = exact.n_features if exact is not None else 0
        rows = (
            VerdictRow(say("$d = {d}$", d=d), _represented(d, exact), Answer("open", "not run")),
        )
    else:
        rows = tuple(
            VerdictRow(
                words.name_of(case), _represented(case.n_features, exact), _found(case, signal)
            )
            for case in curves.cases
        )
    quoted = {"parity-curves": curves, "parity-exact": exact, "parity-signal": signal}
    return ChapterVerdict(
        "Parity with a two-layer ReLU network",
        rows,
        tuple(name for name, result in quoted.items() if result is not None),
    )


def _represented(d: int, exact: ExactResult | None) -> Answer:
    if exact is None:
        return Answer("open", "not run")
    failing = exact.failing("corrected")
    if failing:
        return Answer(
            "no",
            "not confirmed",
            say("The corrected construction failed at {n}.", n=counted(len(failing), "dimension")),
        )
    units = exact.n_units("corrected", d)
    if units is None:
        largest = max(proof.n_features for proof in exact.proofs)
        return Answer(
            "yes",
            "yes",
            say("Claim 3a; the run proved other dimensions, up to $d = {d}$.", d=largest),
        )
    return Answer(
        "yes",
        "yes",
        say("{units} are enough, proved for masks of every weight.", units=counted(units, "unit")),
    )


def _found(case: CurveCase, signal: SignalResult | None) -> Answer:
    n = len(case.replicas)
    told = say(
        "{learned} of {n} learned: 99 % accurate at the end.",
        learned=case.n_learned, n=counted(n, "training"),
    )  # fmt: skip
    at = {row.n_features: row for row in signal.rows} if signal is not None else {}
    if case.n_features in at:
        told += say(
            " Signal of the gradient at the start, mean over all masks of this $d$: {signal}.",
            signal=number(at[case.n_features].signal, 2),
        )
    if case.n_learned == n:
        return Answer("yes", "yes", told)
    if case.n_learned == 0:
        return Answer("no", "not in this time", told)
    return Answer("partly", "in part", told)


def later_than_swept(sweep: SweepResult | None, curves: CurvesResult | None) -> Markup:
    """Name what no training of the sweep learned in its time and a longer one of part (b) did.

    Needs a training of part (b) at a pair of d and m that the sweep lost, that learned later than
    the sweep's end.
    """
    if sweep is None or curves is None:
        return ()
    lost = {(pair.n_features, pair.weight) for pair in sweep.pairs if pair.n_learned == 0}
    later = [
        say(
            "a mask of $m = {m}$ at $d = {d}$ was learned after {iterations}",
            m=replica.weight, d=replica.n_features,
            iterations=counted(replica.reached, "iteration"),
        )
        for case in curves.cases
        for replica in case.replicas
        if replica.reached is not None
        and replica.learned
        and replica.reached > sweep.n_iterations
        and (replica.n_features, replica.weight) in lost
    ]  # fmt: skip
    if not later:
        return ()
    return say(
        "Not learned within {time} does not mean never: in the longer trainings above {cases}.",
        time=counted(sweep.n_iterations, "iteration"), cases=listed(later),
    )  # fmt: skip
