"""The guide's recipes: each under ten lines, each trains, each resumes bit for bit."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import TrainState
from tests.images.training.test_loop import assert_equal, dataset, network, weights

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "own-parts.md"
RECIPES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", GUIDE.read_text(), re.S))
CONFIG = TrainConfig(epochs=2, batch_size=8, checkpoint_every=1)
USES: dict[str, dict[str, Any]] = {
    "decayed.py": {"optimizer": "decayed.py:decayed", "rate": 0.002},
    "mixing.py": {"transforms": ("crop", "mixing.py:mixup")},
    "focal.py": {"loss": "focal.py:focal"},
    "vision.py": {"transforms": ("vision.py:augment",)},
    "restarts.py": {"scheme": "restarts.py:restarts"},
}


def test_the_guide_has_five_recipes_of_under_ten_lines_whose_commands_stand_beside_them():
    assert set(RECIPES) == set(USES)
    for name, code in RECIPES.items():
        assert len(code.splitlines()) < 10
        assert f"{name}:" in GUIDE.read_text()


@pytest.mark.parametrize("name", USES)
def test_a_recipe_trains_and_resumes_bit_for_bit(name, tmp_path, monkeypatch):
    if name == "vision.py":
        pytest.importorskip("torchvision", reason="this recipe is torchvision's")
    # the made-up data have four classes
    code = RECIPES[name].replace("n_classes=10", "n_classes=4")
    (tmp_path / name).write_text(code)
    monkeypatch.chdir(tmp_path)
    config = dataclasses.replace(CONFIG, **USES[name])
    states: list[TrainState] = []
    whole, usual = network(), network()
    train(whole, dataset(), config, on_checkpoint=states.append)
    train(usual, dataset(), CONFIG)
    assert not torch.equal(whole.head.weight, usual.head.weight)
    for state in (states[0], states[4], states[6]):
        kept = TrainState(
            {k: v.clone() for k, v in state.tensors.items()}, json.loads(json.dumps(state.meta))
        )
        resumed = network(seed=9)
        train(resumed, dataset(), config, state=kept)
        assert_equal(weights(whole), weights(resumed))
