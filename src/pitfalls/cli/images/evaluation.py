"""``pitfalls images evaluate | predict``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from pitfalls.cli.images.options import percent
from pitfalls.cli.performing import perform
from pitfalls.errors import InputError
from pitfalls.frame.session import resolve_device, run_store, say
from pitfalls.frame.tables import print_table

__all__ = ["evaluate", "predict"]


def evaluate(
    run: str,
    /,
    *,
    part: Literal["validation", "test"] = "test",
    views: Literal["plain", "mirror", "six"] = "plain",
    member: int = 0,
) -> None:
    """Show what a trained network confuses, how sure it is and its worst mistakes.

    Parameters
    ----------
    run
        A finished run of train, compare or fast: its id, a part of it, or its folder.
    part
        Which images.
    views
        Average the answers over an image and its mirror image, or over six views.
    member
        Which of the run's trainings, counted from 0.
    """
    from pitfalls.experiments.image_evaluation import evaluation_of

    trained = run_store().find(run)
    config = evaluation_of(trained, member=member, part=part, views=views, device=resolve_device())
    results = perform(config).results()
    rows = [
        [name, percent(accuracy)]
        for name, accuracy in zip(results["class_names"], results["class_accuracy"], strict=True)
    ]
    print_table(
        f"{results['data']}, {results['n']:,} {part} images",
        ["class", "accuracy"],
        [*rows, ["all", percent(results["accuracy"])]],
    )
    for pair in results["confused_most"]:
        say(f"{pair['images']:>5} of class {pair['true']} were taken for {pair['predicted']}")
    say(
        f"cross-entropy {results['loss']:.4f} nats, calibration error "
        f"{100 * results['calibration_error']:.2f} points"
    )


def predict(
    paths: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    /,
    *,
    run: str,
    member: int = 0,
    views: Literal["plain", "mirror", "six"] = "plain",
) -> None:
    """Classify pictures of your own with a trained network.

    Parameters
    ----------
    paths
        Picture files, or folders of them and of further folders.
    run
        A finished run of train, compare or fast: its id, a part of it, or its folder.
    member
        Which of the run's trainings, counted from 0.
    views
        Average the answers over an image and its mirror image, or over six views.
    """
    import numpy as np

    from pitfalls.experiments.image_trained import load_trained
    from pitfalls.images.data import read_picture

    files = _picture_files(paths)
    trained = load_trained(run_store().find(run), member)
    channels, height, width = trained.kept.shape
    pictures = np.stack([read_picture(file, (height, width), channels) for file in files])
    probabilities = trained.predict(pictures, views=views, device=resolve_device())
    rows = []
    for file, row in zip(files, probabilities, strict=True):
        best = np.argsort(-row)[:3]
        rows.append(
            [str(file), *(f"{trained.kept.class_names[i]} {percent(float(row[i]))}" for i in best)]
        )
    print_table(
        f"{len(files)} pictures, scaled to {height}×{width}",
        ["picture", "first", "second", "third"][: 1 + min(3, len(trained.kept.class_names))],
        rows,
    )


def _picture_files(paths: Sequence[Path]) -> list[Path]:
    from pitfalls.images.data import PICTURE_ENDINGS

    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(f for f in path.rglob("*") if f.suffix.lower() in PICTURE_ENDINGS)
            # hidden ones, macOS' ._a.png say, are no pictures
            inside = [f for f in inside if not any(p[0] == "." for p in f.relative_to(path).parts)]
            if not inside:
                raise InputError(f"predict: {path} holds no PNG or JPEG files.")
            files += inside
        else:
            files.append(path)
    return files
