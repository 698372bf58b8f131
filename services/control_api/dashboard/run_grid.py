"""The grid of runs as an element of NiceGUI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import events
from nicegui.element import Element


class RunGrid(Element, component="static/run_grid.js"):
    """Lines of jobs with cells of runs; see `views/jobs.py` for what a line is."""

    def __init__(self, on_job: Callable[[str], Any], on_run: Callable[[str], Any]) -> None:
        super().__init__()
        self._props["lines"] = []
        self.on("job", lambda event: on_job(_text(event)))
        self.on("run", lambda event: on_run(_text(event)))

    def show(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Show these lines; nothing is sent where they are as before."""
        if lines != self._props["lines"]:
            self._props["lines"] = list(lines)
            self.update()


def _text(event: events.GenericEventArguments) -> str:
    return str(event.args[0] if isinstance(event.args, list) else event.args)
