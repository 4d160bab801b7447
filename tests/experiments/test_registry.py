from dataclasses import dataclass, field

import pytest

from pitfalls.errors import InputError
from pitfalls.experiments import experiment, experiment_of, perform
from pitfalls.progress import silent
from pitfalls.runs import NOT_IDENTITY, RunStore


@dataclass(frozen=True)
class CountConfig:
    n_steps: int = 6
    seed: int = 0
    stop_at: int = field(default=-1, metadata=NOT_IDENTITY)


@experiment("test-count")
def count(config: CountConfig, run, progress) -> None:
    checkpoint = run.load_checkpoint()
    first = checkpoint.step if checkpoint else 0
    with progress("counting") as advance:
        for step in range(first, config.n_steps):
            if step == config.stop_at:
                raise KeyboardInterrupt
            run.log(step=step)
            run.save_checkpoint(step=step + 1, tensors={})
            advance(step + 1, config.n_steps)
    run.save_results({"n": config.n_steps})


def test_perform_continues_reuses_and_starts_over(tmp_path):
    store = RunStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        perform(CountConfig(stop_at=3), store)
    run = perform(CountConfig(), store)
    assert run.was_opened
    assert [line["step"] for line in run.metrics()] == list(range(6))
    assert len(run.manifest.starts) == 2
    assert not perform(CountConfig(), store).was_opened
    assert len(perform(CountConfig(), store, fresh=True).manifest.starts) == 1


def test_progress_reaches_the_caller(tmp_path):
    seen = []

    def progress(label, unit="steps"):
        from contextlib import nullcontext

        return nullcontext(lambda done, total: seen.append((label, unit, done, total)))

    perform(CountConfig(n_steps=2), RunStore(tmp_path), progress=progress)
    assert seen == [("counting", "steps", 1, 2), ("counting", "steps", 2, 2)]
    with silent("x") as advance:
        advance(1, 1)


def test_a_name_or_config_is_registered_once():
    with pytest.raises(InputError, match="registered already"):
        experiment("test-count")(count)


def test_a_config_without_an_experiment_is_refused():
    with pytest.raises(InputError, match="str is not the config"):
        experiment_of("parity")
