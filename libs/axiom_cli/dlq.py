"""`axiom dlq`: look at dead letters, try them again, close them."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.bus.letters import Filter, Letter, close, open_letters
from axiom.errors import Misconfigured
from axiom.runtime.redriving import Outcome, rehearse_all
from axiom.runtime.redriving import redrive as redrive_records
from axiom.settings import KafkaSettings, load
from topics import all_topics

app = typer.Typer(help="Look at dead letters, send their records again, close them.", no_args_is_help=True)

Places = Annotated[
    list[str] | None, typer.Argument(help="Letters as `list` names them, such as 3-17; none: all.")
]
Consumer = Annotated[str | None, typer.Option(help="Only letters of this consumer.")]
TopicName = Annotated[str | None, typer.Option("--topic", help="Only records of this topic.")]
ErrorClass = Annotated[str | None, typer.Option("--error", help="Only this error class.")]
Since = Annotated[datetime | None, typer.Option(help="Only letters buried at this time (UTC) or later.")]
Until = Annotated[datetime | None, typer.Option(help="Only letters buried before this time (UTC).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="dlq")


@app.command(name="list")
def list_(
    consumer: Consumer = None, topic: TopicName = None, error: ErrorClass = None,
    since: Since = None, until: Until = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 50,
    as_json: Json = False,
) -> None:  # fmt: skip
    """List open dead letters, the newest last."""
    letters = _found(_filter(None, consumer, topic, error, since, until))
    if as_json:
        print(json.dumps([_row(found) for found in letters[-limit:]], indent=2))  # noqa: T201
        return
    table = Table("letter", "buried", "consumer", "record", "key", "error", "replays", "bytes")
    for found in letters[-limit:]:
        row = _row(found)
        table.add_row(
            row["letter"], row["buried_at"][:19], row["consumer"], row["record"], row["key"] or "-",
            row["error_class"], str(row["replay_count"]), str(row["value_size_bytes"]),
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(f"{min(limit, len(letters))} of {len(letters)} open letters")


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="A letter as `list` names it, such as 3-17.")],
    as_json: Json = False,
) -> None:
    """Show one letter whole: reason, headers and the record's bytes."""
    letters = _found(Filter(places=frozenset([place])))
    if not letters:
        raise Misconfigured(f"no open letter is called {place!r}; `axiom dlq list` shows those that are")
    letter = letters[0].letter
    if as_json:
        print(json.dumps(_row(letters[0]) | letter.model_dump(mode="json"), indent=2))  # noqa: T201
        return
    console = Console()
    for name, value in _row(letters[0]).items():
        console.print(f"[bold]{name}[/] {value}", highlight=False)
    for header in letter.headers:
        console.print(f"[bold]header {header.name}[/] {b64decode(header.value_base64)!r}", highlight=False)
    value = None if letter.value_base64 is None else b64decode(letter.value_base64)
    console.print(
        f"[bold]value[/]{' (its beginning)' if letter.truncated else ''} {value!r}", highlight=False
    )


