"""Every experiment has all its parts, and no option of a command moves another's default."""

import importlib
import typing
from dataclasses import is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import pitfalls.experiments
from pitfalls.cli import main
from pitfalls.errors import InputError
from pitfalls.experiments.catalogue import FOLDERS, LABS, all_experiments, experiment_named
from pitfalls.experiments.image_source import find_images
from pitfalls.frame import Homework, Located
from pitfalls.frame.config_options import options_of
from pitfalls.images.data import DataConfig
from pitfalls.runs import RunStore
from tests.experiments.image_evaluate.made import keep_some
from tests.frame.legal import PLACED, another, beside, tokens

EXPERIMENTS = {experiment.name: experiment for experiment in all_experiments()}
WITH_COMMAND = [name for name, experiment in EXPERIMENTS.items() if experiment.command]


def test_every_folder_is_in_the_list():
    root = Path(pitfalls.experiments.__file__).parent
    assert sorted(FOLDERS) == sorted(p.name for p in root.iterdir() if (p / "__init__.py").exists())


def test_an_experiment_stands_under_the_lab_whose_command_line_has_its_command():
    for lab, folders in LABS.items():
        for experiment in all_experiments():
            under = experiment.package.rpartition(".")[2] in folders
            if len(experiment.command) == 2:
                first = experiment.command[0]
                assert under == (lab == (first if first in LABS else ""))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_has_all_its_parts_with_the_types_that_it_states(name):
    experiment = EXPERIMENTS[name]
    for kind in (experiment.config, experiment.result):
        assert is_dataclass(kind)
        assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    part = importlib.import_module(f"{experiment.package}.run")
    hints = typing.get_type_hints(part.run)
    assert (hints["config"], hints["return"]) == (experiment.config, experiment.result)
    words = importlib.import_module(f"{experiment.package}.words")
    for function in (words.account, words.basis, words.charts):
        assert typing.get_type_hints(function)["result"] == experiment.result
    names = [figure.name for figure in experiment.figures()]
    assert len(set(names)) == len(names)
    if experiment.question is not None:
        assert typing.get_type_hints(part.homework)["asked"] is Homework


def test_an_unknown_experiment_is_named_with_those_there_are():
    with pytest.raises(InputError, match="parity-signal"):
        experiment_named("parity-singal")


@pytest.fixture(scope="module", autouse=True)
def pictures(tmp_path_factory):
    """Let commands that are given no data find other pictures than the digits, and a run of networks."""
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1200, 8, 8), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(1200) % 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITFALLS_DATA", str(path))
        patch.setenv("PITFALLS_RUNS", str(path.parent / "runs"))
        keep_some(RunStore(), find_images(DataConfig()), n=4, alike=True)
        yield


class Asked(BaseException):
    """Carries the config that a command asks for."""


def config_of(experiment, words, monkeypatch):
    module = importlib.import_module(f"{experiment.package}.command")

    def stop(experiment, config, **kept):
        raise Asked(config)

    monkeypatch.setattr(module, "perform", stop)
    from cyclopts import App

    app = App()
    app.default(module.command)
    with pytest.raises(Asked) as caught:
        app([*PLACED.get(experiment.name, []), *words], exit_on_error=False, print_error=False)
    return caught.value.args[0]


def changed(config, path, value):
    name, *rest = path
    return replace(config, **{name: changed(getattr(config, name), rest, value) if rest else value})


@pytest.mark.parametrize("name", WITH_COMMAND)
def test_one_option_changes_its_own_field_and_no_other_s_default(name, monkeypatch):
    experiment = EXPERIMENTS[name]
    module = importlib.import_module(f"{experiment.package}.command")
    for option in options_of(module.command):
        value = another(experiment.name, option)
        if value is None:
            continue  # legal only beside other options
        needed = beside(experiment.name, option)
        plain = config_of(experiment, needed, monkeypatch)
        config = config_of(experiment, [*needed, *tokens(option, value)], monkeypatch)
        held = option.path[1]
        if is_located(experiment.config, held):
            assert getattr(config, held) != getattr(plain, held), option.name
            assert replace(config, **{held: getattr(plain, held)}) == plain, option.name
        else:
            assert config == changed(plain, option.path[1:], value), option.name


def is_located(config, name):
    extras = typing.get_args(typing.get_type_hints(config, include_extras=True)[name])
    return any(isinstance(extra, Located) for extra in extras)


def test_a_run_belongs_to_the_code_of_its_folder(tmp_path):
    from pitfalls.experiments.linear_capacity import EXPERIMENT, CapacityConfig
    from pitfalls.frame.experiment import run_experiment
    from pitfalls.runs.code import code_modules

    run = run_experiment(EXPERIMENT, CapacityConfig(), RunStore(tmp_path)).run
    older = run.is_older
    run.manifest.code = "0" * 12
    assert (older, run.is_older) == (False, True)
    modules = code_modules(f"{EXPERIMENT.package}.run")
    assert {"pitfalls.linear.capacity", "pitfalls.experiments.linear_capacity.records"} <= modules
    assert not any(name.endswith((".words", ".figures", ".command")) for name in modules)


OWN_GRAMMAR = {
    "inputs",  # shapes, 3x32x32: the refusal shows one
    "model_args",  # name=value, for a network of one's own; a value may have commas
    "networks",  # resnet18,widths=8: each with what it is made with
}


def lists():
    for experiment in EXPERIMENTS.values():
        if experiment.command:
            command = importlib.import_module(f"{experiment.package}.command")
            for option in options_of(command.command) if hasattr(command, "command") else ():
                if "tuple[" in str(option.annotation) and option.name not in OWN_GRAMMAR:
                    yield experiment.command, f"--{option.name.replace('_', '-')}"


def test_a_list_with_commas_is_refused_in_one_line_that_shows_how_it_is_written(capsys):
    found = list(lists())
    assert len(found) > 40
    for command, option in found:
        for words in ([option, "8,6,4"], [f"{option}=8,6,4"]):
            assert main([*command, *words]) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1
            assert f"A list is written with spaces: {option} 8 6 4." in said
