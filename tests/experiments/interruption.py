"""An experiment that is stopped after its first saved piece goes on to the same numbers."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from pitfalls.frame.experiment import run_experiment
from pitfalls.runs import Run, RunStore

__all__ = ["assert_equal", "assert_goes_on"]


def assert_equal(one, other):
    """Compare results whole, arrays bit for bit."""
    if is_dataclass(one):
        assert type(one) is type(other)
        for field in fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    else:
        np.testing.assert_array_equal(one, other)


def assert_goes_on(experiment, config, store, tmp_path, monkeypatch):
    """Stop after the first piece, go on, and compare with the undisturbed run."""
    whole = run_experiment(experiment, config, store)
    original = Run.save

    def interrupt(self, result, **kept):
        original(self, result, **kept)
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment, config, RunStore(tmp_path))
    monkeypatch.undo()
    resumed = run_experiment(experiment, config, RunStore(tmp_path))
    assert resumed.run.metrics() == whole.run.metrics()
    assert_equal(whole.result, resumed.result)
