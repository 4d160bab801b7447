"""The playground's lines of Python give what stands on the screen, from every start and at every step."""

import ast
import contextlib
import io
import re
from typing import Any

import numpy as np
import pytest

from tests.report.playground_page import ask, page, settle, visit

__all__ = ["page"]  # a fixture, known by its name

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]

WIDE = "1 2 | 3 1 4/2 1 | 0 1 1/0 1 | 1 2 0/1 1 | 1 1 5"


def lines_of(page: Any, fragment: str) -> str:
    """Open a state and return its lines."""
    visit(page, fragment)
    settle(page)
    return str(
        page.execute_script(
            "return [...document.querySelectorAll('details')].find((one) => one.firstChild.textContent"
            " === 'The same in Python').querySelector('code').textContent"
        )
    )


def printed(lines: str) -> str:
    """Run lines and return what they print."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(lines, {})  # the page's own
    return out.getvalue()


@pytest.mark.parametrize("step", [0, 1, 300])
@pytest.mark.parametrize("start", ["training", "torch", "printed", "corrected"])
@pytest.mark.parametrize(
    "how", ["loss=hinge", "loss=square&rate=0.01", "loss=logistic&optimizer=adam"]
)
def test_any_start_of_parity_is_trained_to_the_step_shown(
    page: Any, start: str, how: str, step: int
) -> None:
    said = printed(lines_of(page, f"#play?d=5&mask=11111&k=9&start={start}&{how}&step={step}"))
    risk, accuracy = (float(found) for found in re.findall(r"(?:risk|accuracy)=([^,]+),", said))
    signal = float(said.split()[-1])
    seen = ask(page, "const s = p.state.lab.seen; return [s.risk, s.accuracy, s.signal]")
    np.testing.assert_allclose([risk, accuracy, signal], seen, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "state",
    [
        "data=modes 4 3 2 1&start=aligned&hidden=2&depth=3",
        "data=modes 4 3 2 1&start=saddle&held=2&hidden=1&strength=0.01",
        "data=modes 3 1&start=saddle&held=1,3",
        "data=modes 4 3 2&start=saddle&held=2&strength=1e-9",
        "data=modes 4 3&start=rotated&depth=3",
        "data=modes 4 3 2&start=rotated&hidden=2&seed=9",
        "data=modes 3.14159265358 1e-7",
        "data=modes 0",
        "data=modes 2 0&start=layers",
        "data=modes 4 3&strength=0",
        "start=layers&momentum=0.9&rate=0.001",
        "start=layers&inputs=given&rate=0",
        f"data={WIDE}&start=layers",
        f"data={WIDE}&start=rotated&inputs=given&rate=0",
        f"data={WIDE}&start=saddle&held=1&strength=0.001&inputs=given&rate=0",
        f"data={WIDE}&start=aligned&center=yes",
        "data=1 | 2 1/2 | 3 4/-1 | 0 1&start=layers",
        "data=1 0.1 | 1 2/2 0.1 | 3 1/3 0.1 | 2 2/4 0.1 | 5 0&center=yes&start=layers",
    ],
)
@pytest.mark.parametrize("step", [0, 150])
def test_any_start_of_a_linear_network_descends_to_the_step_shown(
    page: Any, state: str, step: int
) -> None:
    said = printed(lines_of(page, f"#play?lab=linear&{state}&step={step}")).splitlines()
    seen = ask(page, "const s = p.state.lab.seen; return [s.risk, s.strengths, s.distance]")
    assert float(said[-1]) == pytest.approx(seen[0], rel=1e-9, abs=1e-12)
    if step:
        strengths, distance = re.match(r"\[(.*)\] (\S+)$", said[0]).groups()  # type: ignore[union-attr]
        shown = [ast.literal_eval(word) for word in strengths.split()][: len(seen[1])]
        np.testing.assert_allclose(shown, seen[1], rtol=1e-6, atol=1e-7)  # eight digits are printed
        assert float(distance) == pytest.approx(seen[2], rel=1e-6, abs=1e-9)


def test_where_no_input_varies_nothing_is_said_to_be_learned(page: Any) -> None:
    for data in ("1 2 | 3 4&center=yes", "0.1 | 1/0.1 | 2/0.1 | 6&center=yes&inputs=given"):
        lines = lines_of(page, f"#play?lab=linear&data={data}&step=3")
        assert ask(page, "return p.state.lab.step") == 3
        assert np.isfinite(ask(page, "return p.state.lab.seen.risk"))
        if "given" not in data:
            assert lines == "# no input varies"
