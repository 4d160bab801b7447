"""Headless Chromium as Debian ships it, without a network."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def chromium(profile: Path, width: int = 1280, height: int = 900) -> Iterator[Any]:
    """Open a browser; skip the test, with the reason, where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("needs Debian's chromium and chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        # a smooth scroll still under way when a test has found a point moves the point away
        "--force-prefers-reduced-motion",
        f"--window-size={width},{height}",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    session = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=driver)
    )
    try:
        # a page that reached for the network would fail, and say so on the console
        session.execute_cdp_cmd("Network.enable", {})
        session.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
        )
        yield session
    finally:
        session.quit()


def resize(session: Any, width: int, height: int = 900) -> None:
    """Give the page the width of a device; a window cannot be as narrow as a phone."""
    session.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    # charts follow the window a moment later
    session.execute_async_script(
        "const done = arguments[0]; setTimeout(() => requestAnimationFrame(done), 300)"
    )


def point(session: Any, element: Any, x: int, y: int) -> None:
    """Move the mouse to a place counted from an element's middle, and let the page take notice."""
    from selenium.webdriver import ActionChains

    # in one step: on a longer way the pointer passes other points
    chain = ActionChains(session, duration=0)
    chain.move_to_element_with_offset(element, x, y).perform()
    # the browser hands the move to the page with its next frame
    session.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
    )


def console_errors(session: Any) -> list[str]:
    """Return what the page has complained of."""
    return [entry["message"] for entry in session.get_log("browser") if entry["level"] == "SEVERE"]


def axe_faults(session: Any) -> list[str]:
    """Return axe-core's serious and critical faults; skip where axe-core is not installed."""
    path = os.environ.get("PITFALLS_AXE")
    if not path or not Path(path).exists():
        pytest.skip("needs axe-core: npm install axe-core, PITFALLS_AXE=.../axe-core/axe.min.js")
    session.execute_script(Path(path).read_text(encoding="utf-8"))
    # on a busy machine a whole report takes it longer than the driver waits by itself
    session.set_script_timeout(150)
    found = session.execute_async_script(
        "const done = arguments[0];"
        "axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations),"
        "(error) => done([{impact: 'critical', id: String(error), nodes: []}]))"
    )
    return [
        f"{fault['id']}: {node['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"] or [{"html": ""}]
    ]
