"""The playground in headless Chromium: time of a frame, and how far its numbers lie from the library's.

python -m benchmarks.report.playground
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.record import record

from pitfalls.parity import (
    LearningConfig,
    ParityTask,
    TwoLayerReLU,
    cube,
    evaluate,
    gradient_signal,
    train,
    walsh_hadamard_transform,
)
from pitfalls.report.playground import build_playground, module, style

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.report.browser import chromium, resize

NETWORKS, STEPS, FRAMES = 100, 1000, 600

COUNT = """
const done = arguments[0], frames = [], {state} = pitfallsPlayground, began = state.lab.step;
let last = performance.now();
pitfallsPlayground.start();
const look = (now) => {
  frames.push(now - last);
  last = now;
  if (frames.length <= FRAMES) return requestAnimationFrame(look);
  pitfallsPlayground.pause();
  done([frames.slice(1), state.frames.slice(), state.lab.step - began]);
};
requestAnimationFrame(look);
"""


def frames(page: Any, address: str, width: int, height: int, speed: int) -> dict[str, Any]:
    """Run the parity lab at d = 10, k = 100, and time its frames."""
    resize(page, width, height)
    page.get("about:blank")
    page.get(f"{address}#play?d=10&k=100&batch=100&speed={speed}")
    page.set_script_timeout(300)
    between, work, steps = page.execute_async_script(COUNT.replace("FRAMES", str(FRAMES)))
    return {
        "width": width,
        "steps_a_frame": steps / (len(between) + 1),
        "n_frames": len(between),
        "median_ms_between_frames": statistics.median(between),
        "median_ms_of_work": statistics.median(work),
        "p95_ms_of_work": float(np.quantile(work, 0.95)),
    }


def networks(page: Any) -> dict[str, float]:
    """Return the largest differences of risk, accuracy, signal and spectrum."""
    rng = np.random.default_rng(0)
    worst = dict.fromkeys(("risk", "accuracy", "signal", "spectrum"), 0.0)
    for i in range(NETWORKS):
        d, k = int(rng.integers(1, 11)), int(rng.integers(1, 101))
        loss = ("hinge", "square", "logistic")[i % 3]
        task = ParityTask(rng.integers(0, 2, d))
        network = TwoLayerReLU(d, k, dtype=torch.float64, seed=i)
        network.load_flat(network.flat_parameters() * float(rng.uniform(0.5, 4)))
        found = page.execute_script(
            "const [d, k, flat, mask, loss] = arguments, m = pitfallsPlayground.mathematics;"
            "const g = m.measure(m.fromFlat(d, k, flat), m.makeTrainer({mask, loss, seed: 0}));"
            "return {risk: g.risk, accuracy: g.accuracy, signal: g.signal, spectrum: [...g.spectrum]}",
            d, k, network.flat_parameters().tolist(), list(task.mask), loss,
        )  # fmt: skip
        right = evaluate(network, task, loss)
        outputs = network(cube(d, dtype=torch.float64)).detach().numpy()
        theirs = {
            "risk": right.risk,
            "accuracy": right.accuracy,
            "signal": gradient_signal(network, loss).signal,
            "spectrum": walsh_hadamard_transform(outputs) / 2**d,
        }
        for name, value in theirs.items():
            gap = float(np.max(np.abs(np.asarray(found[name]) - value)))
            worst[name] = max(worst[name], gap)
    return worst


def trajectory(page: Any, config: LearningConfig) -> float:
    """Return the largest difference of a parameter after a thousand steps at d = 10."""
    task = ParityTask([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    found = page.execute_script(
        "const s = arguments[0], m = pitfallsPlayground.mathematics, t = m.makeTrainer(s);"
        "const n = m.initialNetwork(10, s.k, s.seed); for (let i = 0; i < s.steps; i++) "
        "m.trainStep(n, t); return m.toFlat(n)",
        {
            "mask": task.mask, "k": config.n_hidden, "seed": config.seed, "loss": config.loss,
            "optimizer": config.optimizer, "rate": config.learning_rate,
            "momentum": config.momentum, "batch": config.batch_size, "steps": STEPS,
        },
    )  # fmt: skip
    theirs = train(task, replace(config, n_iterations=STEPS, dtype="float64")).state.parameters
    return float(np.abs(np.array(found) - theirs.numpy()).max())


def main(_: Sequence[str] = ()) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = build_playground(Path(folder) / "playground.html")
        with chromium(Path(folder) / "profile") as page:
            page.get(file.as_uri())
            usual = LearningConfig(n_hidden=100, seed=123)
            gaps = {
                name: trajectory(page, replace(usual, **changed))
                for name, changed in (
                    ("hinge, SGD", {}),
                    ("hinge, Adam", {"optimizer": "adam"}),
                    ("square, SGD", {"loss": "square"}),
                    ("logistic, SGD", {"loss": "logistic"}),
                )
            }
            record(
                "report-playground",
                {
                    "browser": page.capabilities["browserVersion"],
                    "bytes": len((module() + style()).encode()),
                    "frames": [
                        frames(page, file.as_uri(), 1280, 800, 30),
                        frames(page, file.as_uri(), 390, 844, 30),
                    ],
                    "largest_gap_of_networks": {"n": NETWORKS, **networks(page)},
                    "largest_gap_after_steps": {"n": 1, "steps": STEPS, **gaps},
                },
            )


if __name__ == "__main__":
    main(sys.argv[1:])
