"""The guide's recipe for Lightning runs as it is printed, with a stand-in for Lightning."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "diagnose.md"


@pytest.fixture
def callback(monkeypatch):
    lightning: Any = ModuleType("lightning")
    lightning.Callback = type("Callback", (), {})
    monkeypatch.setitem(sys.modules, "lightning", lightning)
    (recipe,) = re.findall(r"```python\n(import lightning.*?)```", GUIDE.read_text("utf-8"), re.S)
    found: dict[str, Any] = {}
    exec(recipe, found)
    return found["Diagnose"]


@pytest.mark.parametrize(("wrong", "stops"), [(True, True), (False, False)])
def test_the_callback_stops_a_broken_training_and_lets_a_sound_one_go_on(
    callback, capsys, wrong, stops
):
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    data = DataLoader(TensorDataset(x, x[:, 0]), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    trainer = SimpleNamespace(
        train_dataloader=data, optimizers=[SGD(model.parameters(), 0.05)], should_stop=False
    )

    def loss(outputs, y):
        return functional.mse_loss(outputs if wrong else outputs[:, 0], y)

    callback(loss, budget=5).on_train_start(trainer, model)
    assert trainer.should_stop is stops
    assert ("loss-mixes-samples" in capsys.readouterr().out) is stops
