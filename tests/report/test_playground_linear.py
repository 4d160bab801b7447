"""The playground's linear lab: modes, descent and closed form are the library's."""

from typing import Any

import numpy as np
import pytest
import torch

from pitfalls.linear import (
    DeepLinearNetwork,
    SquaredRisk,
    aligned_start,
    descend,
    end_to_end,
    factorize,
    mode_strength,
)
from pitfalls.moments import SecondMoments
from tests.report.playground_page import ask, page, settle, visit

__all__ = ["page"]  # a fixture, known by its name

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]

DESCEND = """
const [x, y, how, widths, steps] = arguments;
const problem = x ? m.dataProblem(x, y, how) : m.modesProblem(y);
const layers = m.startOf(problem, [problem.d, ...widths, problem.p], how), start = structuredClone(layers);
const way = m.makeDescent(problem, layers, how), seen = [m.watch(way)];
for (let i = 0; i < steps; i++) { m.descentStep(way); if (i % 100 === 99) seen.push(m.watch(way)); }
return {start, seen, rate: way.rate, values: problem.values, map: m.endToEnd(way.layers)};
"""


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((30, 5)) * np.array([1, 2, 0.5, 1, 3]) + 1
    return x, x @ rng.standard_normal((5, 3)) + 0.1 * rng.standard_normal((30, 3))


def settings(**changed: Any) -> dict[str, Any]:
    usual = {
        "center": False, "white": False, "start": "layers", "strength": 0.01, "held": "1", "seed": 5,
        "map": "", "rate": 0, "momentum": 0,
    }  # fmt: skip
    return {**usual, **changed}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("hidden", [(4,), (4, 3)])
@pytest.mark.parametrize(("white", "center"), [(False, False), (False, True), (True, True)])
def test_a_thousand_steps_from_torchs_layers_are_the_librarys(
    page: Any, white: bool, center: bool, hidden: tuple[int, ...], momentum: float
) -> None:
    x, y = data()
    how = settings(center=center, white=white, momentum=momentum)
    found = ask(page, DESCEND, x.tolist(), y.tolist(), how, hidden, 1000)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=center))
    start = [np.array(layer) for layer in found["start"]]
    torch.manual_seed(5)
    network = DeepLinearNetwork([start[0].shape[1], *hidden, 3])
    assert [w.tolist() for w in network.weights] == found["start"]
    left = np.eye(3)
    if white:  # the page's white outputs are the modes', the library's the data's
        risk = risk.whitened()
        left = risk.modes.left
        start[-1] = left @ start[-1]
    way = descend(
        risk,
        start,
        method="momentum" if momentum else "gradient",
        momentum=momentum,
        steps=1000,
        tol=0.0,
        records=10,
    )
    path = way.trajectory
    assert found["rate"] == pytest.approx(way.learning_rate, rel=1e-9)
    np.testing.assert_allclose(found["values"], risk.modes.values, rtol=1e-12)
    np.testing.assert_allclose(left @ found["map"], end_to_end(way.weights), atol=1e-10)
    for name, theirs in (
        ("risk", path.risk),
        ("excess", path.excess),
        ("strengths", path.strengths),
        ("distance", path.saddle_distance),
        ("balance", path.balancedness),
        ("time", path.time),
    ):
        mine = [seen[name] for seen in found["seen"]]
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-10, err_msg=name)
    assert [len(seen["near"]) for seen in found["seen"]] == path.saddle_rank.tolist()


@pytest.mark.parametrize("hidden", [(4,), (4, 4)])
def test_an_aligned_start_is_the_librarys(page: Any, hidden: tuple[int, ...]) -> None:
    x, y = data()
    how = settings(white=True, start="aligned", rate=0.001)
    found = ask(page, DESCEND, x.tolist(), y.tolist(), how, hidden, 500)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=False)).whitened()
    start = aligned_start(risk, [risk.n_features, *hidden, 3], 0.01)
    path = descend(risk, start, learning_rate=0.001, steps=500, records=5).trajectory
    np.testing.assert_allclose(
        [seen["strengths"] for seen in found["seen"]], path.strengths, atol=1e-9
    )


@pytest.mark.parametrize("values", [[4.0, 3.0, 2.0, 1.0], [4.0, 2.0, 2.0, 1.0], [3.0] * 4])
def test_a_turned_start_given_by_its_numbers_is_the_librarys(
    page: Any, values: list[float]
) -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))
    how = settings(start="rotated", map=",".join(map(repr, rotation.ravel().tolist())), rate=0.002)
    found = ask(page, DESCEND, None, values, how, (4, 4), 1000)
    risk = SquaredRisk(SecondMoments.from_arrays(np.eye(4), np.diag(values), center=False))
    start = factorize(0.01 * rotation, (4, 4, 4, 4))
    path = descend(risk, start, learning_rate=0.002, steps=1000, records=10).trajectory
    np.testing.assert_allclose(
        [seen["distance"] for seen in found["seen"]], path.saddle_distance, atol=1e-9
    )
    assert [len(seen["near"]) for seen in found["seen"]] == path.saddle_rank.tolist()
    if len(set(values)) == len(values):  # else nothing says which of equal modes is which
        np.testing.assert_allclose(
            [seen["strengths"] for seen in found["seen"]], path.strengths, atol=1e-9
        )


