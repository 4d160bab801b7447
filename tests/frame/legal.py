"""Another legal value for any option of a command, and how it is typed."""

import types
from typing import Any, Literal, Union, get_args, get_origin

from pitfalls.frame.config_options import Option

__all__ = ["PLACED", "SPECIAL", "another", "beside", "tokens"]

SPECIAL: dict[tuple[str, str], Any] = {
    ("any", "data"): "digits",
    ("any", "modes"): (3.0, 2.0),
    ("images", "labels"): None,
    ("images-diagram", "inputs"): ("1x8x8",),
    ("images-diagram", "model"): "fastnet",
    ("images", "address"): "localhost:8786",
    ("images", "loss"): "torch.nn.functional:cross_entropy",
    ("images", "model"): "fastnet",
    ("images", "model_args"): None,
    ("images", "networks"): None,
    ("images", "optimizer"): "muon",
    ("images", "scheme"): "cosine",
    ("images", "start_from"): None,
    ("images", "start_member"): None,
    ("images", "track"): "tensorboard",
    ("images", "transforms"): ("flip",),
    ("images", "subset_train"): 900,
    ("images", "subset_val"): 100,
    ("images", "value_range"): (0.0, 255.0),
    ("images", "widths"): None,
    ("images-evaluate", "model"): None,
    ("images-fast", "views"): None,  # beside another target
    ("images-compare", "schemes"): ("special", "constant"),
    ("linear", "subset_train"): None,
    ("linear-classify", "weights"): None,
    ("linear-classify", "held"): (2,),
    ("linear-descend", "learning_rate"): 0.01,
    ("parity-depth", "activations"): ("tanh",),
    ("parity-sweep", "address"): "localhost:8786",
}
"""Values for options whose types alone do not say what is legal, by experiment and option."""


BESIDE: dict[tuple[str, str], tuple[str, ...]] = {
    ("images", "address"): ("--backend", "dask"),
    ("images", "n_jobs"): ("--backend", "loky"),
    **{
        ("images", name): ("--optimizer", "muon")
        for name in ("muon_rate", "muon_momentum", "bias_rate", "other_rate")
    },
    ("linear-descend", "learning_rate"): ("--method", "gradient"),
    ("parity", "betas"): ("--optimizer", "adam"),
    ("parity", "epsilon"): ("--optimizer", "adam"),
}
"""Words without which an option would have no effect, by experiment and option."""


PLACED = {"images-evaluate": ["images-train"]}
"""Words that a command must be given by their place, by experiment."""


def another(experiment: str, option: Option) -> Any:
    """Return a legal value other than the option's default."""
    for name in (experiment, experiment.partition("-")[0], "any"):
        if (name, option.name) in SPECIAL:
            return SPECIAL[name, option.name]
    return _other(get_args(option.annotation)[0], option.default)


def beside(experiment: str, option: Option) -> tuple[str, ...]:
    """Return the words that must stand beside an option."""
    names = (experiment, experiment.partition("-")[0])
    return next((BESIDE[n, option.name] for n in names if (n, option.name) in BESIDE), ())


def tokens(option: Option, value: Any) -> list[str]:
    """Return the words that give an option a value."""
    flag = "--" + option.name.replace("_", "-")
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    values = value if isinstance(value, tuple) else (value,)
    return [flag, *map(str, values)]


def _other(kind: Any, default: Any) -> Any:
    if get_origin(kind) is not None and hasattr(kind, "__metadata__"):
        return _other(get_args(kind)[0], default)
    if get_origin(kind) in (types.UnionType, Union):  # of what may be annotated itself
        return _other(next(part for part in get_args(kind) if part is not type(None)), default)
    if get_origin(kind) is Literal:
        return next(choice for choice in get_args(kind) if choice != default)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if Ellipsis not in get_args(kind):  # of a fixed length: another last value
            return (*default[:-1], _other(inner, default[-1]))
        return (*(default or ()), _other(inner, default[-1] if default else None))
    if kind is bool:
        return not default
    if kind is int:
        return (default or 2) + 1
    if kind is float:
        return (default or 1.0) / 2
    raise AssertionError(f"give SPECIAL a value for an option of {kind}")
