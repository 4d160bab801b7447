"""Drawings and words that attack the page, in headless Chromium: each defence on its own, and both."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from pitfalls.report.drawings import clean_picture, inline
from pitfalls.report.page import render
from tests.report.browser import chromium
from tests.report.payloads import AWAY, DRAWINGS, ELSEWHERE, WORDS
from tests.report.test_explorers_in_browser import explorers

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore")]

PROVOKE = """
const done = arguments[0];
for (const e of [...document.querySelectorAll('main *')].slice(0, 400)) {
  for (const name of ['mouseover', 'focus', 'click'])
    e.dispatchEvent(new MouseEvent(name, {bubbles: true, cancelable: true}));
}
setTimeout(() => done([
  window.HIT === 1, location.href.split('#')[0], getComputedStyle(document.body).display,
  document.querySelectorAll('iframe, object, embed, base').length,
]), 10);
"""


@contextmanager
def elsewhere(asked: list[str]) -> Iterator[str]:
    """Serve nothing from this machine, and note what is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/favicon.ico":  # the browser's own, where a click has led it here
                asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory):
    """Show a page, provoke all that is on it, and return what came of it."""
    folder = tmp_path_factory.mktemp("attacked")
    file = folder / "index.html"
    asked: list[str] = []
    with elsewhere(asked) as place, chromium(folder / "profile") as session:
        session.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )

        def show(page: str) -> dict[str, Any]:
            from selenium.common.exceptions import WebDriverException

            file.write_text(page.replace(ELSEWHERE, place), encoding="utf-8")
            session.get("about:blank")  # what the page before still asks for is not this one's
            asked.clear()
            session.get(file.as_uri())
            try:
                ran, at, display, frames = session.execute_async_script(PROVOKE)
            except WebDriverException:  # the page went away under the script
                ran, at, display, frames = False, "", "", 0
            return {
                "ran": ran,
                "left": at != file.as_uri(),
                "asked": list(asked),
                "hidden": display == "none",
                "frames": frames,
            }

        yield show


UNHARMED = {"ran": False, "left": False, "asked": [], "hidden": False, "frames": 0}


def page_of(body: str, *, with_policy: bool = True) -> str:
    text = render(body, "", title="T", author="", scale="s", pictures=(), explorers={})
    return text if with_policy else without_policy(text)


def without_policy(page: str) -> str:
    page, n = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert n == 1
    return page


def cleaned(drawing: str, number: int) -> str:
    return inline(clean_picture("x", "x.svg", drawing.encode(), "words"), f"f{number}-")


Attack = Callable[[str], dict[str, Any]]


def test_there_are_enough_drawings_and_most_of_them_do_harm_where_nothing_stops_them(
    attacked: Attack,
) -> None:
    assert len(DRAWINGS) + len(WORDS) >= 100
    sample = DRAWINGS[::3]
    harmful = [d for d in sample if attacked(page_of(d, with_policy=False)) != UNHARMED]
    assert len(harmful) > len(sample) / 2


def test_the_policy_alone_lets_no_drawing_run_or_ask_for_anything(attacked: Attack) -> None:
    leaving = [d for d in DRAWINGS if "refresh" in d or f"href='{AWAY}'" in d]
    staying = [d for d in DRAWINGS if d not in leaving]
    for body in (*leaving, *("".join(staying[i::9]) for i in range(9))):
        found = attacked(page_of(body))
        assert not found["ran"], body
        # a policy does not keep a reader from following a link, which leads to the root
        assert set(found["asked"]) <= ({"/"} if body in leaving else set()), body


def test_cleaned_drawings_do_nothing_even_without_the_policy(attacked: Attack) -> None:
    bodies = [cleaned(drawing, n) for n, drawing in enumerate(DRAWINGS)]
    for body in bodies:
        assert not re.search(
            r"script|attacker|onload|onerror|<style|style=|foreignobject|<a\b",
            re.sub(r"<(title|desc|text)>.*?</\1>", "", body),
            flags=re.IGNORECASE,
        ), body
    assert attacked(page_of("\n".join(bodies), with_policy=False)) == UNHARMED


def test_words_stay_words_in_the_head_and_the_interactive_parts(attacked: Attack) -> None:
    text = "\n".join(WORDS)
    parts = explorers()
    parts["embedding"]["classes"] = parts["confusion"]["classes"] = list(WORDS[:3])
    series = [{"name": word, "x": [0, 1], "y": [1, 2]} for word in WORDS]
    parts["parity-curves"]["panels"] = [
        {"title": word, "x": word, "y": word, "log": False, "series": series} for word in WORDS[:3]
    ]
    parts["phase"]["axes"] = parts["surface"]["axes"][:2] = list(WORDS[:2])
    body = "".join(
        f'<div class="explorer" data-explorer="{kind}"><div class="static"></div></div>'
        for kind in parts
    )
    page_text = render(body, "", title=text, author=text, scale=text, pictures=(), explorers=parts)
    assert attacked(without_policy(page_text)) == UNHARMED