@pytest.mark.parametrize("depth", [2, 3])
def test_the_closed_form_is_the_librarys(page: Any, depth: int) -> None:
    asked = [
        (t, s, u)
        for t in (0.0, 0.01, 0.5, 3.0, 40.0)
        for s, u in ((4.0, 1e-4), (1.0, 0.01), (0.3, 0.01), (1.0, 1.0), (1.0, 3.0))
    ]
    found = ask(
        page, "return arguments[0].map((a) => m.modeStrength(...a, arguments[1]))", asked, depth
    )
    right = [mode_strength(np.array([t]), s, u, depth)[0] for t, s, u in asked]
    np.testing.assert_allclose(found, right, rtol=1e-9)


def test_the_units_of_a_column_change_no_mode(page: Any) -> None:
    x, y = data()
    found = [
        ask(page, DESCEND, (x * scale).tolist(), y.tolist(), settings(white=True), (4,), 1)[
            "values"
        ]
        for scale in (np.ones(5), np.array([1e8, 1e-8, 1, 1e5, 1]))
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-7)


@pytest.mark.parametrize("white", [False, True])
def test_a_column_that_depends_on_others_and_one_of_zeros_add_nothing(
    page: Any, white: bool
) -> None:
    x, y = data()
    wide = np.column_stack([x, x[:, 0] - 2 * x[:, 1], np.zeros(30)])
    found = ask(page, DESCEND, wide.tolist(), y.tolist(), settings(white=white), (4,), 100)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=False))
    np.testing.assert_allclose(found["values"], risk.modes.values, rtol=1e-10)
    assert np.isfinite(found["seen"][-1]["risk"])


def test_where_white_inputs_lead_is_shown_in_all_outputs_also_in_those_that_no_mode_has(
    page: Any,
) -> None:
    x, y = [[1.0], [2.0], [-1.0]], [[2.0, 1.0], [3.0, 4.0], [0.0, 1.0]]
    found = ask(
        page,
        "const problem = m.dataProblem(arguments[0], arguments[1], {center: false, white: true});"
        "const map = m.endToEnd(m.torchLayers([problem.d, 4, problem.p], 5));"
        "return [map, problem.toData(map)]",
        x,
        y,
    )
    torch.manual_seed(5)
    network = DeepLinearNetwork([1, 4, 2])
    np.testing.assert_allclose(found[0], end_to_end(network), rtol=1e-6)
    # the one white input is x over its length, and turning outputs keeps lengths
    due = np.linalg.norm(found[0]) / np.linalg.norm(x)
    assert np.linalg.norm(found[1]) == pytest.approx(due, rel=1e-12)


@pytest.mark.parametrize("value", [0.1, 1e8 + 0.1, 1e-9 / 3])
def test_a_column_that_never_varies_is_no_input_beside_an_intercept(
    page: Any, value: float
) -> None:
    x, y = data()
    wide = np.column_stack([x, np.full(30, value)])
    ways = [
        ask(page, DESCEND, given.tolist(), y.tolist(), settings(white=True, center=True), (4,), 10)
        for given in (x, wide)
    ]
    assert len(ways[0]["start"][0][0]) == len(ways[1]["start"][0][0]) == 3
    np.testing.assert_allclose(ways[1]["values"], ways[0]["values"], rtol=1e-9)
    alone = ask(
        page, "return m.dataProblem(...arguments).d", wide[:, 5:].tolist(), y.tolist(),
        {"center": True, "white": True},
    )  # fmt: skip
    assert alone == 0


def test_a_mode_without_room_stays_at_zero_in_closed_form_for_ever(page: Any) -> None:
    for depth in (2, 3):
        found = ask(
            page, "return [1e-9, 1, 1e9].map((t) => m.modeStrength(t, 3, 0, arguments[0]))", depth
        )
        assert found == [0, 0, 0]


