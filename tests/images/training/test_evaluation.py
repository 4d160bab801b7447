from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, log_loss
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images.networks import normalize
from pitfalls.images.training.evaluation import Views, evaluate, predict_logits

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)


@given(st.integers(1, 60), st.integers(2, 5), st.integers(0, 2**31))
def test_evaluation_agrees_with_scikit_learn_and_a_slow_calibration_error(n, k, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, k)) * 3, rng.integers(k, size=n)
    result = evaluate(logits, labels, n_bins=7)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    predicted, sure = shares.argmax(1), shares.max(1)
    assert result.accuracy == pytest.approx(np.mean(predicted == labels))
    assert result.loss == pytest.approx(log_loss(labels, shares, labels=range(k)))
    assert (result.confusion == confusion_matrix(labels, predicted, labels=range(k))).all()
    slow = 0.0
    for b in range(7):
        inside = (sure > b / 7) & (sure <= (b + 1) / 7)
        if inside.any():
            right = np.mean(predicted[inside] == labels[inside])
            slow += inside.mean() * abs(sure[inside].mean() - right)
    assert result.calibration_error == pytest.approx(slow, abs=1e-9)
    wrong = np.flatnonzero(predicted != labels)
    assert sorted(result.mistakes.tolist()) == wrong.tolist()
    assert (np.diff(sure[result.mistakes]) <= 1e-12).all()


def test_a_class_without_images_has_no_accuracy():
    result = evaluate(torch.eye(3)[:2], [0, 1])
    assert result.class_accuracy[:2].tolist() == [1.0, 1.0]
    assert np.isnan(result.class_accuracy[2])


class Probe(nn.Module):
    """Answers with two pixels, so that a test sees which view came in."""

    def forward(self, images):
        return torch.stack([images[:, 0, 2, 1], images[:, 0, 0, 0]], 1)


def test_views_are_the_image_its_mirror_and_two_diagonal_shifts():
    pixels = torch.arange(25, dtype=torch.uint8).reshape(1, 1, 5, 5)
    image = normalize(pixels, (0.0,), (1.0,))[0, 0] * 255

    def mirror_mean(picture):
        return (picture[2, 1] + picture[2, 3]) / 2

    reflected = torch.nn.functional.pad(image[None, None], (1,) * 4, mode="reflect")[0, 0]
    shifted = (mirror_mean(reflected[:5, :5]) + mirror_mean(reflected[2:, 2:])) / 2
    expected: dict[Views, Any] = {
        "plain": image[2, 1],
        "mirror": mirror_mean(image),
        "six": (mirror_mean(image) + shifted) / 2,
    }
    for views, value in expected.items():
        got = predict_logits(Probe(), pixels, (0.0,), (1.0,), views=views)[0, 0] * 255
        assert got == pytest.approx(float(value), abs=1e-4), views


def test_six_views_weigh_the_middle_one_half_and_each_shift_a_quarter():
    class Marked(nn.Module):
        """Says which of the three views it sees, by the view's corner pixel."""

        def forward(self, images):
            return images[:, 0, 1, 1:3].sum(1, keepdim=True)

    pixels = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    pixels[0, 0, 1, 1] = 255  # in sight of the unmoved view and of one shift at the most
    views = torch.nn.functional.pad(pixels.float() / 255, (1,) * 4, mode="reflect")[0, 0]
    seen = [views[top : top + 4, top : top + 4][1, 1:3].sum().item() for top in (1, 0, 2)]
    assert len(set(seen)) > 1  # else any weights would do
    got = predict_logits(Marked(), pixels, (0.0,), (1.0,), views="six").item()
    assert got == pytest.approx(seen[0] / 2 + seen[1] / 4 + seen[2] / 4, abs=1e-6)


