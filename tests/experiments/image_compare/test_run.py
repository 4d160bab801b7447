import random
import signal
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure as MplFigure
from matplotlib.text import Text
from safetensors.torch import load_file

from pitfalls.errors import DivergenceError, InputError
from pitfalls.experiments.image_compare import EXPERIMENT, CompareConfig
from pitfalls.experiments.image_compare.figures import FIGURES
from pitfalls.experiments.image_homework import QuickWork
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_workers import Workers
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.evaluation import predict_logits
from pitfalls.plots import draw
from pitfalls.runs import RunStore
from tests.experiments import killed_training
from tests.experiments.interruption import assert_equal
from tests.forked import start
from tests.kinds import of_kind

SMALL = NetworkConfig("fastnet", (8, 8, 8))


@pytest.fixture(scope="module")
def source():
    return find_images(DataConfig("digits", subset_train=200, subset_val=60, validation=40))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return killed_training.run(str(tmp_path_factory.mktemp("undisturbed")))


def assert_same_run(one, other):
    logs = [(r.run.path / "metrics.jsonl").read_bytes() for r in (one, other)]
    assert logs[0] == logs[1]
    for k in range(3):
        first, second = (load_file(r.run.path / f"weights-{k}.safetensors") for r in (one, other))
        for name in first:
            assert torch.equal(first[name], second[name]), name
    assert_equal(one.result, other.result)


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(undisturbed, tmp_path):
    generator = random.Random(0)
    kills = 0
    for _ in range(100):
        process = start(killed_training.run, str(tmp_path))
        # The start may take longer than such a short run: wait for its first new line, then a moment more.
        logs = list(tmp_path.glob("*/*/metrics.jsonl"))
        size = logs[0].stat().st_size if logs else 0
        while process.exitcode is None:
            logs = list(tmp_path.glob("*/*/metrics.jsonl"))
            if kills < 3 and logs and logs[0].stat().st_size > size:
                time.sleep(generator.random() * 0.2)
                process.kill()
                process.join()
                kills += process.exitcode == -signal.SIGKILL
            time.sleep(0.002)
        if process.exitcode == 0:
            break
    assert process.exitcode == 0
    assert kills > 0
    assert_same_run(undisturbed, killed_training.run(str(tmp_path)))


def interrupt(root, at, threads=None):
    """Run `killed_training`'s config and stop before step ``at``, as Ctrl-C does."""
    count = 0

    @contextmanager
    def stopping(label, unit="steps"):
        def advance(done, total):
            nonlocal count
            count += unit == "steps"
            if count == at:
                count += 1
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        killed_training.run(str(root), progress=stopping, threads=threads)


@pytest.mark.parametrize("at", [1, 2, 3, 26, 27, 50])
def test_a_run_interrupted_between_steps_ends_with_the_same_bits(undisturbed, tmp_path, at):
    interrupt(tmp_path, at)
    again = killed_training.run(str(tmp_path))
    assert_same_run(undisturbed, again)
    assert again.run.manifest.warnings == undisturbed.run.manifest.warnings


def test_a_run_continued_with_other_threads_says_so(tmp_path):
    interrupt(tmp_path, 26, threads=1)
    run = killed_training.run(str(tmp_path), threads=2).run
    (warning,) = run.manifest.warnings
    assert warning.startswith("Begun with 1 thread and continued with 2")
    assert run.manifest.threads == 2


@pytest.mark.parametrize("begun", [None, 2])
def test_a_run_goes_on_with_the_threads_it_was_begun_with(undisturbed, tmp_path, begun):
    before = torch.get_num_threads()
    interrupt(tmp_path, 60, threads=begun)  # the last training of three is begun
    torch.set_num_threads(before + 1)  # the machine has others by now
    try:
        again = killed_training.run(str(tmp_path))
    finally:
        torch.set_num_threads(before)
    assert again.run.manifest.threads == (begun or 1)
    assert again.run.manifest.warnings == undisturbed.run.manifest.warnings
    if begun is None:
        assert_same_run(undisturbed, again)


