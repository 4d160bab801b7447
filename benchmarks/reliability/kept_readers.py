"""Further readers of what anybody may have changed: networks, words and figures of runs, caches, notes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from benchmarks.reliability.readers import Config, Found, Reader, recorded_again

from pitfalls.errors import DataError, RunError
from pitfalls.runs import RunStore

__all__ = ["kept_readers"]


def kept_readers(home: Path) -> list[Reader]:
    """Return the readers of what a run keeps beside its results, and of what lies in the user's home."""
    home.mkdir(parents=True)
    return [*_figures(home), *_network(home), *_spoken(home), *_home(home), *_arrays(home)]


def _figures(home: Path) -> list[Reader]:
    store = RunStore(home / "figures")
    with store.open("figures", Config()) as run:
        run.save(Found(0.5, 1, None, (), np.eye(2)))
    svg = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="90pt" height="60pt" viewBox="0 0 90 60"><defs><path id="p" d="M0 0L9 9"/></defs>
 <g style="fill: #123456" clip-path="url(#c)"><use xlink:href="#p" transform="scale(2)"/></g>
 <clipPath id="c"><rect width="9" height="9"/></clipPath><text x="3">a &lt; b</text></svg>"""
    run.save_file("figures/a.svg", svg)
    drawing = home / "a.svg"
    drawing.write_bytes(svg)

    def figure() -> bytes:
        return store.find(run.path).read_file("figures/a.svg")

    def on_a_page() -> str:
        from pitfalls.report.drawings import clean_picture, inline

        return inline(clean_picture("a", "a.svg", drawing.read_bytes(), "a"), "f0-")

    return [
        Reader("figure", run.path / "figures/a.svg", figure, True),
        Reader("records of figures", run.path / "derived.json", figure, True),
        Reader("figure on a page", drawing, on_a_page, False),
    ]


def _network(home: Path) -> list[Reader]:
    """Weights, and what says which network they are: both with checksums set right, too."""
    import torch

    from pitfalls.experiments.image_networks import NetworkConfig, build_network
    from pitfalls.experiments.image_source import find_images
    from pitfalls.experiments.image_trained import keep_network, load_trained
    from pitfalls.images.data import DataConfig

    source = find_images(DataConfig("digits", subset_train=100, subset_val=10))
    data, small = source.load(), NetworkConfig("fastnet", (4, 4, 4))
    store = RunStore(home / "networks")
    with store.open("networks", Config()) as run:
        keep_network(run, 0, build_network(small, data, 0), small, source, data, "")

    def network() -> Any:
        try:
            with torch.no_grad():
                return load_trained(store.find(run.path)).predict(data.test_images[:2])
        except DataError as error:  # pictures of another number of channels than the network's
            raise RunError(str(error)) from None

    weights, kept = "weights-0.safetensors", "results/KeptNetwork.0.json"
    return [
        Reader("trained network", run.path / weights, network, True),
        Reader(
            "trained network, signed",
            run.path / weights,
            network,
            False,
            recorded_again(run.path, weights),
        ),
        Reader(
            "which network it is, signed",
            run.path / kept,
            network,
            False,
            recorded_again(run.path, kept),
        ),
    ]


def _spoken(home: Path) -> list[Reader]:
    """Results that are well formed and mean nothing: what the report says of them."""
    from pitfalls.experiments.linear_descend import EXPERIMENT as DESCEND
    from pitfalls.experiments.linear_descend import DescendConfig
    from pitfalls.experiments.parity_signal import EXPERIMENT as SIGNAL
    from pitfalls.experiments.parity_signal import SignalConfig
    from pitfalls.frame.experiment import Experiment, run_experiment
    from pitfalls.report import ReportEvidence, rooms

    store = RunStore(home / "spoken")

    def reader(experiment: Experiment[Any, Any], config: object) -> Reader:
        run = run_experiment(experiment, config, store).run

        def words() -> Any:
            found = ReportEvidence(experiment.name, (store.find(run.path),))
            with patch.object(rooms, "draw", lambda *_: None):  # it takes most of the time
                account = rooms.account_of(experiment, found)
            if account.result is None:
                raise RunError(account.note)
            return repr(account.blocks)

        name = f"results/{experiment.result.__name__}.json"
        return Reader(
            f"words of {' '.join(experiment.command)}, signed",
            run.path / name,
            words,
            False,
            recorded_again(run.path, name),
        )

    return [
        reader(DESCEND, DescendConfig(steps=60)),
        reader(SIGNAL, SignalConfig(n_features=(2, 3), n_seeds=2)),
        _diagnosis(store),
    ]


def _diagnosis(store: RunStore) -> Reader:
    from pitfalls.experiments.diagnosis import EXPERIMENT, DiagnosisConfig, DiagnosisResult
    from pitfalls.experiments.diagnosis.case import build, fingerprint_of
    from pitfalls.frame.experiment import run_experiment
    from pitfalls.report.diagnosis import build_diagnosis

    asked = DiagnosisConfig(target="zoo:broadcast", questions=("wiring", "data", "units"))
    asked = replace(asked, fingerprint=fingerprint_of(build(asked), asked))
    run = run_experiment(EXPERIMENT, asked, store).run
    name = f"results/{DiagnosisResult.__name__}.json"

    def page() -> str:
        with patch.object(type(EXPERIMENT), "figures", lambda _: ()):  # they take most of the time
            return build_diagnosis(store.find(run.path), store.root / "page").read_text()

    return Reader(
        "page of a diagnosis, signed",
        run.path / name,
        page,
        False,
        recorded_again(run.path, name),
    )


def _home(home: Path) -> list[Reader]:
    """Return the readers of the user's cache: known sources, the note beside a part of a download."""
    from pitfalls.downloads import ResumingDownloader
    from pitfalls.runs import code

    known = home / "code.json"
    summary = {digit * 64: (digit * 64, [(0, "pitfalls", digit, "")]) for digit in "0123"}

    def recalled() -> Any:
        with patch.object(code, "_store", lambda: known), patch.object(code, "_memory", {}):
            if not (found := code._recall()):
                raise RunError("damaged: what is known counts as nothing")
            return dict(found)

    with (
        patch.object(code, "_store", lambda: known),
        patch.object(code, "_memory", summary),
        patch.object(code, "_new", True),
    ):
        code._remember()
    part = home / "a.part"
    note = part.with_name("a.part.json")
    address = "https://localhost/a"
    note.write_text(json.dumps({"url": address, "validator": '"one"'}))

    def validator() -> Any:
        return ResumingDownloader(part, 10)._validator(address)

    return [
        Reader("known sources", known, recalled, True),
        Reader("note of a download", note, validator, False),
    ]


