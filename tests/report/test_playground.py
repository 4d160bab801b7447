"""The playground in headless Chromium, opened from the disk: its numbers are the library's."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from pitfalls.cli import main
from pitfalls.parity import (
    LearningConfig,
    ParityTask,
    TwoLayerReLU,
    cube,
    evaluate,
    exact_network,
    gradient_signal,
    initial_state,
    target_signal,
    train,
    training_batch,
    walsh_hadamard_transform,
)
from pitfalls.report.playground import build_playground, module, style
from tests.report.browser import axe_faults, resize
from tests.report.playground_page import ask, page, settle, visit

__all__ = ["page"]  # a fixture, known by its name

pytestmark = [pytest.mark.filterwarnings("ignore")]
browser = pytest.mark.browser


def test_scripts_and_style_weigh_less_than_sixty_kilobytes() -> None:
    assert len((module() + style()).encode()) < 60_000


def test_the_page_names_nothing_outside_itself(tmp_path: Path) -> None:
    text = build_playground(tmp_path / "p.html").read_text(encoding="utf-8")
    assert "unsafe-inline" not in text
    assert "http:" not in text
    assert "https:" not in text


@browser
@pytest.mark.parametrize("seed", [0, 123, 4294967296, 2**53 - 1])
def test_initial_weights_are_the_librarys_bit_for_bit(page: Any, seed: int) -> None:
    found = ask(page, "return m.toFlat(m.initialNetwork(7, 13, arguments[0]))", seed)
    config = LearningConfig(n_hidden=13, seed=seed, dtype="float64")
    assert found == initial_state(ParityTask([1] * 7), config).parameters.tolist()


@browser
def test_weights_by_the_bare_seed_are_torchs(page: Any) -> None:
    found = ask(page, "return m.toFlat(m.initialNetwork(10, 100, 123, true))")
    assert found == TwoLayerReLU(10, 100, seed=123).flat_parameters().tolist()


@browser
def test_batches_are_the_librarys(page: Any) -> None:
    task = ParityTask([1] * 10)
    for step in (0, 7, 49_999, 10_000_000):
        x, _ = training_batch(task, LearningConfig(batch_size=100, seed=5), step)
        found = ask(page, "return [...m.batchInputs(m.inputKey(5), 10, 100, arguments[0])]", step)
        assert found == (x.long() @ (1 << torch.arange(10))).tolist()


@browser
def test_risk_accuracy_signal_and_spectrum_of_any_network_are_pythons(page: Any) -> None:
    rng = np.random.default_rng(0)
    asked, right = [], []
    for i in range(30):
        d, k = int(rng.integers(1, 11)), int(rng.integers(1, 40))
        loss = ("hinge", "square", "logistic")[i % 3]
        task = ParityTask(rng.integers(0, 2, d))
        network = TwoLayerReLU(d, k, dtype=torch.float64, seed=i)
        network.load_flat(network.flat_parameters() * float(rng.uniform(0.5, 4)))
        asked.append([d, k, network.flat_parameters().tolist(), list(task.mask), loss])
        last = evaluate(network, task, loss)
        outputs = network(cube(d, dtype=torch.float64)).detach().numpy()
        signal = gradient_signal(network, loss).signal
        right.append(
            [last.risk, last.accuracy, signal, target_signal(network, task, loss),
             *(walsh_hadamard_transform(outputs) / 2**d)]
        )  # fmt: skip
    found = ask(
        page,
        "return arguments[0].map(([d, k, flat, mask, loss]) => { const got = m.measure("
        "m.fromFlat(d, k, flat), m.makeTrainer({mask, loss, seed: 0})); return [got.risk, "
        "got.accuracy, got.signal, got.own, ...got.spectrum]; })",
        asked,
    )
    for mine, theirs in zip(found, right, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@browser
@pytest.mark.parametrize(
    "config",
    [
        LearningConfig(n_hidden=100, seed=123),
        LearningConfig(n_hidden=40, seed=7, loss="square", momentum=0.0, learning_rate=0.01),
        LearningConfig(n_hidden=30, seed=1, loss="logistic", optimizer="adam", batch_size=17),
    ],
    ids=["hinge", "square", "logistic by Adam"],
)
def test_a_thousand_steps_end_where_the_library_ends(page: Any, config: LearningConfig) -> None:
    from dataclasses import replace

    task = ParityTask([1, 1, 0, 0, 1, 0, 0, 0, 0, 0])
    own = replace(config, n_iterations=1000, dtype="float64")
    found = ask(
        page,
        "const s = arguments[0], n = m.initialNetwork(s.mask.length, s.k, s.seed), "
        "t = m.makeTrainer(s); for (let i = 0; i < 1000; i++) m.trainStep(n, t);"
        "return m.toFlat(n)",
        {
            "mask": task.mask, "k": own.n_hidden, "seed": own.seed, "loss": own.loss,
            "optimizer": own.optimizer, "rate": own.learning_rate, "momentum": own.momentum,
            "batch": own.batch_size,
        },
    )  # fmt: skip
    np.testing.assert_allclose(found, train(task, own).state.parameters, rtol=0, atol=1e-9)


@browser
@pytest.mark.parametrize("printed", [True, False])
def test_the_sheets_construction_is_the_librarys(page: Any, printed: bool) -> None:
    variant: Literal["printed", "corrected"] = "printed" if printed else "corrected"
    for mask in ([1] * 10, [1, 0, 1, 0, 1, 1, 1], [1]):
        found = ask(
            page,
            "return m.toFlat(m.exactNetwork(arguments[0], 30, arguments[1]))",
            mask,
            printed,
        )
        network = exact_network(mask, variant, 30, dtype=torch.float64)
        assert found == network.flat_parameters().tolist()


@browser
@pytest.mark.parametrize("d", [9, 10])
def test_the_printed_construction_shows_its_one_failing_input(page: Any, d: int) -> None:
    visit(page, f"#play?d={d}&mask={'1' * d}&k=90&start=printed")
    said = page.find_element("css selector", ".wrong").text
    value = "f = 5, due −1" if d % 2 else "f = −1, due +1"
    assert said == f"Wrong at 1 of {2**d} inputs; it is {'1' * d}: {value}."
    visit(page, f"#play?d={d}&mask={'1' * d}&k=90&start=corrected")
    assert page.find_element("css selector", ".wrong").text == f"Right at all {2**d} inputs."


@browser
def test_the_address_gives_back_what_was_on_the_screen(page: Any) -> None:
    visit(page, "#play?d=4&mask=1100&k=9&seed=5&loss=square&batch=10&step=37")
    settle(page)
    before = ask(page, "return [p.state.lab.step, p.state.lab.seen.risk, location.hash]")
    assert before[0] == 37
    visit(page, before[2])
    settle(page)
    assert ask(page, "return [p.state.lab.step, p.state.lab.seen.risk, location.hash]") == before


@browser
def test_an_address_of_more_steps_than_are_taken_on_opening_takes_the_most_there_are(
    page: Any,
) -> None:
    visit(page, "#play?d=1&mask=1&k=1&batch=1&step=60000")
    settle(page)
    assert ask(page, "return p.state.lab.step") == 50_000
    assert "step=50000" in ask(page, "return location.hash")


@browser
def test_what_an_address_cannot_mean_is_said_and_left_at_its_preset(page: Any) -> None:
    visit(page, "#play?d=11&loss=huber&colour=red")
    said = page.find_element("css selector", ".status").text
    assert "d must be a whole number from 1 to 10, not 11." in said
    assert "loss must be one of hinge, square, logistic, not huber." in said
    assert "There is no setting colour." in said
    assert ask(page, "return [p.state.lab.settings.d, p.state.lab.settings.loss]") == [10, "hinge"]


@browser
@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("constructor=1", "There is no setting constructor."),
        ("lab=toString", "There is no lab toString."),
        ("lab=linear&start=rotated&map=1..2,3,4,5", "map must be the numbers of a square matrix"),
        ("lab=linear&start=rotated&map=1,0,0", "map must be the numbers of a square matrix"),
    ],
)
def test_no_address_leaves_the_page_without_a_lab(page: Any, address: str, says: str) -> None:
    visit(page, f"#play?{address}")
    assert says in page.find_element("css selector", ".status").text
    assert np.isfinite(ask(page, "return p.state.lab.seen.risk"))


@browser
def test_a_link_that_is_followed_while_another_state_runs_keeps_its_address(page: Any) -> None:
    visit(page, "#play?d=3&mask=110&k=6&seed=9")
    ask(page, "p.start()")
    link = "#play?d=5&mask=11111&k=50&start=printed"
    page.execute_async_script(
        "const done = arguments[1]; addEventListener('hashchange', () => setTimeout(done, 100));"
        "location.hash = arguments[0]",
        link,
    )
    assert ask(page, "return [location.hash, p.state.lab.step, p.state.running]") == [
        link,
        0,
        False,
    ]
    assert page.find_element("css selector", ".run").text == "Run"


@browser
def test_a_field_that_cannot_be_meant_is_marked_and_changes_nothing(page: Any) -> None:
    visit(page)
    ask(
        page,
        "const i = [...document.querySelectorAll('.controls input')][1]; i.value = '1e9';"
        "i.dispatchEvent(new Event('change'))",
    )
    assert page.find_element("css selector", "[aria-invalid=true]")
    assert "a whole number from 1 to 400" in page.find_element("css selector", ".controls").text
    assert ask(page, "return p.state.lab.settings.k") == 100


@browser
def test_everything_works_from_the_keyboard(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    visit(page, "#play?d=3&mask=110&k=6")
    bit = page.find_element("css selector", "[data-key=x3]")
    bit.send_keys(Keys.SPACE)
    assert ask(page, "return p.state.lab.settings.mask") == "111"
    assert page.switch_to.active_element.text == "x3"  # focus stays where it was
    step = page.find_element("xpath", "//button[.='Step']")
    step.send_keys(Keys.ENTER)
    step.send_keys(Keys.ENTER)
    assert ask(page, "return p.state.lab.step") == 2
    bars = page.find_elements("css selector", "canvas[role=slider]")[3]
    bars.send_keys(Keys.HOME)
    assert bars.get_attribute("aria-valuetext").startswith("mask 000: ")
    bars.send_keys(Keys.END)
    assert bars.get_attribute("aria-valuetext").startswith("mask 111, the target: ")


@browser
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("lab", ["parity", "linear"])
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_screen(
    page: Any, lab: str, theme: str, width: int
) -> None:
    resize(page, width, 844)
    visit(page, f"#play?lab={lab}&step=20")
    settle(page)
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    wide = page.execute_script("return document.documentElement.scrollWidth - innerWidth")
    turned = page.execute_script(
        "return [...document.querySelectorAll('.chart')].map((e) => getComputedStyle(e).filter)"
    )
    assert set(turned) == {"none"}  # axe does not see what a filter makes of colours
    faults = axe_faults(page)
    resize(page, 1280, 800)
    assert wide == 0
    assert faults == []


def test_a_place_that_is_no_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["playground", "--out", str(tmp_path)]) == 2
    assert "--out must be a file" in capsys.readouterr().err
    assert main(["playground", "--out", "/proc/nowhere/p.html"]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