def test_a_run_goes_on_in_the_precision_in_which_it_was_begun(source, tmp_path, monkeypatch):
    has = {"fast": True}
    monkeypatch.setattr(
        "pitfalls.images.training.checks.has_fast_bfloat16", lambda device: has["fast"]
    )
    training = TrainConfig(batch_size=40, precision="auto", flip="none")
    config = CompareConfig(source, SMALL, training, schemes=("constant",))

    @contextmanager
    def stopping(label, unit="steps"):
        def advance(done, total):
            if done == 2:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, config, RunStore(tmp_path), progress=stopping)
    has["fast"] = False  # another machine
    assert (
        run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result.training.precision
        == "bfloat16"
    )


def test_schemes_start_from_the_same_weights_and_see_the_same_images(undisturbed):
    result = undisturbed.result
    assert [t.scheme for t in result.trainings] == ["constant", "annealed", "special"]
    assert len({t.loss[0] for t in result.trainings}) == 1
    sizes = [result.pictures.n(part) for part in ("train", "validation", "test")]
    assert sizes == [100, 20, 40]
    assert result.part == "validation"


def test_the_log_holds_the_curves_of_the_result(undisturbed):
    for made in undisturbed.result.trainings:
        lines = [m for m in undisturbed.run.metrics() if m["scheme"] == made.scheme and "loss" in m]
        assert [m["loss"] for m in lines] == made.loss.tolist()
        assert [m["rate"] for m in lines] == made.rate.tolist()


def test_a_scheme_that_diverges_is_said_and_the_others_go_on(source, tmp_path):
    # As a factor a step, ten leaves the finite numbers; as a constant rate it is bearable.
    training = TrainConfig(batch_size=16, epochs=6, rate=10.0)
    config = CompareConfig(source, SMALL, training, schemes=("annealed", "constant"))
    finished = run_experiment(EXPERIMENT, config, RunStore(tmp_path))
    result, run = finished.result, finished.run
    assert [row.scheme for row in result.rows] == ["constant"]
    assert [lost.scheme for lost in result.diverged] == ["annealed"]
    assert "annealed" in run.manifest.warnings[-1]
    assert "Lower the learning rate" in run.manifest.warnings[-1]
    assert "1 training diverged" in draw(FIGURES[0], result, ()).caption
    with pytest.raises(DivergenceError, match="every scheme diverged"):
        run_experiment(EXPERIMENT, replace(config, schemes=("annealed",)), RunStore(tmp_path))


def test_a_network_whose_test_outputs_are_not_finite_has_diverged(source, tmp_path, monkeypatch):
    asked = []

    def overflow_first(*args, **kwargs):
        asked.append(1)
        logits = predict_logits(*args, **kwargs)
        return logits * float("inf") if len(asked) == 1 else logits

    monkeypatch.setattr("pitfalls.experiments.image_member.predict_logits", overflow_first)
    config = CompareConfig(
        source, SMALL, TrainConfig(batch_size=100), schemes=("annealed", "constant")
    )
    finished = run_experiment(EXPERIMENT, config, RunStore(tmp_path))
    assert [row.scheme for row in finished.result.rows] == ["constant"]
    assert "outputs on the test images are not finite" in finished.run.manifest.warnings[-1]


def test_the_figure_is_drawn_with_its_words(undisturbed):
    drawn = draw(FIGURES[0], undisturbed.result, ("svg",))
    assert len(drawn.files["svg"]) > 1000
    assert "digits" in drawn.alt


def test_what_auto_decides_is_kept_with_its_reason(source, tmp_path):
    config = CompareConfig(source, SMALL, schemes=("constant",))
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert result.training.flip == "none"
    assert result.mirror == "pictures of digits do not keep their class in a mirror"
    assert result.training.crop_padding == 1


