"""`axiom monitor`: the whole system in one terminal, live."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from axiom_cli.monitor_facts import Facts, Watcher
from axiom_cli.monitor_view import view

BETWEEN_LOOKS_S = 1.0


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(monitor)


def monitor(
    every: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look, print and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, one object a look; with --once a single one.")
    ] = False,
) -> None:
    """Show health, throughput, lag, errors, dead letters, budget and freshness, again and again until Ctrl-C.

    With --once, exit code 1 when a server or service is not healthy or something can't be read. Speeds are
    those since the look before; --once looks twice, a second apart.
    """
    with closing(Watcher()) as watcher:
        try:
            facts = watcher.look()
            if once:
                time.sleep(BETWEEN_LOOKS_S)
                facts = watcher.look()
                _print(facts, as_json)
            elif as_json:
                while True:
                    _print(facts, as_json)
                    time.sleep(every)
                    facts = watcher.look()
            else:
                _live(watcher, facts, every)
        except KeyboardInterrupt:
            return  # the way to end it
    if not facts.healthy:
        raise typer.Exit(1)


def _live(watcher: Watcher, facts: Facts, every: float) -> None:
    """Redraw in the terminal's other screen, so that what was there before is there after."""
    with Live(view(facts), screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            time.sleep(every)
            live.update(view(watcher.look()), refresh=True)


def _print(facts: Facts, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts.as_json(), default=str), flush=True)  # noqa: T201
    else:
        Console(highlight=False).print(view(facts))