@app.command()
def histogram(
    consumer: Consumer = None, topic: TopicName = None, error: ErrorClass = None,
    since: Since = None, until: Until = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Count open letters by day, consumer, topic and error class."""
    letters = _found(_filter(None, consumer, topic, error, since, until))
    counts = Counter(
        (
            one.letter.buried_at.date().isoformat(),
            one.letter.consumer,
            one.letter.topic,
            one.letter.error_class,
        )
        for one in letters
    )
    names = ("day", "consumer", "topic", "error_class")
    rows = [dict(zip(names, key, strict=True)) | {"letters": count} for key, count in sorted(counts.items())]
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    table = Table(*names, "letters")
    most = max(counts.values(), default=1)
    for row in rows:
        bar = "█" * max(1, round(30 * int(row["letters"]) / most))
        table.add_row(*(str(row[name]) for name in names), f"{row['letters']:>7,} {bar}")
    Console().print(table)


@app.command()
def redrive(
    places: Places = None, consumer: Consumer = None, topic: TopicName = None, error: ErrorClass = None,
    since: Since = None, until: Until = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run the real handler on each record, undo it, send nothing.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Also records that came back too often.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Send records to their topics again; consumers that had applied one count it superseded.

    All consumers read a record that is sent again. So it is sent once, and the letters that others wrote
    of it are closed as well: who refuses it again writes a new one. Exit code 1 if a record can't be sent,
    or in a dry run would be refused again.

    A dry run is undone by PostgreSQL and Neo4j. Redis can't undo, so there it runs in an empty database,
    where no record is superseded; in Chroma it ends before the server is asked.
    """
    every = _open()
    wanted = _filter(places, consumer, topic, error, since, until)
    letters = [one for one in every if wanted.takes(one)]
    if dry_run:
        outcomes = asyncio.run(rehearse_all(letters, force=force))
    else:
        if not yes and letters:
            typer.confirm(f"Send {len({one.record for one in letters})} records again?", abort=True)
        outcomes = asyncio.run(_redrive(letters, every, force=force))
    _report(outcomes, as_json=as_json)
    if any(outcome.startswith("refused") for _, outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def purge(
    places: Places = None, consumer: Consumer = None, topic: TopicName = None, error: ErrorClass = None,
    since: Since = None, until: Until = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Close letters that nobody needs; Kafka drops their bytes with the topic's retention."""
    letters = _found(_filter(places, consumer, topic, error, since, until))
    if not yes and letters:
        typer.confirm(f"Close {len(letters)} letters for good?", abort=True)

    async def work() -> None:
        producer = _producer()
        await close(producer, letters, "purged")
        await producer.close()

    asyncio.run(work())
    _report([(letter, "purged") for letter in letters], as_json=as_json)


async def _redrive(letters: Sequence[Letter], every: Sequence[Letter], *, force: bool) -> list[Outcome]:
    limits = {name: topic.max_record_bytes for name, topic in all_topics().items()}
    producer = _producer()
    try:
        return await redrive_records(producer, letters, every, limits, force=force)
    finally:
        await producer.close()


def _report(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        rows = [_row(found) | {"outcome": what} for found, what in outcomes]
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    console = Console()
    for found, what in outcomes[:50]:
        console.print(f"[bold]{found.place}[/] {found.letter.consumer} {what}", highlight=False)
    for what, count in sorted(Counter(outcome.split(":")[0] for _, outcome in outcomes).items()):
        console.print(f"{count} {what}")


def _row(found: Letter) -> dict[str, Any]:
    letter = found.letter
    return {
        "letter": found.place,
        "buried_at": letter.buried_at.isoformat(),
        "consumer": letter.consumer,
        "record": f"{letter.topic}-{letter.partition}@{letter.offset}"
        if letter.offset >= 0
        else letter.topic,
        "key": None if found.key is None else found.key.decode(errors="backslashreplace"),
        "error_class": letter.error_class,
        "error_message": letter.error_message,
        "replay_count": letter.replay_count,
        "value_size_bytes": letter.value_size_bytes,
        "value_sha256": letter.value_sha256,
    }


def _filter(
    places: list[str] | None, consumer: str | None, topic: str | None, error: str | None,
    since: datetime | None, until: datetime | None,
) -> Filter:  # fmt: skip
    return Filter(
        places=frozenset(places) if places else None,
        consumer=consumer,
        topic=topic,
        error_class=error,
        since=_utc(since),
        until=_utc(until),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)


def _found(wanted: Filter) -> list[Letter]:
    return [found for found in _open() if wanted.takes(found)]


def _open() -> list[Letter]:
    return open_letters(KafkaLogReader(load(KafkaSettings).bootstrap))


def _producer() -> KafkaProducer:
    return KafkaProducer(load(KafkaSettings).bootstrap, client_id="axiom-dlq")
