import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.image_compare import EXPERIMENT as COMPARISON
from pitfalls.experiments.image_compare import CompareConfig
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_train import EXPERIMENT, TrainRunConfig
from pitfalls.experiments.image_train import command as command_module
from pitfalls.experiments.image_train.figures import FIGURES
from pitfalls.experiments.image_train.run import further
from pitfalls.experiments.image_train.words import continued
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.schedules import schedule, special_schedule
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore, config_hash
from tests.kinds import there

SMALL = NetworkConfig("fastnet", (8, 8, 8))


@pytest.fixture(scope="module")
def source():
    return find_images(DataConfig("digits", subset_train=200, subset_val=60, validation=40))


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    # as the fast recipe trains this network: thirty steps of plain SGD teach it little
    training = TrainConfig(
        epochs=3,
        batch_size=16,
        scheme="linear",
        rate=1.0,
        optimizer="muon",
        reduction="sum",
        flip="none",
    )
    config = TrainRunConfig(source, SMALL, training)
    return run_experiment(EXPERIMENT, config, RunStore(tmp_path_factory.mktemp("runs")))


def test_a_trained_run_learns_and_says_what_it_was(trained):
    result = trained.result
    assert result.trained.test_accuracy > 0.25
    assert result.pictures.name == "digits"
    assert result.trained.n_steps == 30
    metrics = trained.run.metrics()
    assert sum("loss" in m for m in metrics) == 30
    assert not any("seconds" in key for m in metrics for key in m)
    assert result.clock.seconds > 0


def test_the_figure_is_drawn_with_its_words(trained):
    drawn = draw(FIGURES[0], trained.result, ("svg",))
    assert len(drawn.files["svg"]) > 1000
    assert "digits" in drawn.alt
    assert "thick: mean of 3 steps" in drawn.caption


def test_ctrl_c_waits_for_the_end_of_the_step(source, tmp_path):
    @contextmanager
    def pressing(label, unit="steps"):
        def advance(done, total):
            if done == 3:
                signal.raise_signal(signal.SIGINT)

        yield advance

    before = signal.getsignal(signal.SIGINT)  # a shell without a terminal may have it ignored
    config = TrainRunConfig(source, SMALL, TrainConfig(batch_size=16, checkpoint_every=1000))
    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, config, RunStore(tmp_path), progress=pressing)
    (checkpoint,) = tmp_path.glob("*/*/checkpoints/*.json")
    assert json.loads(checkpoint.read_text())["step"] == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_one_step_at_rate_zero_is_said_before_it_is_trained(source, monkeypatch, capsys):
    class Asked(BaseException):
        pass

    def stop(experiment, config, **kept):
        raise Asked

    module = sys.modules[f"{EXPERIMENT.package}.command"]
    monkeypatch.setattr(module, "perform", stop)
    with pytest.raises(Asked):
        command_module.command(data="digits", subset_train=128, batch_size=128)
    assert "The learning rate is 0 at every one of the run's 1 step" in capsys.readouterr().err


def test_other_pictures_are_another_run_and_the_same_at_another_place_are_not(source):
    again = replace(source, config=replace(source.config, data="elsewhere"))
    assert config_hash(TrainRunConfig(source)) == config_hash(TrainRunConfig(again))
    other = find_images(DataConfig("digits", subset_train=201, subset_val=60, validation=40))
    assert config_hash(TrainRunConfig(other)) != config_hash(TrainRunConfig(source))


@pytest.mark.parametrize(("scale", "epochs"), [("quick", 2), ("full", 10)])
def test_the_homework_trains_on_by_the_scheme_that_its_comparison_finds_best(scale, epochs):
    asked = Homework(scale, "digits", seed=7)
    (config,) = EXPERIMENT.homework(asked)
    (compare,) = COMPARISON.homework(asked)
    assert config.compared == f"images-compare/run-{config_hash(compare)}"
    assert config.source == compare.source
    assert (config.training.epochs, config.training.seed) == (epochs, 7)
    assert config.training.weight_decay > 0
    assert config.run_name == "best"


