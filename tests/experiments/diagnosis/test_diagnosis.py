import json
import subprocess
import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from pitfalls.cli import main
from pitfalls.diagnosis import Attribution, Cost
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.evidence.schedule import Knowledge, ScheduleEvidence, Trial
from pitfalls.diagnosis.evidence.units import LayerGradient, UnitsEvidence
from pitfalls.diagnosis.wiring_witnesses import CompositionWitness
from pitfalls.errors import DataError, InputError
from pitfalls.experiments.diagnosis import (
    EXPERIMENT,
    DiagnosisConfig,
    DiagnosisResult,
    SavedCard,
)
from pitfalls.experiments.diagnosis.case import build, fingerprint_of
from pitfalls.experiments.diagnosis.figures import FIGURES
from pitfalls.experiments.diagnosis.run import check_cards
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import Paragraph, Picture, Table, plain
from pitfalls.report.diagnosis import build_diagnosis
from pitfalls.runs import RunStore
from tests.kinds import of_kind, there
from tests.runs.forged import rewrite_manifest

MODULE = """
import torch

def network():
    return torch.nn.Sequential(torch.nn.Linear(4, 12), torch.nn.ReLU(), torch.nn.Linear(12, 2))

def with_loss():
    return network(), squares

def squares(outputs, y):
    return ((outputs - torch.nn.functional.one_hot(y, 2)) ** 2).mean()

def nothing():
    return 3

def fails():
    raise ValueError("no such thing")

def lazy():
    return torch.nn.Sequential(torch.nn.LazyLinear(2))

def on_meta():
    return torch.nn.Linear(4, 2, device="meta")

def compiled():
    return torch.compile(network(), backend="eager")

def slow(parameters):
    return torch.optim.SGD(parameters, lr=1e-7)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module and data of one's own, and runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_networks", raising=False)
    (tmp_path / "my_networks.py").write_text(MODULE, encoding="utf-8")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 4)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    return tmp_path


def asked(**changes):
    config = DiagnosisConfig(
        **{
            "target": "my_networks:network",
            "data": "data.npz",
            "optimizer": "adam",
            "budget": 3.0,
            **changes,
        }
    )
    mark = fingerprint_of(build(config), config)
    return DiagnosisConfig(**{**vars(config), "fingerprint": mark})


def test_a_network_of_ones_own_is_diagnosed_kept_and_drawn(folder):
    finished = run_experiment(EXPERIMENT, asked(budget=6.0), RunStore(folder / "runs"))
    result = finished.result
    assert result.cause == "healthy"
    assert [card.question for card in result.cards] == [
        "wiring", "data", "signal", "units", "capacity", "saddle", "schedule",
    ]  # fmt: skip
    assert all(holds for _, holds in check_cards(asked(budget=6.0), result))
    drawn = [figure.name for figure in FIGURES if figure.shown_for(result)]
    assert drawn == [figure.name for figure in FIGURES]
    for figure in FIGURES:
        rendered = draw(figure, result, ("svg",))
        assert "example" in rendered.caption or "labelling" in rendered.caption
    blocks = EXPERIMENT.account(result)
    assert isinstance(blocks[0], Paragraph)
    assert "healthy" in plain(blocks[0].text)
    assert isinstance(blocks[1], Table)
    assert all(isinstance(block, Picture) for block in blocks[2:])
    page = build_diagnosis(finished.run, folder / "out").read_text(encoding="utf-8")
    assert page.count("<svg") == len(FIGURES)
    for card in result.cards:
        assert f"{card.question}: {card.verdict}" in page
        assert f"n = {card.evidence.n:,}" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "is older" not in page
    rewrite_manifest(finished.run, code="0" * 12)
    later = build_diagnosis(finished.run, folder / "later").read_text(encoding="utf-8")
    assert f"The run {finished.run.id} is older: other code" in later


def test_a_stopped_run_goes_on_with_the_next_question(folder):
    store, config = RunStore(folder / "runs"), asked(questions=("wiring", "units"))

    class StopError(Exception):
        pass

    def stops(label, unit="steps"):
        from contextlib import nullcontext

        def advance(done, total):
            raise StopError

        return nullcontext(advance)

    with pytest.raises(StopError):
        run_experiment(EXPERIMENT, config, store, progress=stops)
    (run,) = store.list("diagnosis")
    assert run.has(SavedCard, part="wiring")
    assert not run.has(SavedCard, part="units")
    kept = run.load(SavedCard, part="wiring")
    result = run_experiment(EXPERIMENT, config, store).result
    assert result.cards[0].cost == kept.cost  # not asked again
    assert [card.question for card in result.cards] == ["wiring", "units"]


def test_other_code_weights_or_data_are_another_run_and_no_witness_is_checked_against_them(folder):
    config = asked(questions=("wiring",))
    result = run_experiment(EXPERIMENT, config, RunStore(folder / "runs")).result
    np.savez(folder / "data.npz", x=np.ones((9, 4), np.float32), y=np.ones(9, np.int64))
    with pytest.raises(DataError, match="are not those that the run was asked for"):
        check_cards(config, result)
    assert asked(questions=("wiring",)).fingerprint != config.fingerprint


def test_builders_give_models_losses_and_whole_cases(folder):
    assert build(asked()).loss is torch.nn.functional.cross_entropy
    assert build(asked(target="my_networks:with_loss")).loss.__name__ == "squares"
    built = build(asked(loss="my_networks:squares", optimizer="my_networks:slow"))
    assert built.loss.__name__ == "squares"
    assert built.optimizer.param_groups[0]["lr"] == 1e-7
    case = build(DiagnosisConfig(target="zoo:broadcast"))
    assert case.optimizer is not None
    assert len(case.x) == len(case.y)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"target": "my_networks:missing"}, "cannot be imported"),
        ({"target": "no_such_module:f"}, "cannot be imported"),
        ({"target": "elsewhere/none.py:f"}, "target 'elsewhere/none.py:f' could not be found"),
        ({"target": "my_networks.py:missing"}, "could not be found"),
        ({"target": "my_networks.py:fails"}, "failed with ValueError: no such thing"),
        ({"target": "my_networks:nothing"}, "must give a model"),
        ({"target": "my_networks:fails"}, "failed with ValueError: no such thing"),
        ({"target": "zoo:unicorn"}, "no set-up 'unicorn'"),
        ({"data": None}, "gives no data"),
        ({"loss": "cross"}, "loss must be one of"),
        ({"optimizer": "lion"}, "optimizer must be one of"),
        ({"target": "network"}, "target must be file.py:name, module:name or zoo:name"),
        ({"budget": -1.0}, "budget must be positive"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"learning_rate": 0.1, "optimizer": None}, "which has its own"),
        ({"learning_rate": 0.1, "optimizer": "my_networks:slow"}, "which has its own"),
        ({"questions": ("wiring", "wiring")}, "questions must differ"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(folder, changes, match):
    with pytest.raises(InputError, match=match):
        asked(**changes)


def test_a_file_elsewhere_is_named_by_its_path_and_all_code_counts_into_what_the_run_is(folder):
    there = folder / "elsewhere"
    there.mkdir()
    (there / "networks.py").write_text("from parts import width\n" + MODULE.replace("12", "width"))
    (there / "parts.py").write_text("width = 12\n")
    named = {"target": "elsewhere/networks.py:network", "loss": "elsewhere/losses.py:squares"}
    (there / "losses.py").write_text(MODULE)
    first = asked(**named, questions=("wiring", "units"))
    result = run_experiment(EXPERIMENT, first, RunStore(folder / "runs")).result
    assert result.n_parameters == 5 * 12 + 13 * 2
    assert all(holds for _, holds in check_cards(first, result))
    (there / "losses.py").write_text(MODULE.replace("** 2", "** 4"))
    second = asked(**named, questions=("wiring", "units"))
    (there / "parts.py").write_text("width = 12 + 0\n")
    third = asked(**named, questions=("wiring", "units"))
    assert len({config.fingerprint for config in (first, second, third)}) == 3
    with pytest.raises(DataError, match="are not those that the run was asked for"):
        check_cards(first, result)


def test_the_commands_diagnose_check_list_and_report(folder, capsys):
    line = ["diagnose", "my_networks:network", "--data", "data.npz", "--budget", "3"]
    assert main([*line, "--questions", "wiring", "data", "--json"]) == 0
    out = capsys.readouterr()
    table = json.loads(out.out.splitlines()[0])
    assert [row["question"] for row in table["rows"]] == ["wiring", "data"]
    (run,) = RunStore(folder / "runs").list("diagnosis")
    assert main(["diagnose", "check", run.id, "my_networks:network"]) == 0
    assert "yes" in capsys.readouterr().out
    assert main(["report", "--diagnosis", run.id, "--out", "page"]) == 0
    assert (folder / "page/diagnosis.html").exists()
    assert main(["report", "--diagnosis", run.id, "--quick"]) == 2
    assert main(["diagnose", "examples"]) == 0
    assert "zoo:rate-30" in capsys.readouterr().out
    assert main(["diagnose", "nowhere:f"]) == 2
    assert "cannot be imported" in capsys.readouterr().err


def test_nothing_is_imported_because_a_run_folder_names_it(folder, capsys):
    run_experiment(EXPERIMENT, asked(questions=("wiring",)), RunStore(folder / "runs"))
    (run,) = RunStore(folder / "runs").list("diagnosis")
    (folder / "my_networks.py").write_text("open('ran', 'w')\n", encoding="utf-8")
    sys.modules.pop("my_networks", None)
    assert main(["diagnose", "check", run.id]) == 2
    error = capsys.readouterr().err
    assert "no code is run because a folder names it" in error
    assert error.rstrip(".\n").endswith(f"pitfalls diagnose check {run.id} my_networks:network")
    assert not (folder / "ran").exists()


def test_a_witness_that_no_longer_holds_ends_in_exit_code_1(folder, capsys):
    store = RunStore(folder / "runs")
    config = asked(questions=("wiring",))
    finished = run_experiment(EXPERIMENT, config, store)
    saved = finished.result.cards[0]
    witness = of_kind(CompositionWitness, saved.witness)
    wrong = replace(witness, batch=witness.batch + 1)
    changed = replace(finished.result, cards=(replace(saved, witness=wrong),))
    assert check_cards(config, changed) == (("wiring", False),)


def test_help_costs_no_torch():
    code = (
        "import sys\nfrom pitfalls.cli import main\n"
        "code = main(['diagnose', '--help'])\n"
        "assert 'torch' not in sys.modules\nsys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--optimizer" in done.stdout
    assert "benchmark" in done.stdout


@pytest.mark.parametrize(("name", "match"), [("lazy", "lazy modules"), ("on_meta", "meta device")])
def test_models_without_numbers_are_refused_in_one_line(folder, capsys, name, match):
    with pytest.raises(InputError, match=match) as caught:
        build(asked(target=f"my_networks:{name}"))
    assert "\n" not in str(caught.value)
    main(["diagnose", f"my_networks:{name}", "--data", "data.npz"])
    assert "unexpected" not in capsys.readouterr().err


def test_a_compiled_model_is_taken_as_the_module_inside(folder):
    built = build(asked(target="my_networks:compiled"))
    assert isinstance(built.model, torch.nn.Sequential)


OWN_DATA = """
import json, pathlib, numpy as np, torch

