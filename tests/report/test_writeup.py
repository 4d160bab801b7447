"""The chapters' vocabulary: what a value of a run may and may not do in either output."""

from pathlib import Path
from typing import Any

import pytest

from pitfalls.errors import RunError
from pitfalls.report.values import json_values
from pitfalls.report.writeup import compile_html, compile_pdf, lay_out
from tests.report.conftest import SVG

HOSTILE = '<script>alert(1)</script> *bold* $x^2$ #panic("no") `raw` _it_ <lab> @ref //c'


def paragraph(*spans: tuple[str, str]) -> dict[str, Any]:
    return {"kind": "paragraph", "text": [{"kind": kind, "text": text} for kind, text in spans]}


def slot(**more) -> dict[str, Any]:
    curve = {
        "name": "curve", "file": "demo-curve.svg", "alt": HOSTILE, "caption": HOSTILE, "width": 200.0,
        "height": 100.0,
    }  # fmt: skip
    run = {"id": "demo/run-1", "command": "pitfalls demo --x '<b>'", "seed": 7, "data": "digits"}
    return {
        "state": "complete", "note": "", "n": "5 seeds", "spread": "min to max", "warnings": [],
        "blocks": [paragraph(("text", "risk "), ("value", "0.25"), ("math", "x^2"))],
        "figures": [curve], "source": run, **more,
    }  # fmt: skip


def compile_both(tmp_path: Path, text: str, **slots) -> tuple[str, bytes]:
    document = {
        "front": {"author": HOSTILE, "collaborators": "", "comments": ""},
        "slots": {"demo": slot(), **slots},
        "code": {"f": {"name": "m.f", "text": "x = '<b>'  # *no*"}},
        "claims": [], "explorers": [], "runs": [],
    }  # fmt: skip
    lay_out(tmp_path, json_values(document), figures={"demo-curve.svg": SVG.encode()}, claims={})
    (tmp_path / "main.typ").write_text(
        '#import "lib.typ": *\n' + text + "\n= Runs <run-demo>\n= Bad <run-bad>"
    )
    return compile_html(tmp_path)[0], compile_pdf(tmp_path)


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ('of("demo", 0.25)', "0.250"),
        ('of("demo", 0.25, digits: 1)', "0.3"),
        ('of("demo", 60000)', "60\u202f000"),
    ],
)
def test_numbers_are_set_with_their_digits(tmp_path: Path, call: str, shown: str) -> None:
    page, _ = compile_both(tmp_path, f"#{call}")
    assert f'<span class="num" data-run="demo">{shown}</span>' in page.replace("\u00a0", "\u202f")


def test_small_and_infinite_numbers_are_mathematics(tmp_path: Path) -> None:
    page, _ = compile_both(tmp_path, '#of("demo", 1.2345e-16) #of("demo", "inf")')
    assert "1.23" in page
    assert "∞" in page
    assert "<msup>" in page


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ('room("dmeo")', "no experiment is called 'dmeo'"),
        ('drawn("demo", "cruve")', "no figure 'cruve'"),
        ('listing("g")', "no code excerpt is called 'g'"),
    ],
)
def test_what_is_not_there_cannot_be_printed(tmp_path: Path, call: str, complaint: str) -> None:
    with pytest.raises(RunError, match=complaint) as caught:
        compile_both(tmp_path, f"#{call}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("state", ["missing", "partial", "stale"])
def test_a_run_that_is_not_finished_is_said_so_in_place(tmp_path: Path, state: str) -> None:
    blocks, source = ([], None) if state == "missing" else (slot()["blocks"], slot()["source"])
    bad = slot(state=state, note=f"It is {state}.", blocks=blocks, source=source, figures=[])
    page, _ = compile_both(tmp_path, '#room("bad")', bad=bad)
    assert f'<p class="note {state}" role="note">It is {state}.</p>' in page
    assert ("risk" in page) == (state != "missing")


@pytest.mark.parametrize(("state", "said"), [("stale", True), ("complete", False)])
def test_a_hand_in_calls_numbers_older_only_where_they_are(
    tmp_path: Path, state: str, said: bool
) -> None:
    bad = slot(state=state, note="Another run, bad/run-2, is damaged.", figures=[])
    page, _ = compile_both(tmp_path, '#room("bad")', bad=bad)
    assert "Another run" in page  # in the report it is said whatever the run
    from pitfalls.report.writeup import _compile

    (tmp_path / "handin.typ").write_text(
        '#import "lib.typ": *\n#room("bad")\n= Runs <run-demo>\n= Bad <run-bad>'
    )
    read = _compile(tmp_path, "html", kind="handin").decode()
    assert ("other code computed" in read) == said
    assert "Another run" not in read


def test_every_paragraph_names_run_command_seed_n_and_spread(tmp_path: Path) -> None:
    page, _ = compile_both(tmp_path, '#room("demo")')
    line = page[page.index('<p class="source">') :]
    for part in (
        "demo/run-1",
        "pitfalls demo",
        "seed 7",
        "n = 5 seeds",
        "spread: min to max",
        "data: digits",
    ):
        assert part in line


def test_markup_in_a_value_stays_text_in_both(tmp_path: Path) -> None:
    told = slot(blocks=[paragraph(("value", HOSTILE), ("code", HOSTILE), ("strong", HOSTILE))])
    page, pdf = compile_both(
        tmp_path,
        '#room("bad") #drawn("demo", "curve") #store.front.author #listing("f")',
        bad=told,
    )
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count("*bold* $x^2$ #panic(") >= 5
    assert pdf.startswith(b"%PDF")


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    outputs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        outputs.append(
            compile_both(tmp_path / name, '= T\n#drawn("demo", "curve") $x^2$ #room("demo")')
        )
    assert outputs[0] == outputs[1]


def test_a_fault_in_the_text_is_one_line_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"cannot be set: unknown variable: nothing.*main\.typ"
    ) as caught:
        compile_both(tmp_path, "#nothing")
    assert "\n" not in str(caught.value)
