"""`python -m tests.chaos`: faults on a system of its own, and whether the invariants hold.

python -m tests.chaos --seed 7 --rounds 3 --faults F1,F4
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.embedded import lifecycle
from tests.chaos.checker import INVARIANTS, SHOWN
from tests.chaos.faults.port import all_faults
from tests.chaos.rounds import Outcome, chosen, run_rounds
from tests.chaos.world import World
from tests.stack import StackUnderTest, find_running, free_port_base, temporary_home


def main(
    seed: Annotated[int | None, typer.Option(help="Of the faults' order and dice; none means any.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How many times each fault is done.")] = 1,
    first_round: Annotated[int, typer.Option("--round", min=1, help="Begin with this round.")] = 1,
    faults: Annotated[str, typer.Option(help="Codes or names with commas between; none means all.")] = "",
    list_: Annotated[bool, typer.Option("--list", help="Only list the faults.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a fault.")] = False,
) -> None:
    """Break a system of its own in every way we know, and check what must hold. Exit code 1: it did not."""
    console = Console(stderr=as_json)
    if list_:
        _list(console)
        return
    try:
        kinds = chosen(word.strip() for word in faults.split(",") if word.strip())
    except ValueError as unknown:
        raise typer.BadParameter(str(unknown)) from unknown
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    console.print(f"seed [bold]{seed}[/], {rounds} round(s) of {len(kinds)} faults")
    outcomes: list[Outcome] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what it started is stopped
    with _world(console, seed) as world, console.status("") as status:

        def begin(number: int, name: str) -> None:
            status.update(f"round {number}: {kinds[name].code} {kinds[name].title}")

        numbers = range(first_round, first_round + rounds)
        for outcome in run_rounds(world, kinds, seed, numbers, begin):
            outcomes.append(outcome)
            if as_json:
                print(json.dumps(dataclasses.asdict(outcome) | {"seed": seed, "held": outcome.held}))  # noqa: T201
            _show(console, outcome, seed)
    _sum_up(console, outcomes)
    if not all(outcome.held for outcome in outcomes):
        raise typer.Exit(1)


@contextmanager
def _world(console: Console, seed: int) -> Iterator[World]:
    """A stack of our own in a temporary folder, or the one that `AXIOM_TEST_STACK_HOME` names."""
    with ExitStack() as exits:
        if reused := os.environ.get("AXIOM_TEST_STACK_HOME"):
            running = find_running(Path(reused).resolve())
        else:
            home = exits.enter_context(temporary_home())
            console.print(f"starting servers in {home}", highlight=False)
            running = lifecycle.up(home, lambda _: None, port_base=str(free_port_base()), servers_only=True)
        stack = StackUnderTest(running)
        exits.callback(stack.stop_services)
        for name in running.settings():
            os.environ.pop(name, None)
        os.environ["AXIOM_HOME"] = str(running.layout.home)
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="axiom-chaos-"))
        yield exits.enter_context(World(stack, Path(folder), seed))


def _show(console: Console, outcome: Outcome, seed: int) -> None:
    head = f"round {outcome.round} {outcome.code} {outcome.title}"
    if outcome.skipped is not None:
        console.print(f"[yellow]skipped[/] {head}: {outcome.skipped}", highlight=False)
        return
    verdict = "[green]held[/]" if outcome.held else "[red]BROKEN[/]"
    console.print(f"{verdict} {head} ({outcome.seconds:.0f} s)", highlight=False)
    console.print(f"    {'; '.join(outcome.notes)}", highlight=False, markup=False)
    checked = " ".join(
        f"[red]{name}[/]" if problems else f"[green]{name}[/]" for name, problems in outcome.findings.items()
    )
    console.print(f"    {checked or 'nothing was checked'}", highlight=False)
    for name, problems in outcome.findings.items():
        if problems:
            console.print(f"    [red]{name}[/] {INVARIANTS[name]}: {len(problems)} problems", highlight=False)
        for problem in problems[:SHOWN]:
            console.print(f"        {problem}", highlight=False, markup=False)
    if outcome.failed:
        console.print(f"    {outcome.failed}", highlight=False, markup=False)
    if not outcome.held:
        again = f"--seed {seed} --round {outcome.round} --faults {outcome.fault}"
        console.print(f'    again: make chaos ARGS="{again}"', highlight=False, markup=False)


def _sum_up(console: Console, outcomes: list[Outcome]) -> None:
    table = Table("invariant", "", "checked", "broken")
    for name, meaning in INVARIANTS.items():
        checked = [outcome for outcome in outcomes if name in outcome.findings]
        broken = [outcome for outcome in checked if outcome.findings[name]]
        table.add_row(name, meaning, str(len(checked)), f"[red]{len(broken)}[/]" if broken else "0")
    console.print(table)
    held = sum(outcome.held and outcome.skipped is None for outcome in outcomes)
    skipped = sum(outcome.skipped is not None for outcome in outcomes)
    console.print(f"{held} held, {len(outcomes) - held - skipped} broken, {skipped} skipped")


def _list(console: Console) -> None:
    table = Table("code", "name", "")
    for name, fault in all_faults().items():
        table.add_row(fault.code, name, fault.title)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