def case():
    asked = json.loads(pathlib.Path("asked.json").read_text())
    torch.manual_seed(0)
    dropout = torch.nn.Dropout(asked["dropout"])
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), dropout, torch.nn.Linear(8, 2))
    x, y = np.load("x.npy"), (np.load("x.npy")[:, 0] > 0).astype(np.int64)
    optimizer = torch.optim.SGD(model.parameters(), lr=asked["rate"])
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, asked["weight"]]))
    if asked["form"] == "arrays":
        return model, loss, x, y, optimizer
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    if asked["form"] == "iterator":
        return model, loss, iter([data[:]]), None, optimizer
    return model, loss, torch.utils.data.DataLoader(data, asked["batch"]), None, optimizer
"""


@pytest.mark.parametrize("form", ["arrays", "loader"])
def test_data_and_settings_that_code_reads_from_files_are_part_of_what_the_run_is(folder, form):
    (folder / "own.py").write_text(OWN_DATA, encoding="utf-8")
    settings = {"form": form, "rate": 0.1, "dropout": 0.2, "weight": 1.0, "batch": 16}
    x = np.random.default_rng(0).standard_normal((80, 4)).astype(np.float32)

    def mark(x, **changes):
        np.save(folder / "x.npy", x)
        (folder / "asked.json").write_text(json.dumps({**settings, **changes}), encoding="utf-8")
        changed = {"target": "own.py:case", "data": None, "optimizer": None}
        return asked(**changed, questions=("wiring",)).fingerprint

    first = mark(x)
    assert mark(x) == first
    others = [
        mark(x + 1),
        mark(x[:40]),
        mark(x, rate=0.2),
        mark(x, dropout=0.3),
        mark(x, weight=2.0),
    ]
    others += [mark(x, batch=8)] if form == "loader" else []
    assert len({first, *others}) == 1 + len(others)
    with pytest.raises(InputError, match="an iterator, which can be read once"):
        mark(x, form="iterator")


def test_a_diagnosis_of_other_data_is_made_anew(folder, capsys):
    (folder / "own.py").write_text(OWN_DATA, encoding="utf-8")
    settings = {"form": "arrays", "rate": 0.1, "dropout": 0.2, "weight": 1.0}
    (folder / "asked.json").write_text(json.dumps(settings), encoding="utf-8")
    x = np.random.default_rng(0).standard_normal((80, 4)).astype(np.float32)
    line = ["diagnose", "own.py:case", "--questions", "data", "--budget", "3", "--json"]
    found = []
    for features in (x, np.ones_like(x)):
        np.save(folder / "x.npy", features)
        assert main(line) == 0
        found.append(json.loads(capsys.readouterr().out.splitlines()[0])["rows"][0]["verdict"])
    assert found == ["labels seen", "data-degenerate"]


def test_witnesses_are_checked_on_the_examples_that_the_run_drew_by_its_seed(folder):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5000, 4)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    config = asked(questions=("wiring", "data", "saddle"), seed=7)
    result = run_experiment(EXPERIMENT, config, RunStore(folder / "runs")).result
    assert result.cards[0].n_examples < 5000
    assert [holds for _, holds in check_cards(config, result)] == [True, True, True]
    saddle, along = of_kind(SaddleEvidence, result.evidence("saddle")), there(result.along)
    middle = len(along.losses) // 2  # the card's own loss, on its own examples
    assert along.losses[middle] == pytest.approx(saddle.loss, rel=1e-6)


@pytest.mark.parametrize("kind", ["uint8", "int32", "bool", ">i4"])
def test_whole_labels_of_any_length_are_classes(folder, kind):
    stored = np.load(folder / "data.npz")
    np.savez(folder / "data.npz", x=stored["x"], y=stored["y"].astype(kind))
    config = asked(questions=("wiring",))
    result = run_experiment(EXPERIMENT, config, RunStore(folder / "runs")).result
    assert result.cards[0].verdict == "sound"
    np.savez(folder / "data.npz", x=stored["x"], y=stored["y"].astype(str))
    with pytest.raises(DataError, match="data must be numbers"):
        asked()


def test_a_gradient_over_a_weight_of_zero_is_not_said_to_be_zero():
    def caption(weight):
        gradients = (LayerGradient("a", 1.0, 2.0), LayerGradient("b", 1.0, weight))
        units = UnitsEvidence(100, ("alive",), gradients=gradients)
        card = SavedCard("units", "alive", None, units, None, Cost(), 100, 100)
        causes = (Attribution("healthy", "learns", "it learns"),)
        result = DiagnosisResult("zoo:linear", "Linear", 4, causes, (card,), None)
        (figure,) = (figure for figure in FIGURES if figure.shown_for(result))
        return draw(figure, result, ("svg",)).caption

    assert "red: exactly zero. " in caption(1.0)
    assert "red: exactly zero, or no number over a weight of zero. " in caption(0.0)


@pytest.mark.parametrize(
    ("after", "p", "title"),
    [
        (0.1, 2e-4, "60 steps add nothing to what was known"),
        (40.0, 0.6, "60 steps forget what was known"),
    ],
)
def test_steps_of_a_network_that_knows_are_told_as_what_they_do_to_that(after, p, title):
    known, end = Knowledge(0.1, 2.0, 2e-4, 200), Knowledge(after, 2.0 + after * (p > 0.5), p, 200)
    own = Trial(1.0, True, (0.1,) * 59 + (after,), 0.1, after, known, end, True, 0.1, 1.0, "")
    steps = ScheduleEvidence(400, ("steps",), rates=(0.1,), own=own)
    card = SavedCard("schedule", "", p, steps, None, Cost(), 400, 400)
    causes = (Attribution("healthy", "knows", "it knows"),)
    result = DiagnosisResult("zoo:linear", "Linear", 4, causes, (card,), None)
    (figure,) = (figure for figure in FIGURES if figure.shown_for(result))
    axis = plt.figure().add_subplot()
    figure.draw(result, axis)
    assert axis.get_title(loc="left") == title or axis.get_title() == title
