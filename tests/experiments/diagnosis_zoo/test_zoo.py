import pytest

from pitfalls.diagnosis.zoo import Judgement, tally, zoo
from pitfalls.errors import InputError
from pitfalls.experiments.diagnosis_zoo import EXPERIMENT, ZooConfig, ZooResult
from pitfalls.experiments.diagnosis_zoo import run as room
from pitfalls.experiments.diagnosis_zoo.figures import FIGURES
from pitfalls.experiments.diagnosis_zoo.records import ZooSetup
from pitfalls.experiments.diagnosis_zoo.words import blind, reported
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore


def judgement(setup="a", part="reported", right=("healthy",), cause="healthy", seed=0):
    return Judgement(setup, part, seed, right, cause, (cause,), "rule", True, True, 1.0, 10)


def result(*rows):
    names = {row.setup: row for row in rows}
    setups = tuple(ZooSetup(n, "text", r.part, r.right) for n, r in names.items())
    return ZooResult(setups, rows)


def test_the_zoo_is_as_large_and_as_divided_as_it_says():
    setups = zoo()
    assert len({s.name for s in setups}) == len(setups) >= 40
    assert sum(s.healthy for s in setups) >= 12
    assert sum(not s.healthy for s in setups) >= 28
    for part in ("tuning", "reported", "blind"):
        assert sum(s.part == part for s in setups) >= 20
        assert sum(s.part == part and s.healthy for s in setups) >= 6
    assert all(s.text.endswith((".", "chance")) for s in setups)


def test_counts_are_those_of_their_definitions():
    rows = [
        judgement(),
        judgement(cause="unclear"),
        judgement(cause="saddle"),
        judgement("b", right=("frozen",), cause="frozen"),
        judgement("b", right=("frozen",), cause="healthy"),
    ]
    found = tally(rows)
    assert (found.n, found.correct) == (5, 2)
    assert (found.healthy, found.false_alarms) == (3, 1)
    assert (found.faults, found.found) == (2, 1)


def test_the_sentence_counts_the_reported_half_alone():
    rows = [judgement(part="tuning", cause="saddle"), judgement(), judgement(cause="saddle")]
    assert plain(reported(result(*rows))) == (
        "A right cause is named first in 1 of 2 diagnoses; 1 false alarm in 2 diagnoses of healthy "
        "set-ups. "
    )
    assert blind(result(*rows)) == ()
    assert "after the rules were fixed: 1 of 1 diagnosis, 0 false alarms in 1" in plain(
        blind(result(*rows, judgement(part="blind")))
    )
    assert reported(result(judgement(part="tuning"))) == ()
    assert not FIGURES[0].shown_for(result(judgement(part="tuning")))


def test_the_confusion_is_drawn_with_its_counts():
    rows = [judgement(), judgement("b", right=("frozen",), cause="saddle")]
    drawn = draw(FIGURES[0], result(*rows), ("svg",))
    assert "1 right, 0 alarms in 1 of healthy set-ups" in drawn.caption


def test_a_stopped_zoo_goes_on_where_it_was(tmp_path, monkeypatch):
    few = tuple(s for s in zoo() if s.name in ("mlp-sgd", "broadcast", "frozen-trained-body"))
    judged: list[str | tuple[str, int]] = []

    def quick(setup, seed, *, budget):
        if len(judged) == 2:
            judged.append("stop")
            raise KeyboardInterrupt
        judged.append((setup.name, seed))
        return judgement(setup.name, setup.part, setup.right, setup.right[0], seed)

    monkeypatch.setattr(room, "zoo", lambda: few)
    monkeypatch.setattr(room, "judge", quick)
    store = RunStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, ZooConfig(n_seeds=2), store)
    found = run_experiment(EXPERIMENT, ZooConfig(n_seeds=2), store).result
    done = [entry for entry in judged if entry != "stop"]
    assert len(done) == len(set(done)) == 6
    assert found.n == found.n_unchanged == found.n_held == 6
    assert found.correct_of("broadcast") == 2
    assert found.causes_of("broadcast") == (("loss-mixes-samples", 2),)
    assert EXPERIMENT.account(found)
    assert "3 set-ups, 6 diagnoses" in EXPERIMENT.basis(found).n


@pytest.mark.parametrize(("field", "value"), [("n_seeds", 0), ("budget", 0.0)])
def test_bad_settings_are_refused(field, value):
    with pytest.raises(InputError, match=field):
        ZooConfig(**{field: value})
