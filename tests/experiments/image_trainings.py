"""Made-up trainings, for words and figures at their edges."""

import numpy as np

from pitfalls.experiments.image_curves import Training
from pitfalls.images.training.schedules import INITIAL_RATE, schedule

__all__ = ["training"]


def training(
    scheme="special",
    seed=123,
    *,
    test=0.5,
    train=(0.6,),
    validation=None,
    n_batches=13,
    six_views=None,
    kept_epoch=None,
):
    """Return a training whose rates are its scheme's and whose loss falls from 2.3 to 1."""
    epochs, rates, previous = len(train), [], INITIAL_RATE
    rate = schedule(scheme, epochs)
    for step in range(epochs * n_batches):
        epoch, batch = divmod(step, n_batches)
        previous = rate(previous, epoch, batch, n_batches)
        rates.append(previous)
    steps = len(rates)
    held = None if validation is None else np.full(epochs, float(validation))
    return Training(
        scheme=scheme,
        seed=seed,
        rate=np.array(rates),
        loss=np.linspace(2.3, 1.0, steps),
        accuracy=np.linspace(0.1, train[-1], steps),
        train_losses=np.linspace(2.0, 1.1, epochs),
        train_accuracies=np.array(train, dtype=np.float64),
        validation_losses=None if held is None else 2 - held,
        validation_accuracies=held,
        test_loss=1.5,
        test_accuracy=float(test),
        six_views=six_views,
        kept_epoch=kept_epoch,
    )
