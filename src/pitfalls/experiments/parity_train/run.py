"""Train one network, log its curve, and keep the network."""

from pitfalls.experiments.parity_curves.run import replica_of
from pitfalls.experiments.parity_train.records import ParityTrainConfig, ParityTrainResult
from pitfalls.parity import LearningState, ParityTask, train
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["run"]


def run(config: ParityTrainConfig, run: Run, progress: Progress) -> ParityTrainResult:
    """Train from the last checkpoint on."""
    task = ParityTask(config.mask)
    checkpoint = run.load_checkpoint()
    state = None
    if checkpoint is not None:
        state = LearningState.from_tensors(checkpoint.step, checkpoint.tensors)
    saved = 0 if state is None else state.step

    def keep(now: LearningState) -> None:
        nonlocal saved
        curve = now.curve
        run.log(
            step=now.step,
            batch_loss=float(curve.batch_loss[-1]),
            loss=float(curve.loss[-1]),
            train_accuracy=float(curve.train_accuracy[-1]),
            accuracy=float(curve.test_accuracy[-1]),
        )
        if now.step - saved >= config.checkpoint_every:
            run.save_checkpoint(step=now.step, tensors=now.tensors())
            saved = now.step

    with progress("training", unit="iterations") as advance:
        result = train(task, config.training, state=state, on_record=keep, on_progress=advance)
    return ParityTrainResult(
        mask=task.mask,
        n_hidden=result.network.n_hidden,
        replica=replica_of(result),
        parameters=result.state.parameters.numpy(),
        loss=config.training.loss,
        fresh=config.training.n_samples is None,
    )
