"""Images behind points and cells: the embedding explorer and the confusion matrix."""

from typing import Any

import numpy as np

from pitfalls.plots import CLASS_COLOURS
from pitfalls.report.explore.packing import Sprite, View, pack_embedding
from pitfalls.runs import Run

__all__ = ["confusion", "embedding"]

SHOWN = 24
"""Images a cell of the confusion matrix shows."""

WORDS = {"train": "training", "validation": "validation", "test": "test"}


def embedding(run: Run, thumbnails: int | None) -> dict[str, Any]:
    """Return both scatter plots with the images behind their points.

    Parameters
    ----------
    run : Run
        Of ``images-embed``.
    thumbnails : int or None
        Carry at most that many; None for all that the run has.
    """
    results, arrays = run.results(), run.arrays("embedding")
    part = arrays["part"]
    # parts without images would only clutter the switch
    present = [i for i in range(len(results["parts"])) if np.any(part == i)]
    renumber = np.zeros(len(results["parts"]), dtype=np.uint8)
    renumber[present] = np.arange(len(present))
    sheet = results["thumbnails"]
    tile = arrays["tile"]
    sprite = None
    if sheet is not None:
        webp = run.read_file(sheet["file"])
        sprite = Sprite(webp, sheet["size"], sheet["columns"])
        if thumbnails is not None and sheet["count"] > thumbnails:
            sprite, tile = _fewer(sprite, tile, thumbnails)
    return pack_embedding(
        classes=results["class_names"],
        colours=CLASS_COLOURS,
        splits=[WORDS[results["parts"][i]] for i in present],
        labels=arrays["labels"],
        split=renumber[part],
        index=arrays["index"],
        tile=tile,
        sprite=sprite,
        views=[
            View(
                "PCA",
                "PCA: labels unseen",
                tuple(results["axes"]["pca"]),
                arrays["pca"],
            ),
            View(
                "CCA",
                "CCA: fitted to the labels",
                tuple(results["axes"]["cca"]),
                arrays["cca"],
            ),
        ],
    )


def _fewer(sprite: Sprite, tile: np.ndarray, most: int) -> tuple[Sprite, np.ndarray]:
    """Keep every so many thumbnails of a sheet that has more than wanted."""
    import io

    from PIL import Image

    count = int(tile.max()) + 1
    kept = np.linspace(0, count - 1, most).round().astype(int)
    columns = int(np.ceil(np.sqrt(most)))
    source = Image.open(io.BytesIO(sprite.webp)).convert("RGB")
    edge = sprite.size
    small = Image.new("RGB", (columns * edge, -(-most // columns) * edge))
    for at, old in enumerate(kept):
        row, column = divmod(int(old), sprite.columns)
        box = (column * edge, row * edge, (column + 1) * edge, (row + 1) * edge)
        small.paste(source.crop(box), (at % columns * edge, at // columns * edge))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80, method=2)
    renumber = np.full(count + 1, -1, dtype=np.int32)  # the last entry answers for -1
    renumber[kept] = np.arange(most)
    return Sprite(buffer.getvalue(), edge, columns), renumber[tile]


def confusion(run: Run, embedded: Run | None, carried: dict[str, Any] | None) -> dict[str, Any]:
    """Return the confusion matrix with the images of each cell.

    Parameters
    ----------
    run : Run
        Of ``images-evaluate``.
    embedded : Run, optional
        Of ``images-embed``: where the thumbnails of the same data lie.
    carried : dict, optional
        What `embedding` returned: the thumbnails that the page has anyway.
    """
    results, arrays = run.results(), run.arrays("evaluation")
    cells: dict[str, list[dict[str, Any]]] = {}
    tiles = _tiles(run, embedded, carried)
    if tiles and "indices" in arrays:
        order = np.argsort(-arrays["confidences"], kind="stable")
        for i in order:
            tile = tiles.get(int(arrays["indices"][i]))
            found = cells.setdefault(f"{arrays['labels'][i]}-{arrays['predictions'][i]}", [])
            if tile is not None and len(found) < SHOWN:
                found.append(
                    {
                        "tile": tile,
                        "index": int(arrays["indices"][i]),
                        "confidence": round(float(arrays["confidences"][i]), 4),
                    }
                )
    return {
        "label": f"Confusion matrix on {results['n']:,} {results['part']} images of {results['data']}",
        "classes": results["class_names"],
        "counts": arrays["confusion"].tolist(),
        "cells": cells,
        # the embedding's sheet is in the page already
        "sprite": "embedding" if tiles else None,
    }


def _tiles(run: Run, embedded: Run | None, carried: dict[str, Any] | None) -> dict[int, int]:
    """Return the sheet's tile of each image of the evaluated part, by its index."""
    if embedded is None or carried is None or carried["sprite"] is None:
        return {}
    results = embedded.results()
    if results["data"] != run.results()["data"]:
        return {}
    arrays = embedded.arrays("embedding")
    mine = arrays["part"] == results["parts"].index(run.results()["part"])
    import base64

    tile = np.frombuffer(base64.b64decode(carried["tile"]), dtype="<i4")
    return {
        int(index): int(t)
        for index, t in zip(arrays["index"][mine], tile[mine], strict=True)
        if t >= 0
    }
