"""``pitfalls images train``."""

from dataclasses import replace

from pitfalls.experiments.image_announce import say_beforehand, say_pictures
from pitfalls.experiments.image_train import EXPERIMENT, TrainRunConfig, TrainRunResult
from pitfalls.frame import options, perform, print_table, say
from pitfalls.prose import counted

__all__ = ["command"]


@options
def command(config: TrainRunConfig) -> None:
    """Train one network; under torchrun, in several processes."""
    from pitfalls.images.training import join, launched_rank, launched_size, leave, send_home

    config = replace(config, processes=launched_size())
    if launched_rank() > 0:
        with join(config.device):
            code = _follow(config)
        leave(code)
    with join(config.device):
        try:
            say_beforehand(config.source, [config.training])
            result = perform(EXPERIMENT, config).result
        finally:
            send_home()
    _print(result)


def _follow(config: TrainRunConfig) -> int:
    """Do a further process' part in silence: the first one says all there is to say."""
    from pitfalls.errors import PitfallsError
    from pitfalls.experiments.image_train.run import follow
    from pitfalls.images.training import called_to_work, wait_for_first

    try:
        if called_to_work():
            follow(config)
    except PitfallsError as error:
        wait_for_first()
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _print(result: TrainRunResult) -> None:
    say_pictures(result.pictures)
    trained = result.trained
    losses, shares = trained.validation_losses, trained.validation_accuracies
    print_table(
        "Training, epoch by epoch",
        ("epoch", "train loss", "train accuracy %", "validation loss", "validation accuracy %"),
        [
            (
                k + 1,
                float(trained.train_losses[k]),
                round(100 * float(trained.train_accuracies[k]), 2),
                None if losses is None else float(losses[k]),
                None if shares is None else round(100 * float(shares[k]), 2),
            )
            for k in range(trained.n_epochs)
        ],
        caption="train: mean over the epoch while learning",
    )
    say(
        f"test accuracy {100 * trained.test_accuracy:.2f} % on {result.pictures.n('test'):,} images; "
        f"{counted(trained.n_steps, 'step')} in {result.clock.seconds:.1f} s "
        f"({result.clock.cpu_seconds:.1f} s of processor time), without testing"
    )
