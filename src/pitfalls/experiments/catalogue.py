"""The list of experiments: a new one is a folder beside this file, and a line in this list."""

import functools
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pitfalls.errors import InputError
from pitfalls.frame import Experiment

if TYPE_CHECKING:
    from cyclopts import App

__all__ = ["FOLDERS", "LABS", "add_commands", "all_experiments", "experiment_named"]

LABS: Mapping[str, tuple[str, ...]] = {
    "linear": (
        "linear_homework",
        "linear_capacity",
        "linear_minimum",
        "linear_classify",
        "linear_landscape",
        "linear_descend",
        "linear_tour",
        "linear_ranks",
    ),
    "parity": (
        "parity_exact",
        "parity_curves",
        "parity_gradients",
        "parity_signal",
        "parity_targets",
        "parity_along",
        "parity_sweep",
        "parity_depth",
        "parity_train",
    ),
    "images": (
        "image_embed",
        "image_regress",
        "image_diagram",
        "image_pace",
        "image_compare",
        "image_architectures",
        "image_train",
        "image_fast",
        "image_range",
        "image_evaluate",
    ),
    "": (
        "verify",
        "diagnosis",
        "diagnosis_labs",
        "diagnosis_zoo",
    ),
}
"""By the lab whose command line has their commands, or none: in the order in which the report quotes them."""

FOLDERS = tuple(folder for folders in LABS.values() for folder in folders)


def _experiment(folder: str) -> Experiment[Any, Any]:
    experiment: Experiment[Any, Any] = import_module(f"pitfalls.experiments.{folder}").EXPERIMENT
    return experiment


@functools.cache
def all_experiments() -> tuple[Experiment[Any, Any], ...]:
    """Return every experiment, in the report's order; a folder that does not exist is an error."""
    found = tuple(map(_experiment, FOLDERS))
    for what in ("name", "command", "config", "result"):
        values = [getattr(experiment, what) for experiment in found if getattr(experiment, what)]
        if len(set(values)) < len(values):
            raise InputError(f"all_experiments: two experiments have the same {what}.")
    return found


def add_commands(app: "App", lab: str) -> None:
    """Give a lab's command line the commands of its experiments; each is imported when it is used.

    Experiments of other labs are not looked at: a command's help waits for none of them.
    """
    for experiment in map(_experiment, LABS[lab]):
        if experiment.command:
            app.command(f"{experiment.package}.command:command", name=experiment.command[1])


def experiment_named(name: str) -> Experiment[Any, Any]:
    """Return the experiment whose runs lie in the folder ``name``."""
    for experiment in all_experiments():
        if experiment.name == name:
            return experiment
    raise InputError(
        f"no experiment is called {name!r}. There are: "
        f"{', '.join(experiment.name for experiment in all_experiments())}."
    )