def _arrays(home: Path) -> list[Reader]:
    """Return the readers of a problem of one's own, of the data of a diagnosis, of one picture."""
    from PIL import Image

    from pitfalls.experiments.diagnosis import DiagnosisConfig
    from pitfalls.experiments.diagnosis.case import build
    from pitfalls.experiments.linear_risk import load_risk
    from pitfalls.experiments.linear_source import ProblemConfig, find_problem
    from pitfalls.images.data import read_picture

    rng = np.random.default_rng(2)
    problem, labelled, picture = home / "xy.npz", home / "labelled.npz", home / "a.png"
    np.savez(problem, x=rng.standard_normal((9, 3)), y=rng.standard_normal((9, 2)))
    np.savez(labelled, x=rng.standard_normal((9, 3)).astype(np.float32), y=np.arange(9) % 2)
    Image.fromarray(rng.integers(0, 256, (9, 7, 3)).astype(np.uint8)).save(picture)

    def risk() -> Any:
        return load_risk(find_problem(ProblemConfig(str(problem)))).minimum().map

    def case() -> Any:
        built = build(DiagnosisConfig(target="zoo:broadcast", data=str(labelled)))
        return built.x.numpy(), built.y.numpy()

    return [
        Reader("x and y of a linear problem", problem, risk, False),
        Reader("data of a diagnosis", labelled, case, False),
        Reader("one picture", picture, lambda: read_picture(picture), False),
    ]
