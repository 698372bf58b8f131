"""`axiom topics`: make, list and describe the declared topics."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from axiom.bus.kafka import KafkaAdmin
from axiom.bus.kafka.admin import TopicState
from axiom.contracts.topic import DAY_MS, Topic
from axiom.errors import Misconfigured
from axiom.settings import KafkaSettings, load
from axiom_cli.schemas import schemas
from topics import all_topics

app = typer.Typer(help="Make, list and describe the declared topics.", no_args_is_help=True)
app.command()(schemas)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="topics")


NUMBERS = {"parts", "records", "size"}


@app.command()
def create(as_json: Json = False) -> None:
    """Make every declared topic that is missing, and align the settings of the others."""
    outcome = _admin().create(all_topics().values())
    if as_json:
        print(json.dumps(outcome))  # noqa: T201
        return
    for name, what in outcome.items():
        Console().print(f"[bold]{name}[/] {what}")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the declared topics: partitions, retention, records, size and the lag of each consumer."""
    declared = all_topics()
    admin = _admin()
    states = {state.name: state for state in admin.describe(admin.names() & set(declared))}
    rows = [_row(topic, states.get(name)) for name, topic in declared.items()]
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    table = Table()
    for title in ("topic", "parts", "kept", "records", "size", "lag by consumer"):
        table.add_column(title, justify="right" if title in NUMBERS else "left", no_wrap=True)
    for row in rows:
        lag = "\n".join(f"{group} {count:,}" for group, count in row["lag"].items())
        table.add_row(
            row["topic"], str(row["partitions"]), row["retention"],
            "missing" if row["records"] is None else f"{row['records']:,}",
            _human(row["size_bytes"] or 0), lag or "-",
        )  # fmt: skip
    Console().print(table)


@app.command()
def describe(
    name: Annotated[str, typer.Argument(help="A topic, such as price-updates.")], as_json: Json = False
) -> None:
    """Describe one topic: its contract, and for each partition its offsets, size and consumers."""
    topic = all_topics().get(name)
    if topic is None:
        raise Misconfigured(f"no topic {name!r} is declared; `axiom topics list` shows those that are")
    [state] = _admin().describe([name])
    partitions = [
        {
            "partition": number,
            "start_offset": kept.start,
            "end_offset": kept.end,
            "size_bytes": state.sizes_bytes[number],
            "consumers": {
                group: {"offset": offsets[number], "lag": max(0, kept.end - offsets[number])}
                for group, offsets in state.group_offsets.items()
                if number in offsets
            },
        }
        for number, kept in state.ranges.items()
    ]
    about = _row(topic, state) | {
        "topic_id": state.identity.topic_id,
        "schema_version": topic.version,
        "max_record_bytes": topic.max_record_bytes,
        "schema": f"topics/schemas/{name}.json" if topic.payload else None,
    }
    if as_json:
        print(json.dumps(about | {"partition_states": partitions}, indent=2))  # noqa: T201
        return
    console = Console()
    for field, value in about.items():
        console.print(f"[bold]{field}[/] {value}")
    table = Table("partition", "start", "end", "size", "consumers (offset, lag)")
    for part in partitions:
        consumers: dict[str, dict[str, int]] = part["consumers"]  # type: ignore[assignment]
        table.add_row(
            str(part["partition"]), str(part["start_offset"]), str(part["end_offset"]),
            _human(int(str(part["size_bytes"]))),
            "\n".join(f"{group} {at['offset']}, {at['lag']}" for group, at in consumers.items()) or "-",
        )  # fmt: skip
    console.print(table)


def _row(topic: Topic[Any], state: TopicState | None) -> dict[str, Any]:
    return {
        "topic": topic.name,
        "summary": topic.summary,
        "key": topic.key,
        "partitions": state.identity.partitions if state else topic.partitions,
        "retention": "forever" if topic.retention_ms is None else f"{topic.retention_ms // DAY_MS} days",
        "records": state.records if state else None,
        "size_bytes": state.size_bytes if state else None,
        "lag": {group: state.lag(group) for group in state.group_offsets} if state else {},
    }


def _human(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _admin() -> KafkaAdmin:
    return KafkaAdmin(load(KafkaSettings).bootstrap)