def test_the_homework_compares_its_three_schemes():
    (config,) = EXPERIMENT.homework(Homework("quick", "digits", seed=7))
    assert config.schemes == ("constant", "annealed", "special")
    assert (config.training.seed, config.training.flip) == (7, "none")
    assert (config.training.epochs, config.training.batch_size) == (1, 32)
    data = config.source.load()
    whole = find_images(DataConfig("digits")).load()
    assert (len(data.train_labels), len(data.test_labels)) == (
        min(32 * QuickWork().n_steps, len(whole.train_labels)),
        min(2_000, len(whole.test_labels)),
    )


@pytest.mark.parametrize(
    "bad", [{"schemes": ()}, {"schemes": ("stepped",)}, {"schemes": ("special",) * 2}, {"n_seeds": 0}]
)  # fmt: skip
def test_bad_configs_are_refused(source, bad):
    with pytest.raises(InputError, match="CompareConfig"):
        CompareConfig(source, **bad)


def test_starts_differ_by_the_seed_alone(source, tmp_path):
    training = TrainConfig(batch_size=80, flip="none", seed=5)
    config = CompareConfig(source, SMALL, training, schemes=("constant",), n_seeds=2)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert result.seeds == (5, 6)
    alone = replace(config, training=replace(training, seed=6), n_seeds=1)
    other = run_experiment(EXPERIMENT, alone, RunStore(tmp_path)).result
    np.testing.assert_array_equal(result.trainings[1].loss, other.trainings[0].loss)


def test_a_model_beside_the_networks_that_stand_in_its_place_is_refused(source):
    with pytest.raises(InputError, match=r"networks stand in place of model.* name fastnet among"):
        CompareConfig(source, SMALL, networks=("mlp", "linear"))
    assert CompareConfig(source, SMALL, networks=("mlp", "fastnet")).networks == ("mlp", "fastnet")
    assert CompareConfig(source, networks=("mlp", "linear")).networks == ("mlp", "linear")


def test_networks_are_compared_under_the_one_scheme_that_was_asked_for(source):
    usual = CompareConfig(source, networks=("mlp", "linear"))
    assert usual.schemes == ("one_cycle",)
    assert CompareConfig(source).schemes == ("constant", "annealed", "special")
    with pytest.raises(InputError, match=r"under one scheme\. Got constant, annealed, special"):
        CompareConfig(
            source, networks=("mlp", "linear"), schemes=("constant", "annealed", "special")
        )


def test_only_a_scheme_that_is_compared_asks_an_optimizer_for_a_rate(source):
    training = replace(CompareConfig(source).training, optimizer="adamw")
    compared = CompareConfig(source, SMALL, training, schemes=("constant", "annealed"))
    assert compared.schemes == ("constant", "annealed")
    with pytest.raises(InputError, match=r"adamw needs a rate of its own: linear.s peak"):
        CompareConfig(source, SMALL, training, schemes=("constant", "linear"))


@pytest.mark.parametrize("given", [{"address": "host:1"}, {"n_jobs": 2}])
def test_what_is_of_workers_is_refused_where_there_are_none(given):
    with pytest.raises(InputError, match="without a backend"):
        Workers(**given)
    assert Workers("dask", **given).backend == "dask"


def test_a_schemes_name_with_dollars_is_drawn_as_it_is(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a$b^2$.py").write_text(
        "def flat(previous, epoch, batch, n_batches): return 0.01\n"
    )
    config = CompareConfig(
        source, SMALL, TrainConfig(flip="none"), schemes=("constant", "a$b^2$.py:flat")
    )
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path / "runs")).result
    figure = of_kind(MplFigure, FIGURES[0].draw(result).figure)
    held = [text for text in figure.findobj(Text) if "b^2" in text.get_text()]
    assert len(held) >= 2
    assert not any(is_math_text(text.get_text()) for text in held)
