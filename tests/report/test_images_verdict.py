"""What the head of the images' chapter says of linear maps, whatever was measured."""

from dataclasses import replace

import pytest

from pitfalls.prose import plain
from pitfalls.report.findings import banner_of
from pitfalls.report.verdicts import sentences_of, verdicts_of
from tests.experiments.image_embed.results import result_of as embedded
from tests.experiments.image_regress.results import SEPARATIONS, result_of
from tests.kinds import there
from tests.report.forbidden import assert_well_formed


def row_of(result):
    verdict = verdicts_of({"images-regress": result})["images"]
    (row,) = (row for row in verdict.rows if plain(row.function) == "Linear maps of the pixels")
    return verdict, row


@pytest.mark.parametrize(
    ("separation", "train", "tone", "word"),
    [
        ("separable", 0.5, "yes", "yes"),
        ("not separable", 0.99, "no", "no"),
        ("undecided", 0.9, "open", "undecided"),
        ("undecided", 1.0, "yes", "yes"),
        ("not measured", 0.9, "open", "not measured"),
        ("not measured", 1.0, "yes", "yes"),
    ],
)
def test_what_linear_maps_represent_is_measured_or_not_claimed(separation, train, tone, word):
    _, row = row_of(result_of(separation=separation, train=train))
    assert (row.represented.tone, row.represented.word) == (tone, word)


@pytest.mark.parametrize("separation", SEPARATIONS)
@pytest.mark.parametrize(
    "sizes", [{"train": 3}, {"train": 90, "validation": 1}, {"train": 90, "test": 9}]
)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_the_verdict_is_well_formed_and_counts_its_classes(separation, sizes, n_classes):
    verdict, row = row_of(result_of(separation=separation, sizes=sizes, n_classes=n_classes))
    assert verdict.title == f"{n_classes} classes of pictures, digits"
    for text in (row.represented.evidence, row.found.evidence):
        assert_well_formed(plain(text))
        assert "represent well" not in plain(text)
    assert ("of the" in plain(row.found.evidence)) == (len(sizes) > 1)


def test_pictures_that_differ_between_experiments_are_all_named():
    digits = result_of()
    photos = replace(digits, pictures=replace(digits.pictures, name="photos {of} $x$"))
    same = {"images-regress": digits, "images-compare": digits}
    assert "in place of CIFAR-10" in plain(there(banner_of(same)))
    assert banner_of({"parity-curves": digits}) is None
    mixed = {"images-train": photos, "images-regress": digits, "linear-ranks": photos}
    said = plain(there(banner_of(mixed)))
    assert said.startswith("Not everything in question 4 is about the same pictures. digits: ")
    assert "classes (images-regress); photos {of} $x$: " in said
    assert said.endswith("classes (images-train). ")
    assert "in place of CIFAR-10" not in said


def test_the_plane_and_the_space_are_compared_on_the_same_pictures_alone():
    plane = embedded(sizes={"train": 300, "test": 150}, cca=0.6)
    space = result_of(unseen=0.9)

    def said(**results):
        return plain(sentences_of({f"images-{k}": v for k, v in results.items()})["images-planes"])

    assert said(embed=plane, regress=space) == (
        "Of the same test images the nearest centre in CCA's plane gets 60.0 % right, least squares in all "
        "dimensions 90.0 %. "
    )
    other = replace(plane, pictures=replace(plane.pictures, fingerprint="1" * 64))
    assert said(embed=other, regress=space) == said(regress=space) == said(embed=plane) == ""
    assert said(embed=embedded(sizes={"train": 300}), regress=space) == ""