def test_what_lies_beyond_the_border_of_a_shifted_view_is_mirrored():
    class Corner(nn.Module):
        def forward(self, images):
            return images[:, 0, 0, :1]

    pixels = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4)
    image = pixels[0, 0].double()
    plain = (image[0, 0] + image[0, 3]) / 2  # the corner, and that of the mirror image
    left_up = (image[1, 1] + image[1, 2]) / 2  # row 1 mirrored to row -1, column 1 to column -1
    right_down = (image[1, 1] + image[1, 2]) / 2
    expected = plain / 2 + (left_up + right_down) / 4
    got = predict_logits(Corner(), pixels, (0.0,), (1.0,), views="six")[0, 0] * 255
    assert got == pytest.approx(float(expected), abs=1e-4)


def test_each_module_gets_its_own_mode_back():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(48, 2))
    network[0].eval()  # frozen, as fine-tuning does
    predict_logits(network, torch.zeros(1, 3, 4, 4, dtype=torch.uint8), MEAN, STD)
    assert [m.training for m in network] == [False, True, True, True]


def test_labels_may_be_whole_floats_and_tensors():
    logits = torch.eye(3)
    for labels in ([0.0, 1.0, 2.0], torch.tensor([0, 1, 2]), np.array([0, 1, 2], dtype=np.uint8)):
        assert evaluate(logits, labels).accuracy == 1.0


@pytest.mark.parametrize(
    ("logits", "labels", "says"),
    [
        (torch.tensor([[float("nan"), 0.0], [1.0, 0.0]]), [0, 0], "1 of 2 rows"),
        (torch.tensor([[float("inf"), 0.0]]), [0], "must be finite"),
        (torch.ones(1, 2, dtype=torch.complex64), [0], "complex"),
        (torch.eye(2), [0, 2], "from 0 to 1.* Got labels from 0 to 2"),
        (torch.eye(2), [-1, 0], "from 0 to 1"),
        (torch.eye(2), [0.5, 1.0], "whole numbers"),
        (torch.eye(2), [0.0, float("nan")], "whole numbers"),
        (torch.eye(2), ["cat", "dog"], "whole numbers"),
        (torch.eye(2), [[0], [1]], "labels"),
        (torch.zeros(2, 0), [0, 0], "n_classes"),
    ],
)
def test_what_has_no_accuracy_gets_none(logits, labels, says):
    with pytest.raises(InputError, match=says):
        evaluate(logits, labels)


def test_logits_are_those_of_evaluation_mode_without_gradients_whatever_the_batch():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 2)
    )
    images = torch.randint(256, (9, 3, 8, 8), dtype=torch.uint8)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    whole = predict_logits(network, images, MEAN, STD)
    pieces = predict_logits(network, images, MEAN, STD, batch_size=2)
    torch.testing.assert_close(whole, pieces)
    assert not whole.requires_grad
    assert network.training
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_normalisation_is_the_homeworks():
    images = torch.randint(256, (3, 3, 4, 4), dtype=torch.uint8)
    expected = (images.double() / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[
        :, None, None
    ]
    torch.testing.assert_close(normalize(images, MEAN, STD).double(), expected, atol=1e-5, rtol=0)


def test_progress_counts_images():
    seen = []
    predict_logits(
        Probe(),
        torch.zeros(5, 3, 4, 4, dtype=torch.uint8),
        MEAN,
        STD,
        batch_size=2,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: evaluate(torch.zeros(2, 3), [0]),
        lambda: evaluate(torch.zeros(0, 3), []),
        lambda: evaluate(torch.eye(2), [0, 1], n_bins=0),
        lambda: predict_logits(
            Probe(), torch.zeros(1, 3, 4, 4, dtype=torch.uint8), MEAN, STD, batch_size=0
        ),
        lambda: predict_logits(Probe(), torch.zeros(2, 3, 4, 4), MEAN, STD),
        lambda: predict_logits(Probe(), torch.zeros(0, 3, 4, 4, dtype=torch.uint8), MEAN, STD),
        lambda: predict_logits(
            Probe(),
            torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
            MEAN,
            STD,
            views="ten",  # type: ignore[arg-type]
        ),
    ],
)
def test_bad_input_is_refused(make):
    with pytest.raises(InputError):
        make()
