"""``pitfalls images evaluate | predict``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from pitfalls.errors import InputError
from pitfalls.experiments.image_evaluate import EXPERIMENT, EvaluateConfig
from pitfalls.frame import options, perform, print_table, resolve_device, run_store, say

__all__ = ["command", "predict"]


@options
def command(run: str, config: EvaluateConfig) -> None:
    """Show what a trained network confuses, how sure it is and its worst mistakes.

    Parameters
    ----------
    run
        A finished run of train, compare or fast: its id, a part of it, or its folder.
    """
    from pitfalls.experiments.image_source import called
    from pitfalls.experiments.image_trained import weights_digest
    from pitfalls.experiments.image_words import interval
    from pitfalls.prose import counted

    trained = run_store().find(run)
    config = replace(
        config,
        trained_run=trained.id,
        weights_sha256=weights_digest(trained, config.member),
        trained_folder=str(trained.path),
    )
    result = perform(EXPERIMENT, config).result
    names = result.pictures.class_names
    shares = zip((*names, "all"), (*result.confusion.classes, result.confusion.right), strict=True)
    print_table(
        f"{result.pictures.name}, {result.confusion.right.n:,} {called(result.part)} images",
        ("class", "images", "accuracy"),
        [
            (name, share.n if share else 0, interval(share, 2) if share else None)
            for name, share in shares
        ],
        caption="in brackets the interval of 95 % for counting",
    )
    for mistake in result.confusion.mistakes(5):
        say(
            f"{names[mistake.true]} taken for {names[mistake.predicted]}: "
            f"{counted(mistake.n, 'image')}"
        )
    say(
        f"cross-entropy {result.loss:.4f} nats, calibration error "
        f"{100 * result.calibration.error:.2f} points"
    )


def predict(
    paths: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    /,
    *,
    run: str,
    member: int = 0,
    views: Literal["plain", "mirror", "six"] = "plain",
    model: str | None = None,
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
    model
        A network of your own must be named again, as file.py:Name or package.module:Name, whose code
        is run: a run's folder alone never says what is run.
    """
    import numpy as np

    from pitfalls.experiments.image_trained import load_trained
    from pitfalls.images.data import read_picture
    from pitfalls.prose import counted, percent

    files = _picture_files(paths)
    trained = load_trained(run_store().find(run), member, model)
    channels, height, width = trained.kept.shape
    names = trained.kept.class_names
    pictures = np.stack([read_picture(file, (height, width), channels) for file in files])
    probabilities = trained.predict(pictures, views=views, device=resolve_device())
    shown = min(3, len(names))
    print_table(
        f"{counted(len(files), 'picture')}, scaled to {height}×{width}",
        ("picture", "first", "second", "third")[: 1 + shown],
        [
            (
                str(file),
                *(f"{names[i]} {percent(float(row[i]), 2)}" for i in np.argsort(-row)[:shown]),
            )
            for file, row in zip(files, probabilities, strict=True)
        ],
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