def test_outputs_that_no_input_explains_hold_no_mode(page: Any) -> None:
    x = [[1.0, 0.0], [-1.0, 0.0]]
    found = ask(page, DESCEND, x, [[1.0], [1.0]], settings(white=True), (2,), 10)
    assert found["values"] == []
    assert found["seen"][-1]["risk"] >= 1.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No line holds numbers"),
        ("a b\nc d", "No line holds numbers"),
        ("1 2\n1 two", "Line 2 is not numbers"),
        ("1 | 2\n1 2 | 3", "Line 2 has not as many numbers"),
        ("1 | 2 | 3", "Line 1 is not numbers with at most one bar"),
        ("7", "needs an input and an output"),
        ("modes -1", "none negative"),
        ("modes", "Give 1 to 8 modes"),
        ("1 " * 12, "At most 8"),
        ("1 2\n" * 501, "At most 500"),
        ("1 1/2 | 3\n2 1/4 | 5", "Line 1 is not numbers"),
        ("1 2 | 3x\n4 5 | 6", "Line 1 is not numbers"),
        ("0,5;1,5\n0,7;1,9", "Line 1 is not numbers"),
        ("0,5 1,5 | 2", "Line 1 is not numbers"),
        ("modes 1,5 0,5", "Give 1 to 8 modes"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_meant_are_refused_in_one_sentence(
    page: Any, text: str, says: str
) -> None:
    assert says in ask(page, "return m.readData(arguments[0]).fault", text)


def test_data_are_read_as_people_paste_them(page: Any) -> None:
    read = "return m.readData(arguments[0])"
    assert ask(page, read, "a,b,y\n1,2,3\n\n4;5\t6\n") == {"x": [[1, 2], [4, 5]], "y": [[3], [6]]}
    assert ask(page, read, "# note\n1 2 | 3 -4e-1") == {"x": [[1, 2]], "y": [[3, -0.4]]}
    assert ask(page, read, " Modes 1, 3 2") == {"modes": [3, 2, 1]}
    assert ask(page, read, "km/h, y\n1,2\n3,4") == {"x": [[1], [3]], "y": [[2], [4]]}


def test_what_was_pasted_is_read_from_the_address_as_it_was(page: Any) -> None:
    visit(page, "#play?lab=linear")
    ask(
        page,
        "const a = document.querySelector('textarea');"
        "a.value = 'km/h | y\\n# from a/b\\n1 2 | 3\\n4 0.1 | 6'; a.dispatchEvent(new Event('change'))",
    )
    visit(page, ask(page, "return location.hash"))
    read = ask(page, "return m.readData(p.state.lab.settings.data)")
    assert read == {"x": [[1, 2], [4, 0.1]], "y": [[3], [6]]}


def test_a_drawn_arrow_becomes_a_sample(page: Any) -> None:
    from selenium.webdriver import ActionChains

    visit(page, "#play?lab=linear&data=1 0 | 0 1/0 1 | 1 0")
    canvas = page.find_element("css selector", "canvas.plane")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    chain = ActionChains(page, duration=0).move_to_element_with_offset(canvas, 75, 0)
    chain.click_and_hold().move_to_element_with_offset(canvas, 0, -75).release().perform()
    x, y = ask(page, "const d = m.readData(p.state.lab.settings.data); return [d.x, d.y]")
    assert (len(x), len(y)) == (3, 3)
    np.testing.assert_allclose([x[-1], y[-1]], [[0.57, 0], [0, 0.57]], atol=0.02)


def test_descent_off_a_saddle_passes_the_others_and_rests_at_the_minimum(page: Any) -> None:
    visit(
        page,
        "#play?lab=linear&data=modes 4 3 2 1&depth=3&start=saddle&held=2&strength=0.001&step=2000",
    )
    settle(page)
    passed = page.find_element("xpath", "//details[summary='Critical maps that it came near']").text
    modes = [line.split(":")[0] for line in passed.splitlines()[1:]]
    assert modes == [
        "a saddle, mode 2",
        "a saddle, modes 1, 2",
        "a saddle, modes 1, 2, 3",
        "the global minimum, modes 1, 2, 3, 4",
    ]


def test_at_a_saddle_nothing_moves(page: Any) -> None:
    visit(page, "#play?lab=linear&data=modes 4 3 2 1&start=saddle&held=2&strength=0&step=500")
    settle(page)
    seen = ask(page, "return [p.state.lab.seen.strengths, p.state.lab.seen.distance]")
    np.testing.assert_allclose(seen[0], [0, 3, 0, 0], atol=1e-14)
    assert seen[1] < 1e-14


def test_the_address_gives_back_a_linear_state(page: Any) -> None:
    visit(page, "#play?lab=linear&data=1 0 | 0.5 1/0 1 | 1 0&depth=3&start=rotated&step=41&rate=0")
    settle(page)
    look = "return [p.state.lab.step, p.state.lab.seen.risk, location.hash]"
    before = ask(page, look)
    visit(page, before[2])
    settle(page)
    assert ask(page, look) == before
    assert before[0] == 41
