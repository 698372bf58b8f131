"""`axiom backup`: the log and schema `control` as files, and what there is of them."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from axiom.backup.folder import Backup, forget, kept, open_backup
from axiom.backup.settings import BackupSettings
from axiom.backup.taking import Report, take
from axiom.bus.kafka import KafkaGroups, KafkaLogReader
from axiom.settings import KafkaSettings, PostgresSettings, load

app = typer.Typer(
    help="Write every topic's records and schema control of PostgreSQL to files; `axiom restore` reads them.",
    invoke_without_command=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
To = Annotated[
    Path | None,
    typer.Option(help="Folder that holds backups; by default AXIOM_BACKUP_FOLDER, or one beside AXIOM_HOME."),
]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="backup")


@app.callback()
def backup(
    context: typer.Context,
    to: To = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Then delete old ones, as the nightly job does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a backup while everything runs. It appears whole or not at all; Ctrl-C leaves nothing.

    It holds no passwords. Derived stores (schema market, Redis, Neo4j, Chroma) are not in it: `axiom restore`
    fills them from the log. Chunks that the newest backup there has already are shared with it.
    """
    if context.invoked_subcommand is not None:
        return
    quiet_logs()
    settings = load(BackupSettings)
    place = to or settings.place
    console = Console(stderr=as_json)
    bootstrap = load(KafkaSettings).bootstrap
    with shown_steps(console) as report:
        made = asyncio.run(
            take(
                place, datetime.now(UTC), KafkaLogReader(bootstrap), KafkaGroups(bootstrap),
                load(PostgresSettings), report,
            )
        )  # fmt: skip
    forgotten = forget(place, settings.keep_daily, settings.keep_weekly) if prune else []
    if as_json:
        print(json.dumps(_row(made) | {"forgotten": [str(one) for one in forgotten]}, indent=2))  # noqa: T201
        return
    manifest = made.manifest
    console.print(
        f"{made.folder}: {manifest.records:,} records of {len(manifest.topics)} topics, "
        f"{manifest.rows:,} rows of {len(manifest.tables)} tables, {_size(made.size_bytes)}",
        highlight=False,
        soft_wrap=True,
    )
    for warning in manifest.warnings:
        console.print(f"[yellow]{escape(warning)}[/]")
    for folder in forgotten:
        console.print(f"deleted {folder}", highlight=False)


@app.command(name="list")
def list_(to: To = None, as_json: AsJson = False) -> None:
    """List the backups, the newest first."""
    place = to or load(BackupSettings).place
    found = kept(place)
    if as_json:
        print(json.dumps([_row(one) for one in found], indent=2))  # noqa: T201
        return
    if not found:
        Console().print(f"There is no backup in {place}; `axiom backup` makes one.", soft_wrap=True)
        return
    table = Table("made at (UTC)", "records", "rows", "size", "warnings", Column("folder", overflow="fold"))
    for one in found:
        manifest = one.manifest
        moment = f"{manifest.made_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        table.add_row(
            moment, f"{manifest.records:,}", f"{manifest.rows:,}", _size(one.size_bytes),
            str(len(manifest.warnings) or ""), one.folder.name,
        )  # fmt: skip
    Console().print(table)
    Console().print(f"in {place}", soft_wrap=True, highlight=False)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A backup's own folder.")], as_json: AsJson = False
) -> None:
    """Compare every file of a backup with its sha256; exit code 1 if it is not what was written."""
    found = open_backup(folder)
    with shown_steps(Console(stderr=as_json)) as report:
        found.check(lambda done, total: report("files", done, total))
    if as_json:
        print(json.dumps(_row(found), indent=2))  # noqa: T201
    else:
        Console().print(f"{len(found.sums)} files are what was written", highlight=False)


@contextmanager
def shown_steps(console: Console) -> Iterator[Report]:
    """A bar for each topic and other part."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield report


def quiet_logs() -> None:
    """Only errors, and those on standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _row(found: Backup) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "folder": str(found.folder),
        "made_at": manifest.made_at.isoformat(),
        "records": {topic.name: topic.records for topic in manifest.topics},
        "rows": {table.name: table.rows for table in manifest.tables},
        "size_bytes": found.size_bytes,
        "warnings": list(manifest.warnings),
    }


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
