"""The whole report from real runs of every experiment, each as small as it goes."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure

from pitfalls.claims import CLAIMS
from pitfalls.errors import RunError
from pitfalls.experiments import all_experiments
from pitfalls.experiments.parity_curves import CurvesResult
from pitfalls.plots import Svg
from pitfalls.report import FrontMatter, Report, ReportEvidence, build, build_handin, gather, rooms
from pitfalls.report.statements import proof_of
from pitfalls.runs import RunStore
from tests.kinds import of_kind
from tests.report.browser import axe_faults, chromium, console_errors, point, resize
from tests.report.homework import perform_all
from tests.report.payloads import DRAWINGS, WORDS
from tests.runs.forged import rewrite, rewrite_manifest

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

HOSTILE = '<img src=x onerror=alert(1)> *bold* $x$ #panic("no")'
FRONT = FrontMatter(author="A. Student", collaborators=HOSTILE, comments="\n".join(WORDS))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    store = RunStore(tmp_path_factory.mktemp("homework"))
    perform_all(store)
    return store


@pytest.fixture(scope="module")
def report(store: RunStore, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build(store, tmp_path_factory.mktemp("report"), front=FRONT, scale="test scale")


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return report.page.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Collects what the page's elements are, and what they point to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.pictures: list[dict[str, Any]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.append(values["id"] or "")
        if tag == "a" and (values.get("href") or "").startswith("#"):
            self.targets.append((values["href"] or "")[1:])
        if tag == "svg":
            self.pictures.append(values)


def test_every_part_of_the_homework_has_its_place(page: str) -> None:
    for part in (
        "1a",
        "1b",
        *(f"2{x}" for x in "abcdef"),
        *(f"3{x}" for x in "abcd"),
        *(f"4{x}" for x in "abcdef"),
    ):
        assert f'id="part-{part}"' in page


def test_every_claim_stands_in_the_text_with_its_derivation(page: str) -> None:
    for claim in CLAIMS:
        assert f'id="claim-{claim.id}"' in page
        assert f"Derivation of {claim.id}<" in page


def test_nothing_is_said_to_be_missing_but_what_was_not_run(report: Report) -> None:
    assert [note for note in report.notes if "no run of" in note] == []


def test_ids_are_unique_and_every_link_within_the_page_leads_somewhere(page: str) -> None:
    outline = Outline()
    outline.feed(page[: page.index('<script type="application/json"')])
    assert len(outline.ids) == len(set(outline.ids))
    # a state of the playground is an address of its own kind: tried below, in a browser
    places = {target for target in outline.targets if not target.startswith("play?")}
    assert places <= set(outline.ids)


def test_every_figure_is_inline_with_an_alternative_text(page: str, store: RunStore) -> None:
    outline = Outline()
    outline.feed(page[: page.index('<script type="application/json"')])
    drawn = [p for p in outline.pictures if p.get("role") == "img"]
    in_folders = list(store.root.glob("*/*/figures/*.json"))
    assert len(drawn) == len(in_folders) + sum(
        figure.shown_for(run.load(e.result))
        for e in all_experiments()
        for run in store.list(e.name)[-1:]
        for figure in e.figures()
    )
    assert all(len(p.get("aria-label") or "") > 20 for p in drawn)


def test_every_run_is_listed_with_command_and_seed(page: str, store: RunStore) -> None:
    for run in store.list():
        assert f'id="run-{run.manifest.experiment}"' in page
        assert run.id in page


def test_markup_from_runs_and_from_the_author_stays_text(page: str) -> None:
    text = page[: page.index('<script type="application/json"')]
    assert "<img" not in text
    assert (
        "onerror=alert(1)&gt; *bold* $x$ #panic(" in text
        or "onerror=alert(1)> *bold* $x$ #panic(" in text
    )
    assert "<b>report</b>" not in text
    assert "&lt;b>report" in text or "&lt;b&gt;report" in text


def test_the_page_is_one_file_of_bounded_size(report: Report) -> None:
    assert report.page.stat().st_size < 20e6
    assert sorted(p.name for p in report.page.parent.iterdir()) == ["index.html", "writeup.pdf"]


def catalogue_figures(name: str) -> list[str]:
    """Name the figures that an experiment draws."""
    (found,) = [experiment for experiment in all_experiments() if experiment.name == name]
    return [figure.name for figure in found.figures()]


def test_the_same_results_give_the_same_bytes_whatever_is_drawn_in_the_run_folders(
    report: Report, store: RunStore, tmp_path: Path
) -> None:
    copy = tmp_path / "runs"
    shutil.copytree(store.root, copy)
    for i, run in enumerate(copy.glob("*/*")):
        (run / "figures").mkdir(exist_ok=True)
        for figure in catalogue_figures(run.parent.name):
            (run / "figures" / f"{figure}.svg").write_text(DRAWINGS[i], encoding="utf-8")
    again = build(copy, tmp_path / "again", front=FRONT, scale="test scale")
    assert again.writeup.read_bytes() == report.writeup.read_bytes()
    assert again.page.read_bytes() == report.page.read_bytes()


def test_no_line_of_a_figure_lies_outside_its_axes(store: RunStore) -> None:
    drawn = 0
    for experiment in all_experiments():
        for run in store.list(experiment.name)[:1]:
            result = run.load(experiment.result)
            for figure in experiment.figures():
                if not figure.shown_for(result) or "svg" not in figure.kinds:
                    continue
                canvas = figure.draw(result).figure
                if isinstance(canvas, Svg):
                    continue
                for axis in canvas.axes:
                    (left, right), (low, high) = sorted(axis.get_xlim()), sorted(axis.get_ylim())
                    for line in axis.lines:
                        x, y = (
                            np.asarray(line.get_xdata(), float),
                            np.asarray(line.get_ydata(), float),
                        )
                        real = np.isfinite(x) & np.isfinite(y)
                        if line.get_transform() != axis.transData or not real.any():
                            continue
                        seen = (left <= x) & (x <= right) & (low <= y) & (y <= high)
                        assert seen[real].mean() > 0.5, f"{figure.name}: {line.get_label()}"
                        drawn += 1
                plt.close(of_kind(MplFigure, canvas))
    assert drawn > 40


def test_the_write_up_can_be_searched_and_starts_each_question_on_a_new_page(
    report: Report,
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs poppler's pdftotext")
    text = subprocess.run(
        ["pdftotext", "-layout", report.writeup, "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.split("\f")
    contents = next(i for i, p in enumerate(pages) if re.search(r"^\s*Contents\s*$", p, re.M))
    assert contents in (1, 2)  # a page of its own would leave the one before it half empty
    assert len([line for line in pages[contents].splitlines() if line.strip()]) > 25
    for title in ("2 Linear neural networks", "3 Promises and pitfalls", "4 Image classification"):
        (at,) = [
            i
            for i, p in enumerate(pages)
            if re.search(rf"^\s*{title}[^.]*$", p, flags=re.MULTILINE)
        ]
        body = [line for line in pages[at].splitlines() if line.strip()]
        assert body[1].strip().startswith(title), "first line below the page's head"
        assert re.search(rf"^\s*{title}[^\d\n]*{at + 1}$", pages[contents], re.M)
    assert "A. Student" in pages[0]
    assert "#panic" in text


def test_networks_are_not_said_to_be_compared_where_none_were(page: str, tmp_path: Path) -> None:
    assert "The network is a choice as well" in page
    (tmp_path / "none").mkdir()
    empty = build(tmp_path / "none", tmp_path / "out").page.read_text(encoding="utf-8")
    assert "The network is a choice as well" not in empty


@pytest.fixture(scope="module")
def handin(store: RunStore, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The pages of the hand-in, as text."""
    if shutil.which("pdftotext") is None:
        pytest.skip("needs poppler's pdftotext")
    made = build_handin(store, tmp_path_factory.mktemp("handin"), front=FRONT, scale="test scale")
    text = subprocess.run(
        ["pdftotext", "-layout", made.writeup, "-"], capture_output=True, text=True, check=True
    ).stdout
    return text.split("\f")[:-1]


