"""Parts of pages that keep themselves up to date, and say what to do when they can't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from nicegui import ui

from axiom.errors import AxiomError

T = TypeVar("T")


class Notice:
    """A line that says what is wrong, or that there is nothing yet, and what to do; else hidden."""

    def __init__(self) -> None:
        with ui.element("div").classes("notice").props('role="status"') as self._box:
            self._icon = ui.icon("info").props('aria-hidden="true"')
            self._label = ui.label("")
        self._box.set_visibility(False)

    def problem(self, text: str) -> None:
        """Something failed."""
        self._show(text, "problem", "error_outline")

    def empty(self, text: str) -> None:
        """All is well and there is nothing to show."""
        self._show(text, "empty", "inbox")

    def clear(self) -> None:
        """All is well."""
        self._box.set_visibility(False)

    def _show(self, text: str, kind: str, icon: str) -> None:
        self._box.classes(replace=f"notice {kind}")
        self._icon.set_name(icon)
        self._label.set_text(text)
        self._box.set_visibility(True)


class Followed(Generic[T]):
    """Asks now and every `every_s` seconds, and draws the answer.

    `draw` returns what to say instead where there is nothing to show. While asking fails, what was drawn last
    stays, under a line that says why.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[T]], draw: Callable[[T], str | None], *, every_s: float
    ) -> None:
        self._ask = ask
        self._draw = draw
        self._notice = Notice()
        self._waiting = ui.skeleton().classes("waiting")
        self._timer = ui.timer(every_s, self.now)

    async def now(self) -> None:
        """Ask at once, as when a person has changed what is asked for."""
        try:
            found = await self._ask()
        except AxiomError as error:
            self._notice.problem(f"{error}. `axiom status` says what runs; this page goes on trying.")
            return
        finally:
            self._waiting.set_visibility(False)
        said = self._draw(found)
        if said:
            self._notice.empty(said)
        else:
            self._notice.clear()

    def pause(self, paused: bool) -> None:
        """Stand still, or go on."""
        self._timer.active = not paused


@contextmanager
def panel(title: str, *, classes: str = "", link: str = "") -> Iterator[ui.element]:
    """A box with a heading, which leads to the page at `link`."""
    with ui.element("section").classes(f"panel {classes}") as box:
        with ui.element("h2"):
            if link:
                ui.link(title, link)
            else:
                ui.label(title)
        yield box


async def told(work: Awaitable[str]) -> bool:
    """Do something that a person asked for, and say how it went; false if it failed."""
    try:
        said = await work
    except AxiomError as error:
        failed(error)
        return False
    ui.notify(said, type="positive")
    return True


def failed(error: AxiomError) -> None:
    """Say why something that a person asked for was not done."""
    ui.notify(str(error), type="negative", timeout=8000, close_button="Close", multi_line=True)


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values, as a list of descriptions."""
    with ui.element("dl").classes("facts"):
        for name, value in pairs:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(value)


def outside_link(text: str, url: str) -> None:
    """A link to another site, which learns nothing of this page. `url` must be http or https."""
    link = ui.link(text, url, new_tab=True)
    link.props('rel="noopener noreferrer"')


class Meter:
    """A bar that fills, with words above and below."""

    def __init__(self) -> None:
        self._title = ui.label("–").classes("strong")
        with ui.element("div").classes("bar").props('role="img"') as self._bar:
            self._fill = ui.element("div").style("width: 0")
        self._below = ui.label("").classes("dim")

    def show(self, title: str, share: float, below: str, tone: str = "") -> None:
        """`share`: from 0 to 1; `tone`: '', `warn` or `bad`."""
        self._title.set_text(title)
        self._bar.classes(replace=f"bar {tone}".strip())
        self._bar.props["aria-label"] = f"{share:.0%}"
        self._fill.style(f"width: {share:.1%}")
        self._below.set_text(below)


def steer_button(text: str, act: Callable[[], Awaitable[None]]) -> ui.button:
    """A button that changes something; only operators get to see one."""
    made = ui.button(text, on_click=act, color=None)
    return made.props('outline no-caps dense padding="4px 12px" data-steers').classes("steers")
