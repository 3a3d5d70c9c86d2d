"""Drives the study's page in Debian's Chromium, headless."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2,
}  # fmt: skip
READY = "() => document.querySelector('#answers button')?.getAttribute('aria-disabled') === 'false'"
AT_REST = f"() => ({READY})() || !document.querySelector('#done').hidden || !document.querySelector('#between').hidden"
WAIT_MS = 20_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium is installed; .ci/install-browser does it on Debian")
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container lacks; the page under test is our own.
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@dataclass
class Visit:
    """Somebody at the page. faults: errors that it wrote to the console, policy violations included."""

    page: Page
    faults: list[str] = field(default_factory=list)

    @property
    def section(self) -> str:
        """The section that is shown."""
        return str(self.page.evaluate("() => document.querySelector('main > section:not([hidden])').id"))

    def wait(self, section: str) -> None:
        self.page.wait_for_selector(f"#{section}", state="visible", timeout=WAIT_MS)

    def wait_for_image(self) -> None:
        self.wait("trial")
        self.page.wait_for_function(READY, timeout=WAIT_MS)

    def settled(self) -> str:
        """The section, when it waits for somebody to do something."""
        self.page.wait_for_function(AT_REST, timeout=WAIT_MS)
        return self.section

    def answer(self, act: Callable[[], None]) -> None:
        """Do what answers, and wait until something else is asked, or nothing."""
        before = self.page.inner_text("#progress-text")
        act()
        self.page.wait_for_function(
            "before => document.querySelector('#trial').hidden"
            " || document.querySelector('#progress-text').textContent !== before",
            arg=before, timeout=WAIT_MS,
        )  # fmt: skip
        self.settled()

    def go_on(self) -> None:
        self.wait("between")
        self.page.click("#go-on")
        self.wait_for_image()

    @property
    def progress(self) -> str:
        return self.page.inner_text("#progress-text")

    def consent(self) -> None:
        self.wait("consent")
        self.page.check("#agree")
        self.page.click("#consent button[type=submit]")
        self.wait("instructions")

    def start(self) -> None:
        self.consent()
        self.page.click("#start")
        self.wait_for_image()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens a page for a new visitor, with a device's size; checks at the end that it wrote no error."""
    visits: list[Visit] = []

    def open_page(address: str, **device: Any) -> Visit:
        context = browser.new_context(**(device or DESKTOP))
        found = Visit(context.new_page())
        found.page.on("console", lambda said: found.faults.append(said.text) if said.type == "error" else None)
        found.page.on("pageerror", lambda error: found.faults.append(str(error)))
        visits.append(found)
        found.page.goto(address)
        return found

    yield open_page
    for each in visits:
        each.page.context.close()
        assert each.faults == []


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages go: $SCREENSHOTS, else a temporary folder."""
    given = os.environ.get("SCREENSHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
