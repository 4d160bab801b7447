"""``pitfalls images download | embed | regress | summary | diagram``."""

from typing import Annotated, Any

from cyclopts import Parameter

from pitfalls.cli.images.options import ALL_DATA, DataOptions
from pitfalls.cli.performing import perform
from pitfalls.frame.session import remark, say
from pitfalls.frame.tables import print_table

__all__ = ["diagram", "download", "embed", "regress", "summary"]


def download(
    *,
    mirror: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
) -> None:
    """Fetch CIFAR-10 into the cache, going on where an earlier try stopped.

    Parameters
    ----------
    mirror
        http(s) addresses of cifar-10-python.tar.gz, or of a folder that has it, tried before the
        official host; the official checksum decides whether what they send is used.
    """
    from pitfalls.downloads import fetch_cifar10
    from pitfalls.frame.bars import TerminalProgress

    with TerminalProgress()("CIFAR-10", unit="bytes") as advance:
        path = fetch_cifar10(mirrors=tuple(mirror or ()), on_progress=advance)
    say(f"CIFAR-10 is in {path}, its checksum is the official one")


def embed(*, data: DataOptions = ALL_DATA, ridge: float = 0.0, thumbnails: int = 10_000) -> None:
    """Draw the images in two dimensions by PCA and by CCA (homework 4a).

    Parameters
    ----------
    ridge
        Added to the diagonal of S_xx for CCA.
    thumbnails
        How many images to keep for the report's interactive plot.
    """
    from pitfalls.experiments.linear_methods import EmbedConfig

    run = perform(EmbedConfig(data.find(), ridge, thumbnails))
    results = run.results()
    _say_data(results)
    shares, correlations = results["explained_variance_ratio"], results["canonical_correlations"]
    print_table(
        "Directions fitted on the training set",
        ["number", "PCA: share of variance", "CCA: canonical correlation"],
        [
            [i + 1, *(values[i] if i < len(values) else "" for values in (shares, correlations))]
            for i in range(max(len(shares), len(correlations)))
        ],
        caption=f"‖A'SA - I‖ = {results['whitening_error']:.1e}; rank {results['rank']} of "
        f"{results['n_features']}",
    )
    centres = results["centre_accuracy"]
    print_table(
        "Images nearest to their own class's centre, in the two dimensions drawn",
        ["part", "PCA %", "CCA %"],
        [
            [part, _percent(centres["pca"][part]), _percent(centres["cca"][part])]
            for part in centres["pca"]
        ],
    )


def regress(*, data: DataOptions = ALL_DATA, ridge: float = 0.0) -> None:
    """Classify by least squares with intercept onto one-hot labels (homework 4b).

    Parameters
    ----------
    ridge
        Added to the diagonal of the centred S_xx.
    """
    from pitfalls.experiments.linear_methods import RegressConfig

    results = perform(RegressConfig(data.find(), ridge)).results()
    _say_data(results)
    parts = [part for part in results["parts"] if results[f"n_{part}"]]
    print_table(
        "Least squares",
        ["part", "images", "accuracy %", "standard error"],
        [
            [
                part,
                results[f"n_{part}"],
                _percent(results[f"{part}_accuracy"]),
                _percent(_standard_error(results[f"{part}_accuracy"], results[f"n_{part}"])),
            ]
            for part in parts
        ],
        caption=f"rank {results['rank']} of {results['n_features']}"
        + (", the rest was projected away" if results["projected"] else "")
        + f"; residual of the normal equations {results['normal_residual']:.1e}",
    )


def summary(*, data: DataOptions = ALL_DATA, model: str = "resnet18") -> None:
    """Print a network's layers, shapes and parameters for the data's images (homework 4c).

    Parameters
    ----------
    model
        resnet18, fastnet, or your own as file.py:Name or package.module:Name.
    """
    say(_draw(data, model).results()["summary"])


def diagram(*, data: DataOptions = ALL_DATA, model: str = "resnet18") -> None:
    """Draw a network with C×H×W on its edges, as SVG, for the data's images (homework 4c).

    Parameters
    ----------
    model
        resnet18, fastnet, or your own as file.py:Name or package.module:Name.
    """
    run = _draw(data, model)
    results = run.results()
    say(f"{results['class_name']}: {results['n_parameters']:,} parameters")
    say(str(run.path / "figures" / "diagram.svg"))


def _draw(data: DataOptions, model: str) -> Any:
    from pitfalls.experiments.linear_methods import DiagramConfig
    from pitfalls.experiments.named_networks import describe_model

    found = data.find().load()
    for warning in found.warnings:
        remark(warning)
    digest = describe_model(model, found.shape)
    return perform(DiagramConfig(model, found.shape, found.n_classes, digest))


def _say_data(results: dict[str, Any]) -> None:
    say(
        f"{results['data']}: {results['n_train']:,} training images, "
        f"{results['n_test']:,} test images, {len(results['class_names'])} classes"
    )


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _standard_error(share: float, n: int) -> float:
    return float((share * (1 - share) / n) ** 0.5)