def test_the_hand_in_answers_every_part_on_few_pages(handin: list[str]) -> None:
    assert 10 <= len(handin) <= 16
    for title in ("2 Linear neural networks", "3 Promises and pitfalls", "4 Image classification"):
        (at,) = [page for page in handin if re.search(rf"^\s*{title}", page, flags=re.MULTILINE)]
        body = [line for line in at.splitlines() if line.strip()]
        assert body[1].strip().startswith(title), "first line below the page's head"
    for question, parts in (("2", "abcdef"), ("3", "abcd"), ("4", "abcdef")):
        start = next(
            i for i, p in enumerate(handin) if re.search(rf"^\s*{question} [A-Z]", p, re.M)
        )
        rest = "\n".join(handin[start:])
        assert re.findall(r"^\s*\(([a-f])\) [A-Z]", rest, re.M)[: len(parts)] == list(parts)


def test_the_hand_in_shows_the_student_s_code_and_no_place_of_this_machine(
    handin: list[str], store: RunStore
) -> None:
    text = "\n".join(handin)
    for code in (
        "network.output.weight[0, 3 * i + 1] = -8",
        "return torch.clamp(1 - output * label, min=0).mean()",
        "transform_train = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip()])",
        "return previous_rate * 0.99",
    ):
        assert code in text
    assert text.count("Where the sheet errs") == 2
    assert str(store.root) not in text
    assert "--quick" not in text
    assert "#panic" in text


