"""`axiom verify`: is each store what the log says?"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from axiom.bus.kafka import KafkaLogReader
from axiom.errors import StoreDown
from axiom.runtime.discovery import chosen_stores as chosen
from axiom.settings import KafkaSettings, PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.verdicts.store import MIGRATIONS, Verdict, keep
from axiom_verify.access import environment
from axiom_verify.compare import Report
from axiom_verify.compare import verify as verify_store


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(verify)


def verify(
    stores: Annotated[
        list[str] | None, typer.Argument(help="postgres, redis, neo4j, chroma; none means all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Compare stores with a second, plain fold of the log, while traffic flows.

    Prints counts and digests for each kind of entity, and the first 20 keys that differ with what the log
    says and what the store holds. Exit code 1 if anything differs; `axiom rebuild` mends it.
    """
    reader, env = KafkaLogReader(load(KafkaSettings).bootstrap), environment()
    console = Console(stderr=as_json)
    reports: list[Report] = []
    for store in chosen(stores):
        with console.status(f"reading the log and {store}"):
            reports.append(verify_store(store, env, reader))
    _keep(console, reports)
    if as_json:
        rows = [dataclasses.asdict(report) | {"equal": report.equal} for report in reports]
        print(json.dumps(rows, indent=2))  # noqa: T201
    else:
        _show(console, reports)
    if not all(report.equal for report in reports):
        raise typer.Exit(1)


def _keep(console: Console, reports: list[Report]) -> None:
    """For the API and its dashboard; that PostgreSQL is down does not change the verdict."""
    now = datetime.now(UTC)

    async def work() -> None:
        control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS, pool_size=1)
        try:
            await control.setup()
            for report in reports:
                await keep(control, _verdict(report, now))
        finally:
            await control.close()

    try:
        asyncio.run(work())
    except StoreDown as error:
        console.print(f"the verdict is not kept: {error}", style="yellow", highlight=False)


def _verdict(report: Report, now: datetime) -> Verdict:
    offsets = {
        f"{topic}-{number}": offset for topic, own in report.offsets.items() for number, offset in own.items()
    }
    digests = {kind.kind: kind.found_digest for kind in report.kinds}
    return Verdict(report.store, now, report.equal, report.differing, offsets, digests)


def _show(console: Console, reports: list[Report]) -> None:
    table = Table("store", "kind", "in the log", "in the store", "digest", "")
    for report in reports:
        for kind in report.kinds:
            same = kind.expected_digest == kind.found_digest
            table.add_row(
                report.store, kind.kind, f"{kind.expected:,}", f"{kind.found:,}", kind.found_digest,
                "equal" if same else f"log {kind.expected_digest}",
            )  # fmt: skip
    console.print(table)
    for report in reports:
        for problem in report.accounting:
            console.print(f"[red]{report.store}[/] {problem}")
        for one in report.differences:
            console.print(
                f"[red]{report.store}[/] {one.key}: log {one.expected}, store {one.found}", highlight=False
            )
        if report.differing > len(report.differences):
            console.print(f"{report.store}: {report.differing - len(report.differences)} more keys differ")
        console.print(
            f"{report.store}: "
            + ("[green]equal to the log[/]" if report.equal else f"[red]{report.differing} keys differ[/]")
        )
