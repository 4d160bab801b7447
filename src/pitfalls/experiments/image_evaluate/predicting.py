"""``pitfalls images predict``: pictures of one's own, classified; as a table, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from pitfalls.display import Displayed
from pitfalls.errors import InputError, PitfallsError
from pitfalls.frame import Whole, complain, print_table, resolve_device, run_store, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pitfalls.experiments.image_trained import Trained

__all__ = ["Prediction", "as_csv", "as_json", "predict", "predict_files"]


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Displayed):
    """What a network says of one file.

    Attributes
    ----------
    picture : str
        The file.
    probabilities : array of shape (n_classes,), or None
        None where the file is no picture that can be read.
    error : str
        Why not; else empty.
    """

    picture: str
    probabilities: "NDArray[np.float64] | None"
    error: str = ""


def predict(
    paths: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    /,
    *,
    run: str,
    member: Whole = 0,
    views: Literal["plain", "mirror", "six"] = "plain",
    to: Path | None = None,
    model: str | None = None,
    value_range: Annotated[tuple[float, float] | None, Parameter(negative="")] = None,
) -> int:
    """Classify pictures of your own with a trained network; exit code 1 if one could not be read.

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
    to
        Write every class's probability into this file, which ends in .csv or .json.
    model
        A network of your own must be named again, as file.py:Name or package.module:Name, whose code
        is run: a run's folder alone never says what is run.
    value_range
        The stored values that are black and white in pictures of more than 8 bits, where they are
        not those that the network was trained on.
    """
    import numpy as np

    from pitfalls.experiments.image_trained import load_trained
    from pitfalls.prose import counted, percent

    if to is not None and to.suffix.lower() not in (".csv", ".json"):
        raise InputError(
            f"predict: --to names a file that ends in .csv or .json. Got {to} instead."
        )
    files = _picture_files(paths)
    trained = load_trained(run_store().find(run), member, model)
    if trained.kept.scale.of_extremes:
        complain(
            f"{run}: the network was trained on standardised numbers, whose extremes became black and "
            "white; where 0 and 255 of a picture of 8 bits lie among them is not known, and they are "
            "taken for the same. To be sure, train on bytes or on numbers from 0 to 1.",
            kind="warning",
        )
    found = predict_files(trained, files, views, value_range)
    names, (_, height, width) = trained.kept.class_names, trained.kept.shape
    temperature = trained.temperature(views)
    if to is not None:
        text = as_csv(found, names) if to.suffix.lower() == ".csv" else as_json(found, names)
        # a name that is no UTF-8 is escaped, in JSON as JSON does
        to.write_text(text, encoding="utf-8", errors="backslashreplace")
        say(f"wrote {counted(len(found), 'row')} to {to}")
    shown = min(3, len(names))
    rows = [
        (one.picture, *(f"{names[i]} {percent(float(p[i]), 2)}" for i in np.argsort(-p)[:shown]))
        for one in found
        if (p := one.probabilities) is not None
    ]
    print_table(
        f"{counted(len(rows), 'picture')}, scaled to {height}×{width}",
        ("picture", "first", "second", "third")[: 1 + shown],
        rows,
        caption="probabilities are not calibrated"
        if temperature is None
        else f"probabilities are calibrated on the validation images (temperature {temperature:.3g})",
    )
    for one in found:
        if one.error:
            complain(one.error, kind="warning")
    return 1 if len(rows) < len(found) else 0


def predict_files(
    trained: "Trained",
    files: Sequence[Path],
    views: Literal["plain", "mirror", "six"] = "plain",
    value_range: tuple[float, float] | None = None,
) -> tuple[Prediction, ...]:
    """Classify files in their order; one that cannot be read has an error instead of an answer.

    Every picture is read by the scale of the images that the network was trained on, never by its
    own: a dark one would become bright. ``value_range`` overrules it for numbers of more than 8 bits.

    Raises
    ------
    InputError
        If ``value_range`` is not two different finite numbers.
    """
    import numpy as np

    from pitfalls.images.data import check_value_range, read_picture

    check_value_range(value_range, "predict")
    channels, height, width = trained.kept.shape
    pictures, errors = [], dict[int, str]()
    for at, file in enumerate(files):
        try:
            pictures.append(
                read_picture(
                    file,
                    (height, width),
                    channels,
                    scale=trained.kept.scale,
                    value_range=value_range,
                )
            )
        except PitfallsError as error:
            errors[at] = str(error)
    answers = iter(())
    if pictures:
        answers = iter(trained.predict(np.stack(pictures), views=views, device=resolve_device()))
    return tuple(
        Prediction(str(file), None, errors[at])
        if at in errors
        else Prediction(str(file), next(answers))
        for at, file in enumerate(files)
    )


def as_csv(found: Sequence[Prediction], names: Sequence[str]) -> str:
    """Write one line a file: the answer, its probability, that of every class, and what was wrong.

    A class that is called as another column is told from it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ours = ["picture", "answer", "probability"]
    theirs = [f"{name} (class)" if name in (*ours, "error") else name for name in names]
    writer.writerow([*ours, *theirs, "error"])
    for one in found:
        if (p := one.probabilities) is None:
            writer.writerow([one.picture, "", "", *([""] * len(names)), one.error])
        else:
            first = int(p.argmax())
            writer.writerow([one.picture, names[first], float(p[first]), *map(float, p), ""])
    return text.getvalue()


def as_json(found: Sequence[Prediction], names: Sequence[str]) -> str:
    """Write one object a file, in a list."""
    records: list[dict[str, object]] = []
    for one in found:
        if (p := one.probabilities) is None:
            records.append({"picture": one.picture, "error": one.error})
            continue
        first = int(p.argmax())
        records.append(
            {
                "picture": one.picture,
                "answer": names[first],
                "probability": float(p[first]),
                "probabilities": dict(zip(names, map(float, p), strict=True)),
            }
        )
    return json.dumps(records, ensure_ascii=False, indent=2) + "\n"


def _picture_files(paths: Sequence[Path]) -> list[Path]:
    from pitfalls.images.data import PICTURE_ENDINGS, list_files

    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"predict: {path} does not exist. Name pictures, or folders of them.")
        if path.is_dir():
            tree = list_files(path)
            inside = [path / f for f in tree if f.lower().endswith(PICTURE_ENDINGS)]
            if not inside:
                raise InputError(f"predict: {path} holds no pictures.")
            files += inside
        else:
            files.append(path)
    return files
