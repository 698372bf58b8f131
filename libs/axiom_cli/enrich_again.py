"""`axiom enrich replay` and `axiom enrich again`: going over the log once more."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.errors import Misconfigured
from axiom_cli.enrich import app
from services.enricher.again import Gone, Selection, go_over, selected
from services.enricher.enriching import Parts, enriching, load_parts, make_tasks
from services.enricher.tasks.port import Task

Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", help="market-events, company-fundamentals or correlation-updates."),
]
Since = Annotated[datetime | None, typer.Option(help="Records that came into Kafka from then on (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Records that came into Kafka before then (UTC).")]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", help="Records that name one of these symbols.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many records of each topic.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def register(_: typer.Typer) -> None:
    """The commands join the group of `axiom_cli.enrich`, which is registered there."""


@app.command()
def replay(
    topics: Topics = None,
    since: Since = None,
    until: Until = None,
    symbols: Symbols = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Enrich records of the log once more, from what the ledger knows: nothing is paid for twice.

    The mutations are written again with the same ids and bytes, which changes no store. Only what was never
    read is asked (or read locally, without a key). Exit code 1: some records can't be read.
    """
    parts = load_parts()
    tasks = _tasks(parts, topics)
    _go(parts, tasks, _selection(since, until, symbols, limit), again=False, as_json=as_json)


@app.command()
def again(
    topics: Topics = None,
    since: Since = None,
    until: Until = None,
    symbols: Symbols = None,
    limit: Limit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many, and the worst cost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask Claude anew about records of the log, with the present model and prompts; the new reading counts.

    What was answered by the same model and prompt is not asked a second time. The budget holds as ever.
    Exit code 1: some records can't be read.
    """
    parts = load_parts()
    tasks = _tasks(parts, topics)
    if not parts.claude.has_key:
        raise Misconfigured("asking anew needs a key: set AXIOM_CLAUDE_API_KEY")
    selection = _selection(since, until, symbols, limit)
    if dry_run:
        _estimate(parts, tasks, selection, as_json=as_json)
    else:
        _go(parts, tasks, selection, again=True, as_json=as_json)


def _tasks(parts: Parts, topics: list[str] | None) -> list[Task[Any]]:
    every = make_tasks(parts.settings)
    known = {task.topic.name for task in every}
    if unknown := set(topics or ()) - known:
        raise Misconfigured(f"--topic {', '.join(sorted(unknown))}: take {', '.join(sorted(known))}")
    return [task for task in every if not topics or task.topic.name in topics]


def _selection(
    since: datetime | None, until: datetime | None, symbols: list[str] | None, limit: int | None
) -> Selection:
    return Selection(
        since and since.replace(tzinfo=UTC),
        until and until.replace(tzinfo=UTC),
        frozenset(symbols or ()),
        limit,
    )


def _go(parts: Parts, tasks: list[Task[Any]], selection: Selection, *, again: bool, as_json: bool) -> None:
    direct = replace(parts, settings=parts.settings.model_copy(update={"batch_companies": False}))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("starting", total=None)

        def note(gone: Gone) -> None:
            done, said = gone.read.total(), gone.mutations.total()
            progress.update(bar, description=f"{done:,} records read, {said:,} mutations written")

        gone = asyncio.run(_run(direct, tasks, selection, again, note))
    if as_json:
        sys.stdout.write(json.dumps(asdict(gone)) + "\n")
    else:
        console = Console()
        for task in tasks:
            console.print(
                f"{task.name}: {gone.read[task.name]:,} records, {gone.mutations[task.name]:,} mutations"
            )
        for why, count in gone.failed.items():
            console.print(f"[red]{why}: {count:,} records")
    if gone.failed:
        raise typer.Exit(1)


async def _run(parts: Parts, tasks: list[Task[Any]], selection: Selection, again: bool, note: Any) -> Gone:
    reader = KafkaLogReader(parts.kafka.bootstrap)
    producer = KafkaProducer(parts.kafka.bootstrap, client_id="axiom-enrich")
    try:
        async with enriching(parts) as enrichment:
            return await go_over(tasks, reader, enrichment, producer, selection, again=again, note=note)
    finally:
        await producer.close()


def _estimate(parts: Parts, tasks: list[Task[Any]], selection: Selection, *, as_json: bool) -> None:
    rows = asyncio.run(_worst_costs(parts, tasks, selection))
    if as_json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    for row in rows:
        Console().print(f"{row['task']}: {row['records']:,} records, at most ${row['at_most_usd']}")


async def _worst_costs(parts: Parts, tasks: list[Task[Any]], selection: Selection) -> list[dict[str, Any]]:
    reader = KafkaLogReader(parts.kafka.bootstrap)
    price = parts.budget.price_table().of(parts.claude.model, datetime.now(UTC).date())
    rows = []
    async with enriching(parts) as enrichment:
        for task in tasks:
            count, worst = 0, Decimal(0)
            for payloads in selected(task, reader, selection):
                for payload in payloads:
                    question = await enrichment.question(task, payload, again=True)
                    count, worst = count + 1, worst + price.worst_case(question.request)
            rows.append({"task": task.name, "records": count, "at_most_usd": str(worst)})
    return rows
