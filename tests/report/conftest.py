from dataclasses import dataclass
from pathlib import Path

import pytest

from pitfalls.runs import Run, RunStore

SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="200pt" height="100pt" viewBox="0 0 200 100"><defs><path id="p" d="M0 0L9 9"/></defs>
 <g id="axes" clip-path="url(#c)"><use xlink:href="#p" fill="#123456"/></g>
 <clipPath id="c"><rect width="200" height="100"/></clipPath></svg>"""


@dataclass(frozen=True)
class Config:
    seed: int = 7
    n: int = 3


@dataclass(frozen=True)
class Found:
    risk: float


def make_run(store: RunStore, experiment: str, *, seed: int = 7, n: int = 3) -> Run:
    with store.open(experiment, Config(seed, n), command=f"pitfalls {experiment}") as run:
        run.save(Found(0.25))
    return run


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")
