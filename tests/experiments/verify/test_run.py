import pytest

from pitfalls.claims import CLAIMS, Claim, EvidenceLabel
from pitfalls.errors import InputError
from pitfalls.experiments.verify import EXPERIMENT, VerifyConfig
from pitfalls.experiments.verify import run as room
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.runs import RunStore
from pitfalls.runs.code import code_modules
from tests.kinds import there


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def stand_in(name, calls, holds=True):
    def attack(subject, search):
        calls.append(name)
        search.require(holds, f"{name} fails")

    return Claim(
        name, f"Title of {name}", "2a", "s", "d", "o", (), attack, None, EvidenceLabel.NUMERIC, "f."
    )


def test_every_verdict_is_saved_with_its_evidence_and_time(store):
    finished = run_experiment(EXPERIMENT, VerifyConfig(claims=("2a-only-if", "3a-printed")), store)
    run, result = finished.run, finished.result
    assert [verdict.claim for verdict in result.verdicts] == ["2a-only-if", "3a-printed"]
    holds, fails = result.verdicts
    assert holds.holds
    assert holds.counterexample is None
    assert holds.evidence == "symbolic identity"
    assert holds.tolerance == 0
    assert not fails.holds
    assert fails.as_expected
    assert "f = 5" in there(fails.counterexample)
    assert result.wrong == ()
    assert result.refuted == (fails,)
    assert result.cases == holds.cases + fails.cases
    assert [line["claim"] for line in run.metrics()] == ["2a-only-if", "3a-printed"]
    assert [line["claim"] for line in run.timings()] == ["2a-only-if", "3a-printed"]
    assert all(line["seconds"] >= 0 for line in run.timings())
    assert not any("seconds" in line for line in run.metrics())


def test_an_interrupted_run_goes_on_with_the_next_claim(store, monkeypatch):
    calls = []

    def interrupt(subject, search):
        calls.append("second")
        if calls.count("second") == 1:
            raise KeyboardInterrupt
        search.require(True, "")

    second = stand_in("second", calls)
    object.__setattr__(second, "attack", interrupt)
    chosen = (stand_in("first", calls), second, stand_in("third", calls, holds=False))
    monkeypatch.setattr(room, "select_claims", lambda names: chosen)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, VerifyConfig(), store)
    run, result = (
        (finished := run_experiment(EXPERIMENT, VerifyConfig(), store)).run,
        finished.result,
    )
    assert calls == ["first", "second", "second", "third"]
    assert run.complete
    assert [line["claim"] for line in run.metrics()] == ["first", "second", "third"]
    assert {v.claim: v.holds for v in result.verdicts} == {
        "first": True,
        "second": True,
        "third": False,
    }
    assert [v.claim for v in result.wrong] == ["third"]


def test_progress_counts_claims(store):
    from contextlib import contextmanager

    seen = []

    @contextmanager
    def progress(label, unit="steps"):
        seen.append((label, unit))
        yield lambda done, total: seen.append((done, total))

    config = VerifyConfig(claims=("2a-only-if", "2c"))
    run_experiment(EXPERIMENT, config, store, progress=progress)
    assert seen == [("checking claims", "claims"), (0, 2), (1, 2), (2, 2)]


def test_verdicts_belong_to_the_code_they_were_reached_on(tmp_path):
    run = run_experiment(EXPERIMENT, VerifyConfig(claims=("2c",)), RunStore(tmp_path)).run
    older = run.is_older
    run.manifest.code = "0" * 12
    assert (older, run.is_older) == (False, True)
    # what the claims speak about, and how they are attacked
    assert {
        "pitfalls.linear.verdict",
        "pitfalls.parity.represent.construction",
        "pitfalls.claims.claim",
    } <= (code_modules(f"{EXPERIMENT.package}.run"))


def test_the_homework_checks_all_claims_at_its_scale():
    (quick,), (full,) = room.homework(Homework()), room.homework(Homework("full", seed=4))
    assert (quick.claims, quick.effort, quick.seed) == ((), "quick", 123)
    assert (full.claims, full.effort, full.seed) == ((), "thorough", 4)
    assert len(CLAIMS) > 30


def test_an_effort_that_is_none_is_refused():
    with pytest.raises(InputError, match="quick or thorough"):
        VerifyConfig(effort="much")  # type: ignore[arg-type]
