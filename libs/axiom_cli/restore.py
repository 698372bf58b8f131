"""`axiom restore`: an empty home, or one that may be lost, becomes what a backup holds."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

import axiom
import services
from axiom.backup.folder import Backup, open_backup
from axiom.backup.restoring import (
    Target,
    Unburied,
    obstacles,
    restore_groups,
    restore_log,
    restore_tables,
)
from axiom.bus.deadletters import DeadLetters
from axiom.bus.kafka import KafkaGroups, KafkaLogReader, KafkaLogWriter, KafkaProducer
from axiom.bus.letters import told_by
from axiom.errors import Misconfigured
from axiom.runtime.discovery import chosen_stores as chosen
from axiom.runtime.discovery import sink_of
from axiom.runtime.rebuild import rebuild
from axiom.settings import KafkaSettings, PostgresSettings, home, load
from axiom.stores.control_copy import migrations_below
from axiom.stores.restore_mark import RestoreMark
from axiom_cli.backup import quiet_logs, shown_steps
from axiom_cli.rebuild import shown_progress
from axiom_verify.access import environment
from axiom_verify.compare import verify as verify_store

_HELP = """Restore a backup: topics with their offsets, schema control, and every store from them.

Into an empty AXIOM_HOME it starts the servers itself (not the services); with Docker, let servers run alone.
Every file is compared with its sha256 before anything is touched. A restore that was interrupted begins anew
when it is run again. Afterwards: `axiom up`.
"""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command(name="restore", help=_HELP)(restore)


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup's own folder; `axiom backup list` shows them.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete the topics and the schema control that are there.")
    ] = False,
    control_only: Annotated[
        bool,
        typer.Option("--control-only", help="Only schema control: PostgreSQL was lost, Kafka's log was not."),
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Compare each store with the log at the end.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Restore a backup."""
    quiet_logs()
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    backup = open_backup(folder.resolve())
    with shown_steps(console) as report:
        backup.check(lambda done, total: report("checking files", done, total))
    notice = _servers_run(console)
    told = asyncio.run(_restore(backup, console, notice, replace=replace, control_only=control_only))
    if verify and not control_only:
        told["equal"] = {name: _verified(name, console) for name in chosen(None)}
    if as_json:
        print(json.dumps(told, indent=2))  # noqa: T201
    else:
        _say(console, backup, told)
    if not all(told.get("equal", {}).values()):
        raise typer.Exit(1)


def _servers_run(console: Console) -> Path | None:
    """Start the embedded servers; returns the file whose presence keeps `axiom up` from starting services.

    None when the settings say that other servers are meant.
    """
    if os.environ.get("AXIOM_SECRETS_DIR") or os.environ.get("AXIOM_POSTGRES_PASSWORD"):
        return None
    with console.status("Starting the servers"):
        # By its name: the image has no embedded stack, and is told above of other servers.
        stack = importlib.import_module("deploy.embedded.lifecycle").up(
            home(),
            lambda step: console.print(f"[green]•[/] {escape(step)}"),
            port_base=os.environ.get("AXIOM_PORT_BASE"),
            servers_only=True,
        )
    return Path(stack.layout.restoring)


async def _restore(
    backup: Backup, console: Console, notice: Path | None, *, replace: bool, control_only: bool
) -> dict[str, Any]:
    bootstrap, postgres = load(KafkaSettings).bootstrap, load(PostgresSettings)
    migrations = migrations_below(*(Path(folder) for top in (axiom, services) for folder in top.__path__))
    writer, mark = KafkaLogWriter(bootstrap), RestoreMark(postgres)
    target = Target(KafkaGroups(bootstrap), writer, postgres, migrations)
    told: dict[str, Any] = {"backup": str(backup.folder), "made_at": backup.manifest.made_at.isoformat()}
    try:
        found = await obstacles(target, control_only=control_only)
        if found and not replace and not await mark.is_set():
            raise Misconfigured(
                f"this home is not empty: {'; '.join(found)}. --replace deletes that, or choose another "
                f"AXIOM_HOME"
            )
        if notice is not None:
            await asyncio.to_thread(notice.write_text, f"{backup.folder}\n")
        await mark.set(backup.manifest.name)
        with shown_steps(console) as report:
            if not control_only:
                await restore_log(backup, target, report)
                told["records"] = backup.manifest.records
            told["rows"] = await restore_tables(backup, target)
            report("schema control", 1, 1)
        if not control_only:
            await asyncio.to_thread(restore_groups, backup, target.admin)
            told["stores"] = {name: await _fill(backup, name, console) for name in chosen(None)}
        await mark.clear()
        if notice is not None:
            await asyncio.to_thread(notice.unlink)
    finally:
        await asyncio.to_thread(writer.close)
        await mark.close()
    return told


async def _fill(backup: Backup, name: str, console: Console) -> dict[str, int]:
    """Fill a store from the restored log; whatever was in it is swapped out."""
    bootstrap = load(KafkaSettings).bootstrap
    sink, reader = sink_of(name), KafkaLogReader(bootstrap)
    producer = KafkaProducer(bootstrap, client_id="axiom-restore")
    try:
        known = await asyncio.to_thread(told_by, reader, sink.name)
        letters = Unburied(backup, sink.name, known, DeadLetters(producer, sink.name))
        with shown_progress(sink.name, console) as progress:
            done = await rebuild(
                sink, reader, letters, progress, resume=False, accept_loss=True, has_readers=False
            )
    finally:
        await producer.close()
        await sink.store.close()
    return {"records": done.records, "applied": done.applied, "dead": done.dead}


def _verified(name: str, console: Console) -> bool:
    with console.status(f"verifying {name}"):
        return verify_store(name, environment(), KafkaLogReader(load(KafkaSettings).bootstrap)).equal


def _say(console: Console, backup: Backup, told: Mapping[str, Any]) -> None:
    manifest = backup.manifest
    if "records" in told:
        console.print(f"{told['records']:,} records of {len(manifest.topics)} topics are back")
    console.print(f"{told['rows']:,} rows of {len(manifest.tables)} tables of schema control are back")
    for name, done in told.get("stores", {}).items():
        equal = told.get("equal", {}).get(name)
        words = (
            ""
            if equal is None
            else ", [green]equal to the log[/]"
            if equal
            else ", [red]not equal to the log[/]"
        )
        console.print(f"{name}: {done['records']:,} records folded{words}")
    console.print(
        f"What was spent and called since {manifest.made_at:%Y-%m-%d %H:%M} UTC is not known here: caps and "
        f"quotas of today may be passed by that much."
    )
    for warning in manifest.warnings:
        console.print(f"[yellow]{escape(warning)}[/]")
    console.print("Start the services with `axiom up`.")
