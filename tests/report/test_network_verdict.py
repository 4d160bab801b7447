"""The rows of networks in the verdict on pictures."""

import pytest

from pitfalls.experiments.image_curves import Diverged
from pitfalls.prose import plain
from pitfalls.report.verdicts.images import images_verdict
from pitfalls.report.verdicts.networks import _fitted, network_rows
from tests.experiments.image_compare.test_words import result_of as compared
from tests.experiments.image_train.test_words import result_of as trained
from tests.experiments.image_trainings import training
from tests.kinds import there
from tests.report.forbidden import assert_well_formed


@pytest.mark.parametrize(
    ("test", "word"), [(0.1, "no"), (0.12, "no"), (0.5, "in part"), (0.95, "yes")]
)
def test_what_one_answer_for_all_images_reaches_is_not_found(test, word):
    for rows in (
        network_rows(compared(training(test=test)), None),
        network_rows(None, trained(training(test=test))),
    ):
        (row,) = rows
        assert row.found.word == word


def test_a_network_is_said_to_represent_only_what_it_was_seen_to_fit():
    for share, word in ((0.5, "not measured"), (0.995, "yes")):
        (row,) = network_rows(None, trained(training(train=(share,))))
        assert row.represented.word == word


def test_a_scheme_that_diverged_has_its_row():
    gone = [Diverged("annealed", 123, "the loss is nan at step 3")]
    rows = network_rows(compared(training("constant"), diverged=gone), None)
    assert [plain(row.function) for row in rows] == [
        "ResNet18, constant scheme", "ResNet18, annealed scheme"
    ]  # fmt: skip
    assert plain(rows[1].found.evidence) == "Every training diverged."


def test_what_some_starts_lost_is_not_found_without_reserve():
    won = [training("constant", seed=seed, test=0.95) for seed in (1, 2)]
    gone = [Diverged("constant", 3, "the loss is nan at step 3")]
    (row,) = network_rows(compared(*won, diverged=gone), None)
    assert row.found.word == "in part"
    assert plain(row.found.evidence).endswith("the mean of 2 starts; 1 of 3 trainings diverged.")
    (row,) = network_rows(compared(*won), None)
    assert row.found.word == "yes"


def test_what_one_class_gets_more_of_was_not_fitted():
    for constant, word in ((0.995, "not measured"), (0.5, "yes"), (0.992, "yes")):
        assert _fitted(0.992, constant).word == word


def test_the_title_counts_the_classes_of_the_pictures():
    assert images_verdict(None, None, None) is None
    found = there(images_verdict(None, compared(training(), n_classes=2), None))
    assert found.title == "2 classes of pictures, digits"
    assert found.sources == ("images-compare",)


@pytest.mark.parametrize("epochs", [1, 2])
def test_every_row_is_well_formed(epochs):
    made = training(train=(0.3,) * epochs)
    for row in network_rows(compared(made, training("constant")), trained(made)):
        for text in (row.function, row.represented.evidence, row.found.evidence):
            assert_well_formed(plain(text), n=1)
