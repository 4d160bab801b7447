from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from cyclopts import App, CycloptsError, Parameter

from pitfalls.errors import InputError
from pitfalls.frame import HIDDEN, Located, options


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    n_iterations, batch_size : int
        Counts.
    rate : float
        Step.
    seed : int
        Of everything.
    """

    n_iterations: int = 50_000
    batch_size: int = 100
    rate: float | None = None
    seed: int = 1


@dataclass(frozen=True)
class Data:
    """Where from.

    Parameters
    ----------
    path : str
        A file.
    """

    path: str = "digits"


@dataclass(frozen=True)
class Config:
    """What to do.

    Parameters
    ----------
    widths : tuple of int
        Layer widths.
    loss : str
        Which.
    nesterov : bool
        Whether.
    """

    source: Annotated[str, Located(Data, lambda data: f"found {data.path}")]
    widths: Annotated[tuple[int, ...], Parameter(alias="-w")] = (3, 2)
    loss: Literal["hinge", "square"] = "hinge"
    nesterov: bool = False
    digest: Annotated[str, HIDDEN] = "x"
    training: Training = field(default_factory=lambda: Training(n_iterations=3_000))
    seed: int = 7


def run(*tokens, command=None):
    seen = []

    def take(config: Config, *, extra: int = 0) -> None:
        seen.append((config, extra))

    app = App(result_action="return_value")
    app.default(options(command or take))
    app(list(tokens), exit_on_error=False, print_error=False)
    return seen[0]


def test_without_options_the_config_is_the_default_one_with_the_session_s_seed():
    config, extra = run()
    assert config == Config("found digits", training=Training(3_000, seed=123), seed=123)
    assert extra == 0


@pytest.mark.parametrize(
    ("tokens", "changed"),
    [
        (["--widths", "8", "6", "4"], {"widths": (8, 6, 4)}),
        (["-w", "5"], {"widths": (5,)}),
        (["--loss", "square"], {"loss": "square"}),
        (["--nesterov"], {"nesterov": True}),
        (["--no-nesterov"], {"nesterov": False}),
        (["--path", "a b"], {"source": "found a b"}),
        (["--batch-size", "50"], {"training": Training(3_000, 50, seed=123)}),
        (["--rate", "0.5"], {"training": Training(3_000, rate=0.5, seed=123)}),
    ],
)
def test_one_option_changes_its_own_field_and_no_other(tokens, changed):
    from dataclasses import replace

    assert run(*tokens)[0] == replace(run()[0], **changed)


def test_other_parameters_of_the_command_stay_options():
    assert run("--extra", "3")[1] == 3


def test_hidden_and_session_fields_are_no_options():
    for tokens in (["--digest", "y"], ["--seed", "3"], ["--source", "s"]):
        with pytest.raises(CycloptsError):
            run(*tokens)


def test_two_fields_of_one_name_are_refused():
    @dataclass(frozen=True)
    class Twice:
        """Clash.

        Parameters
        ----------
        rate : float
            One.
        """

        rate: float = 1.0
        training: Training = field(default_factory=Training)

    def take(config: Twice) -> None: ...

    with pytest.raises(InputError, match=r"config\.rate and config\.training\.rate"):
        options(take)


def test_a_field_without_help_is_refused():
    @dataclass(frozen=True)
    class Silent:
        """Nothing said."""

        depth: int = 1

    def take(config: Silent) -> None: ...

    with pytest.raises(InputError, match=r"Silent\.depth has no help"):
        options(take)


@dataclass(frozen=True)
class Counts:
    """Whole numbers.

    Parameters
    ----------
    rank : int
        One.
    steps : int or None
        One or none.
    sizes : tuple of int
        Many.
    """

    rank: int = 1
    steps: int | None = None
    sizes: tuple[int, ...] = ()


def counts(*tokens):
    found = []
    app = App(result_action="return_value")

    @app.default
    @options
    def take(config: Counts) -> None:
        found.append(config)

    app(tokens, exit_on_error=False, print_error=False)
    return found[0]


@pytest.mark.parametrize("text", ["1000", "1e3", "1000.0", "+1000", "1_000"])
def test_a_whole_number_is_taken_however_it_is_written(text):
    assert counts("--rank", text, "--steps", text, "--sizes", text, "2") == Counts(
        1000, 1000, (1000, 2)
    )


@pytest.mark.parametrize(
    "text", ["1.5", "0.5", "nan", "inf", "", "x", "1e-3", str(2**63), "1e30", "1e999999999"]
)
@pytest.mark.parametrize("name", ["--rank", "--steps", "--sizes"])
def test_what_is_no_whole_number_is_refused_and_not_rounded(name, text):
    with pytest.raises(CycloptsError):
        counts(name, text)