@pytest.mark.parametrize("schemes", [("constant",), ("annealed",), ("special",)])
def test_the_best_scheme_of_a_finished_comparison_is_trained_with(source, schemes, tmp_path):
    store = RunStore(tmp_path)
    training = TrainConfig(batch_size=40, flip="none")
    compare = CompareConfig(source, SMALL, training, schemes)
    compared = run_experiment(COMPARISON, compare, store).run
    config = TrainRunConfig(source, SMALL, replace(training, epochs=2), compared.id)
    result = run_experiment(EXPERIMENT, config, store).result
    assert result.from_best
    assert (result.trained.scheme,) == schemes
    assert schemes[0] in plain(continued(result))


def test_one_cycle_from_the_same_start_stands_beside_the_best_scheme_of_several_epochs(
    source, tmp_path
):
    store = RunStore(tmp_path)
    training = TrainConfig(batch_size=40, flip="none")
    compare = CompareConfig(source, SMALL, training, ("annealed",))
    compared = run_experiment(COMPARISON, compare, store).run
    config = TrainRunConfig(source, SMALL, replace(training, epochs=3), compared.id)
    result = run_experiment(EXPERIMENT, config, store).result
    alone = TrainRunConfig(source, SMALL, replace(training, epochs=3, scheme="one_cycle"))
    cycle = run_experiment(EXPERIMENT, alone, store).result
    assert result.trained.scheme == "annealed"
    assert there(result.cycle).loss.tolist() == cycle.trained.loss.tolist()
    assert there(result.cycle).test_accuracy == cycle.trained.test_accuracy
    assert there(result.cycle_clock).seconds > 0
    assert cycle.cycle is None


def test_annealing_over_more_epochs_falls_as_far_as_over_one():
    one = schedule("annealed", 1, 0.99)
    many = further(TrainConfig(epochs=5), "annealed")
    five = schedule(many.scheme, many.epochs, many.rate)
    once = often = 0.01
    for step in range(391):
        once = one(once, 0, step, 391)
    for step in range(5 * 391):
        often = five(often, *divmod(step, 391), 391)
    assert often == pytest.approx(once)
    # at the one epoch's factor every rate after the first epoch together is 2 % of the whole
    assert pytest.approx(0.02, abs=0.001) == 0.99**391
    assert further(TrainConfig(epochs=5), "special").rate is None


@pytest.mark.parametrize("epochs", [1, 3, 10])
def test_the_special_scheme_s_end_is_its_own(source, epochs, tmp_path):
    training = TrainConfig(epochs=epochs, batch_size=160, scheme="one_cycle", flip="none")
    result = run_experiment(
        EXPERIMENT,
        TrainRunConfig(source, NetworkConfig("fastnet", (4, 4, 4)), training),
        RunStore(tmp_path),
    ).result
    rate = special_schedule(epochs)
    rates = [rate(0.0, epoch, 0, 1) for epoch in range(epochs)]
    assert result.special_end == pytest.approx(rates[-1] / 0.1)


def test_bad_configs_are_refused(source):
    with pytest.raises(InputError, match="processes"):
        TrainRunConfig(source, processes=0)


@pytest.mark.parametrize("room", ["image_train", "image_compare", "image_fast"])
def test_the_command_s_help_needs_no_torch(room):
    code = (
        f"import sys; import pitfalls.experiments.{room}.command;"
        "assert not {'torch', 'matplotlib', 'numba', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_training_by_the_best_scheme_is_made_anew_where_another_is_best_now(source, tmp_path):
    store = RunStore(tmp_path)
    training = TrainConfig(batch_size=40, flip="none")
    compare = CompareConfig(source, SMALL, training, ("annealed", "constant"))
    compared = run_experiment(COMPARISON, compare, store)
    config = TrainRunConfig(source, SMALL, training, compared.run.id)
    first = run_experiment(EXPERIMENT, config, store).result.trained.scheme
    assert first == compared.result.best.scheme
    assert not run_experiment(EXPERIMENT, config, store).run.was_opened
    other = {"annealed": "constant", "constant": "annealed"}
    swapped = [replace(one, scheme=other[one.scheme]) for one in compared.result.trainings]
    entry = f"{COMPARISON.package}.run"
    with store.open(COMPARISON.name, compare, entry=entry, fresh=True) as run:
        run.save(replace(compared.result, trainings=tuple(swapped)))
    again = run_experiment(EXPERIMENT, config, store)
    assert again.run.was_opened
    assert again.result.trained.scheme == other[first]
