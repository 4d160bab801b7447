"""``pitfalls images evaluate``."""

from dataclasses import replace

from pitfalls.experiments.image_evaluate import EXPERIMENT, EvaluateConfig
from pitfalls.frame import options, perform, print_table, run_store, say

__all__ = ["command"]


@options
def command(run: str, config: EvaluateConfig, *, data: str | None = None) -> None:
    """Show what a trained network confuses, how sure it is and its worst mistakes.

    Parameters
    ----------
    run
        A finished run of train, compare or fast: its id, a part of it, or its folder.
    data
        Other data with classes of the same names, in any form that --data takes elsewhere; or the run's
        own data, where they lie now.
    """
    from pitfalls.experiments.image_evaluate.words import told
    from pitfalls.experiments.image_other import find_elsewhere
    from pitfalls.experiments.image_trained import read_kept, weights_digest
    from pitfalls.experiments.image_words import interval
    from pitfalls.prose import counted, percent

    trained = run_store().find(run)
    # also where an evaluation is reused: it is one of the network that is named, as it was trained
    kept = read_kept(trained, config.member, config.model)
    source = None if data is None else find_elsewhere(kept, data)
    config = replace(
        config,
        trained_run=trained.id,
        weights_sha256=weights_digest(trained, config.member),
        trained_folder=str(trained.path),
        source=source,
    )
    result = perform(EXPERIMENT, config).result
    names, confusion = result.pictures.class_names, result.confusion
    print_table(
        f"{result.pictures.name}, {counted(confusion.right.n, result.noun)}",
        ("class", "images", "recall", "precision"),
        [
            (name, recall.n if recall else 0, told(recall), told(precision))
            for name, recall, precision in zip(
                names, confusion.classes, confusion.precisions, strict=True
            )
        ],
        caption="in brackets the exact interval of 95 % for counting",
    )
    top = "" if result.top5 is None else f", among the first five {interval(result.top5, 2)}"
    say(f"accuracy {interval(confusion.right, 2)}{top}, balanced {percent(confusion.balanced, 2)}")
    for mistake in result.confusion.mistakes(5):
        say(
            f"{names[mistake.true]} taken for {names[mistake.predicted]}: "
            f"{counted(mistake.n, 'image')}"
        )
    for one in (result.as_trained, result.calibrated):
        if one is not None:
            how = "as trained" if one.temperature == 1.0 else f"logits / {one.temperature:.4g}"
            say(
                f"{how}: cross-entropy {one.loss:.4f} nats, calibration error "
                f"{100 * one.calibration.error:.2f} points"
            )