def test_a_hand_in_of_runs_of_several_machines_says_which_made_which(
    store: RunStore, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs poppler's pdftotext")
    copy = tmp_path / "runs"
    for name in ("verify", "parity-exact", "parity-curves"):
        shutil.copytree(store.root / name, copy / name)
    said = []
    for other in (False, True):
        if other:
            (run,) = RunStore(copy).list("parity-exact")
            rewrite_manifest(run, machine={"processor": "Abacus", "cores": 9})
        made = build_handin(copy, tmp_path / "out")
        text = subprocess.run(
            ["pdftotext", made.writeup, "-"], capture_output=True, text=True, check=True
        ).stdout
        said.append(" ".join(text.partition("How the numbers were made")[2].split()))
    assert "(1)" not in said[0]
    assert "Abacus, 9 cores" in said[1]
    assert re.search(r"parity-exact, n = [^;]* s, \d\)", said[1])
    numbers = dict(re.findall(r"(verify|parity-\w+), n = [^;]*? s, (\d)\)", said[1]))
    assert numbers["verify"] == numbers["parity-curves"] != numbers["parity-exact"]


def test_every_proof_of_the_hand_in_ends_with_its_mark() -> None:
    chapter = (files("pitfalls.report") / "chapters/handin.typ").read_text(encoding="utf-8")
    asked = set(re.findall(r'#(?:answer|proof)\("([^"]+)"\)', chapter))
    proofs = {claim.id: proof_of(claim.derivation) for claim in CLAIMS}
    assert len(asked) > 12
    for claim in asked:
        assert re.search(r"square\s*\$$", proofs[claim])


def test_the_first_half_page_says_what_was_found_and_in_which_pictures(page: str) -> None:
    front = page[page.index("<main") : page.index('id="q1"')]
    assert "digits: 1" in front
    assert "in place of CIFAR-10" in front
    for part in ("3a", "3b", "3c", "4b", "4e", "4f"):
        assert f">{part}</a>" in front


def test_a_run_without_what_the_text_prints_is_named_in_its_place(
    store: RunStore, tmp_path: Path
) -> None:
    copy = tmp_path / "runs"
    shutil.copytree(store.root / "verify", copy / "verify")
    (run,) = RunStore(copy).list("verify")
    (name,) = [name for name in run.manifest.files if name.startswith("results/")]
    rewrite(run, name, b'{"data": 1}')
    made = build(copy, tmp_path / "out")
    (note,) = [note for note in made.notes if note.startswith(f"run {run.id}")]
    assert "--fresh" in note
    assert note.endswith("No number from it is printed.")


def test_damaged_runs_are_named_in_their_places_and_no_number_of_theirs_is_printed(
    store: RunStore, tmp_path: Path
) -> None:
    runs = [run for found in gather(store).values() for run in found.runs]
    rooms = {experiment.name: experiment.result.__name__ for experiment in all_experiments()}
    copy, names = tmp_path / "runs", []
    for i, run in enumerate(run for run in runs if run.manifest.experiment in rooms):
        shutil.copytree(run.path, copy / run.manifest.experiment / run.path.name)
        kind = re.escape(rooms[run.manifest.experiment])
        whole = re.compile(rf"results/{kind}(-[0-9a-f]+\.npz|\.json)")
        results = [name for name in run.manifest.files if whole.fullmatch(name)]
        name = (*results, "manifest.json")[i % (len(results) + 1)]
        path = copy / run.manifest.experiment / run.path.name / name
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
        names.append(run.path.name)
        other = copy / run.manifest.experiment / f"other-{i}."
        other.mkdir()
        (other / "manifest.json").write_bytes((run.path / "manifest.json").read_bytes()[:-9])
        names.append(other.name)
    assert len(names) >= 20
    report = build(copy, tmp_path / "out")
    page = report.page.read_text(encoding="utf-8")
    for name in names:
        (note,) = [note for note in report.notes if name in note]
        assert "damaged" in note
        assert "No number from it is printed." in note
        assert name in page
    assert 'class="num"' not in page


def forged(value: Any, kind: str) -> Any:
    """Change every list or every number of a result into what no run of ours returns."""
    if isinstance(value, dict):
        return {key: forged(item, kind) for key, item in value.items()}
    if isinstance(value, list):
        return [] if kind == "nothing" else [forged(item, kind) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or kind == "nothing":
        return value
    return type(value)({"zero": 0, "negative": -7, "huge": 10**300}[kind])


@pytest.mark.filterwarnings("ignore")  # of NumPy and matplotlib over what is no picture
@pytest.mark.parametrize("kind", ["nothing", "zero", "negative", "huge"])
def test_numbers_that_no_run_returns_are_spoken_of_or_refused_in_one_line(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind != "nothing":  # drawing takes most of the time
        monkeypatch.setattr(rooms, "draw", lambda *_: None)
    shutil.copytree(store.root, tmp_path / "runs")
    refused, copies = 0, RunStore(tmp_path / "runs")
    for experiment in all_experiments():
        name = f"results/{experiment.result.__name__}.json"
        for run in copies.list(experiment.name):
            content = json.loads((run.path / name).read_bytes())
            content["value"] = forged(content["value"], kind)
            rewrite(run, name, json.dumps(content).encode())
            account = rooms.account_of(experiment, ReportEvidence(experiment.name, (run,)))
            if account.result is None:
                refused += 1
                assert account.note.startswith(f"run {run.id}: ")
                assert account.note.count("No number from it is printed.") == 1
                assert "\n" not in account.note
                assert (account.blocks, account.figures) == ((), ())
    assert refused > 0


def test_numbers_over_which_the_verdict_of_a_lab_fails_are_one_line(
    store: RunStore, tmp_path: Path
) -> None:
    shutil.copytree(store.root / "linear-descend", tmp_path / "runs/linear-descend")
    (run,) = RunStore(tmp_path / "runs").list()
    name = "results/DescendResult.json"
    content = json.loads((run.path / name).read_bytes())
    content["value"]["widths"] = []
    rewrite(run, name, json.dumps(content).encode())
    with pytest.raises(RunError, match=f"^run {run.id}: its numbers cannot be put into words"):
        build(tmp_path / "runs", tmp_path / "out")


def test_without_any_run_the_text_still_stands_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    report = build(tmp_path / "runs", tmp_path / "out")
    assert len(report.notes) > 10
    page = report.page.read_text(encoding="utf-8")
    assert "There is no run of parity-signal yet" in page
    assert "<svg" not in page[: page.index("</main>")]
    assert 'class="num"' not in page


def test_an_unfinished_run_is_said_so_in_place(store: RunStore, tmp_path: Path) -> None:
    runs = store.list("parity-signal")
    for run in runs:
        run.manifest.status = "interrupted"
    page = build(runs, tmp_path / "out").page.read_text(encoding="utf-8")
    assert "is not finished (it is interrupted)" in page


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore")
class TestInBrowser:
    @pytest.fixture(scope="class")
    def session(self, report: Report, tmp_path_factory: pytest.TempPathFactory):
        with chromium(tmp_path_factory.mktemp("profile")) as session:
            session.get(report.page.as_uri())
            resize(session, 1280)
            yield session

    def test_all_interactive_parts_start_without_a_complaint(self, session: Any) -> None:
        parts = session.execute_script("return Object.keys(pitfalls.live).sort()")
        assert parts == [
            "confusion", "embedding", "parity-curves", "phase", "surface", "training-curve",
            "training-curves",
        ]  # fmt: skip
        assert console_errors(session) == []
        assert session.execute_script("return window.HIT") is None

    @pytest.mark.parametrize("width", [390, 820, 1280])
    def test_nothing_is_wider_than_the_screen(self, session: Any, width: int) -> None:
        resize(session, width)
        wide = session.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width
        resize(session, 1280)

    def test_contents_and_theme_are_in_the_first_screen_and_derivations_folded_on_a_phone_alone(
        self, session: Any
    ) -> None:
        opened = "return [...document.querySelectorAll('details.derivation')].map((d) => d.open)"
        for width, height in ((390, 844), (1280, 800)):
            resize(session, width, height)
            session.refresh()
            session.execute_script("scrollTo(0, 0)")
            places = session.execute_script(
                "return ['#theme', 'nav.contents summary', '.findings dt']"
                ".map((s) => document.querySelector(s).getBoundingClientRect().bottom)"
            )
            assert all(0 < bottom < height for bottom in places), (width, places)
            folded = width < 500
            assert set(session.execute_script(opened)) == {not folded}
            session.execute_script("dispatchEvent(new Event('beforeprint'))")
            assert all(session.execute_script(opened))
        resize(session, 1280)

    def test_the_dark_page_has_no_light_figure(self, session: Any) -> None:
        turned = (
            "return [...document.querySelectorAll("
            "'.drawing svg, .chart:not(.play *), canvas.points')]"
            ".every((e) => getComputedStyle(e).filter.startsWith('invert'))"
        )
        assert not session.execute_script(turned)
        session.execute_script("document.documentElement.dataset.theme = 'dark'")
        assert session.execute_script(turned)
        # the playground draws in the page's own colours: turned once more they would be light's
        assert session.execute_script(
            "return [...document.querySelectorAll('.play .chart')]"
            ".every((e) => getComputedStyle(e).filter === 'none')"
        )
        session.execute_script("document.documentElement.dataset.theme = 'light'")

    def test_in_print_static_figures_stand_in_for_the_interactive_ones(self, session: Any) -> None:
        session.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        resize(session, 718)
        hidden, shown, wide = session.execute_script(
            "const seen = (e) => e.getBoundingClientRect().height > 0;"
            "return [[...document.querySelectorAll('.live')].some(seen),"
            " [...document.querySelectorAll('.explorer .static svg')].every(seen),"
            " document.documentElement.scrollWidth]"
        )
        session.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        resize(session, 1280)
        assert not hidden
        assert shown
        assert wide <= 718

    def test_tab_goes_from_the_skip_link_through_the_contents_into_the_text(
        self, session: Any
    ) -> None:
        from selenium.webdriver import ActionChains, Keys

        session.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        places = []
        for _ in range(60):
            ActionChains(session).send_keys(Keys.TAB).perform()
            places.append(
                session.execute_script(
                    "const e = document.activeElement; return [e.textContent.slice(0, 40),"
                    " e.closest('nav') ? 'nav' : e.closest('main') ? 'main' : 'top', e.tabIndex]"
                )
            )
        assert places[0][0] == "Skip to the text"
        regions = [place for _, place, _ in places]
        assert regions == sorted(regions, key=["top", "nav", "main"].index)
        assert "main" in regions
        assert all(index == 0 for _, _, index in places)

    def test_hovering_over_a_digit_shows_it(self, session: Any) -> None:
        canvas, x, y, name, index = session.execute_script(
            "const e = pitfalls.live.embedding, v = e.views[0]; v.reset();"
            "v.canvas.scrollIntoView({block: 'center', behavior: 'instant'});"
            # a point with a picture and room around it: the driver counts from the middle of an
            # element that may begin at half a pixel, so it can be a pixel off
            "const near = [-1, 0, 1], alone = (i) => { const [x, y] = v.position(i).map(Math.round);"
            " return near.every((a) => near.every((b) => v.nearest(x + a, y + b) === i)); };"
            "const i = [...e.label.keys()].find((i) => e.visible[i] && e.tile[i] >= 0 && alone(i));"
            "const [x, y] = v.position(i).map(Math.round), h = v.canvas.clientWidth / 2;"
            "return [v.canvas, x - h, y - h, e.label[i], e.index[i]]"
        )
        point(session, canvas, x, y)
        tip = session.execute_script("return pitfalls.live.embedding.views[0].tip.textContent")
        assert f"{name}training image {index}" in tip

    def test_every_figure_of_3b_3c_and_2e_leads_to_a_state_of_the_playground(
        self, session: Any, store: RunStore
    ) -> None:
        links, notes = session.execute_script(
            "const links = [...document.querySelectorAll('.play-link a')].map((a) => a.hash);"
            "return [links, links.flatMap((link) => "
            "pitfallsPlayground.address.readAddress(link).notes)]"
        )
        assert len(links) >= 14
        assert notes == []
        rooms = session.execute_script(
            "return [...document.querySelectorAll('.play-link')].map((p) => { let e = p; while "
            "(e && e.tagName !== 'H3') e = e.previousElementSibling; return e && e.id })"
        )
        assert {"part-3b", "part-3c", "part-2e"} <= set(rooms)

    def test_a_link_from_a_curve_trains_its_network_in_the_page(
        self, session: Any, store: RunStore
    ) -> None:
        (run,) = store.list("parity-curves")
        replica = run.load(CurvesResult).cases[0].replicas[0]
        session.execute_script(
            "location.hash = [...document.querySelectorAll('.play-link a')].map((a) => a.hash)"
            ".find((hash) => hash.includes('d=3&'))"
        )
        step, risk, accuracy = session.execute_async_script(
            "const done = arguments[0]; const look = () => { const {state} = pitfallsPlayground;"
            "if (state.lab.step < 400 || state.running) return setTimeout(look, 20);"
            "done([state.lab.step, state.lab.seen.risk, state.lab.seen.accuracy]) }; look()"
        )
        assert step == 400
        assert accuracy == replica.test_accuracy
        assert risk == pytest.approx(replica.risk, abs=1e-5)  # there in single precision

    def test_the_page_is_readable_without_javascript(self, session: Any) -> None:
        session.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            session.refresh()
            shot = session.execute_cdp_cmd("DOM.getDocument", {"depth": 0})
            found = session.execute_cdp_cmd(
                "DOM.querySelectorAll",
                {
                    "nodeId": shot["root"]["nodeId"],
                    "selector": ".explorer:not(.ready) > .static svg",
                },
            )
            assert len(found["nodeIds"]) >= 6
        finally:
            session.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
            session.refresh()

    def test_axe_finds_no_serious_fault(self, session: Any) -> None:
        assert axe_faults(session) == []
