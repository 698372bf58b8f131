"""The dashboard in a headless browser, and what went wrong in it: errors, and requests to elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from tests.stack import ServiceProcess, StackUnderTest, free_port

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
Role = Literal["viewer", "operator"]
PAGES = (
    "/", "/prices", "/graph", "/jobs", "/letters", "/topics", "/correlations", "/cost", "/search?q=chips",
)  # fmt: skip
WAIT_MS = 30_000.0


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The system's own Chromium, without a window; the test is skipped where there is none."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


class Dashboard:
    """control-api as a process, and visits to its pages."""

    def __init__(self, stack: StackUnderTest, browser: Browser, **env: str) -> None:
        self._stack = stack
        self._browser = browser
        port = free_port()
        self.root = f"http://127.0.0.1:{port}/dashboard"
        settings = {"AXIOM_API_PORT": str(port), **env}
        self.service: ServiceProcess = stack.start_service("control_api", settings)

    def token(self, role: Role) -> str:
        """The role's token."""
        return self._stack.env[f"AXIOM_API_{role.upper()}_TOKEN"]

    @contextmanager
    def stranger(self, width: int = 1280, height: int = 800) -> Iterator[Visit]:
        """A browser of somebody who is not logged in; at its end nothing may have gone wrong in it."""
        context = self._browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(WAIT_MS)
        visit = Visit(context.new_page(), self.root)
        yield visit
        context.close()
        assert not visit.wrong, "\n".join(visit.wrong)

    @contextmanager
    def visitor(self, role: Role, width: int = 1280, height: int = 800) -> Iterator[Visit]:
        """As `stranger`, logged in."""
        with self.stranger(width, height) as visit:
            visit.page.goto(f"{self.root}/login?next=/search")
            visit.log_in(self.token(role))
            visit.settled()
            yield visit


class Visit:
    """One browser window, and what went wrong in it."""

    def __init__(self, page: Page, root: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        self._root = root
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("request", self._request)
        page.on("dialog", self._dialog)

    def log_in(self, token: str) -> None:
        """Fill in the login page."""
        self.page.fill("#token", token)
        self.page.click("button[type=submit]")

    def go(self, path: str) -> None:
        """Open a page and wait until it has shown its first data, or has said why there are none."""
        self.page.goto(self._root + path)
        self.settled()

    def settled(self) -> None:
        """Wait until nothing on the page waits for its first data."""
        self.page.wait_for_selector("h1")
        self.page.wait_for_function("!document.querySelector('.waiting:not(.hidden)')")

    def row(self, table: str, text: str) -> str:
        """The text of the first line of a table that has these words; waits for it."""
        found = self.page.locator(f"[role=region][aria-label='{table}'] tbody tr", has_text=text).first
        found.wait_for()
        return found.inner_text()

    def wait_fitted(self) -> None:
        """Wait until nothing is wider than the window: charts follow a new width a moment later."""
        self.page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")

    def first_paint_ms(self) -> float:
        """From the start of the navigation to the first thing that the page drew."""
        found: float = self.page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        return found

    def keep(self, folder: Path, name: str) -> None:
        """Write a screenshot for people to look at."""
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"{self.page.url}: console: {message.text}")

    def _request(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme != "data" and where.netloc != urlsplit(self._root).netloc:
            self.wrong.append(f"{self.page.url} asks for {request.url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"{self.page.url}: a script of somebody else ran: {dialog.message}")
        dialog.dismiss()
