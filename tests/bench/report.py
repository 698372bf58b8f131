"""What a run found, as tables for people, JSON for programs and Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.latency import PER_SECOND, SINK
from tests.bench.machine import Machine
from tests.bench.results import Latency, Series, Spread, Subject, Target
from tests.bench.targets import analysis_targets, latency_targets, ratio_targets


class Marks(NamedTuple):
    """The lines of docs/benchmarks.md between which a command writes what it found."""

    begin: str
    end: str


BENCH = Marks(
    "<!-- bench: written by `make bench`; what stands here is overwritten -->", "<!-- bench: end -->"
)
PEERS = Marks(
    "<!-- peers: written by `make bench-peers`; what stands here is overwritten -->", "<!-- peers: end -->"
)
NOT_MEASURED = "-"


@dataclass
class Findings:
    """Everything that one run of the bench found."""

    machine: Machine
    command: str
    date: str
    repetitions: int
    subjects: dict[str, Subject] = field(default_factory=dict)
    latencies: dict[str, list[Latency]] = field(default_factory=dict)
    seconds: float = 0.0
    others: list[float] = field(default_factory=list)

    def targets(self) -> list[Target]:
        """Those of the targets whose figures were measured."""
        return [
            *ratio_targets(self.subjects),
            *analysis_targets(self.subjects),
            *latency_targets(self.latencies.get(SINK, ())),
        ]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; times in seconds, all rounds."""
        return {
            "machine": self.machine.as_json(),
            "command": self.command,
            "date": self.date,
            "repetitions": self.repetitions,
            "cpu_share_of_others": sum(self.others),
            "subjects": {key: _subject_json(subject) for key, subject in self.subjects.items()},
            "latency": {
                "per_second": PER_SECOND,
                "rounds": {name: [asdict(one) for one in own] for name, own in self.latencies.items()},
            },
            "targets": [
                {
                    "what": target.what,
                    "bound": target.bound,
                    "at_most": target.at_most,
                    "found": target.found._asdict(),
                    "passed": target.passed,
                    "stretch": target.stretch,
                    "stretched": target.stretched,
                }
                for target in self.targets()
            ],
        }


def _subject_json(subject: Subject) -> dict[str, Any]:
    return {
        "title": subject.title,
        "records": subject.count,
        "what": subject.records,
        "limit": subject.limit,
        "contestants": {
            name: {"how": series.how, "rounds": [asdict(timing) for timing in series.timings]}
            for name, series in subject.series.items()
        },
    }


@dataclass(frozen=True)
class Grid:
    """A table's title, head and rows; all but the first column are figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[str] = ()

    def rich(self) -> Table:
        """For a terminal."""
        table = Table(title=self.title, title_justify="left", title_style="bold", caption_justify="left")
        table.caption = "\n".join(self.legend) or None
        for number, name in enumerate(self.head):
            table.add_column(name, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For the documentation."""
        lines = [
            f"### {self.title}",
            "",
            "| " + " | ".join(self.head) + " |",
            "|" + "|".join([" --- ", *([" ---: "] * (len(self.head) - 1))]) + "|",
        ]
        rows = ["| " + " | ".join(row) + " |" for row in self.rows]
        legend = ["", *(f"- {line}" for line in self.legend)] if self.legend else []
        return "\n".join([*lines, *rows, *legend, ""])


def grids(findings: Findings) -> list[Grid]:
    """The tables of a run: targets first."""
    tables = [_subject_grid(subject) for subject in findings.subjects.values()]
    if findings.latencies:
        tables.append(_latency_grid(findings.latencies))
    targets = findings.targets()
    return ([_target_grid(targets)] if targets else []) + tables


def _target_grid(targets: Sequence[Target]) -> Grid:
    rows = [
        (
            target.what,
            f"{'≤' if target.at_most else '≥'} {target.bound:g}{target.unit}",
            *(f"{value:.2f}{target.unit}" for value in target.found),
            _verdict(target),
        )
        for target in targets
    ]
    return Grid("Targets", ("what", "target", "min", "median", "max", "verdict by the median"), rows)


def _verdict(target: Target) -> str:
    if target.stretched:
        return f"pass, stretch {target.stretch:g} too"
    if not target.passed:
        return "short"
    return "pass" if target.stretch is None else f"pass (stretch {target.stretch:g}: short)"


def _subject_grid(subject: Subject) -> Grid:
    head = (
        "", "min s", "median s", "max s", "records/s", f"× {subject.limit}", "client CPU", "server CPU"
    )  # fmt: skip
    rows = [_series_row(subject, series) for series in subject.series.values() if series.timings]
    legend = [f"{series.name}: {series.how}" for series in subject.series.values()]
    return Grid(f"{subject.title}: {subject.records}", head, rows, legend)


def _series_row(subject: Subject, series: Series) -> tuple[str, ...]:
    times = subject.ratio(series.name, subject.limit)
    client, server = (series.cpu_us_per_record(side) for side in ("client", "server"))
    return (
        series.name,
        *(f"{value:,.2f}" for value in series.seconds(subject.count)),
        f"{1e6 / series.us_per_record.median:,.0f}",
        NOT_MEASURED if times is None else f"{times.median:,.1f} ({times.least:,.1f}–{times.greatest:,.1f})",
        NOT_MEASURED if client is None else f"{client:,.1f}",
        NOT_MEASURED if server is None else f"{server:,.1f}",
    )


def _latency_grid(latencies: Mapping[str, Sequence[Latency]]) -> Grid:
    rows = [
        (f"{name}, {word}", *(f"{value:.2f} ms" for value in Spread.of(getattr(one, key) for one in own)))
        for name, own in latencies.items()
        for word, key in (("p50", "p50_ms"), ("p99", "p99_ms"), ("longest", "max_ms"))
    ]
    rounds = [one for own in latencies.values() for one in own]
    title = f"Produce to Redis at {PER_SECOND}/s: {sum(one.samples for one in rounds):,} bars"
    legend = [
        "redis-sink: from our producer's send to the notification at a subscriber",
        "bare relay: a consumer that publishes each record's bytes in its place",
        f"never arrived: {sum(one.lost for one in rounds)}",
    ]
    return Grid(title, ("", "min", "median", "max"), rows, legend)


def show(findings: Findings, console: Console) -> None:
    """Print every table."""
    for grid in grids(findings):
        console.print(grid.rich())
        console.print()


def markdown(findings: Findings, marks: Marks = BENCH) -> str:
    """The generated part of the page, markers included."""
    machine = findings.machine
    versions = machine.servers | {"Python": machine.python} | machine.packages
    warm_up = f"{findings.repetitions} counted rounds after one to warm up"
    hardware = f"{machine.processor}, {machine.cores} cores, {machine.memory_gib:g} GiB, {machine.kernel}"
    facts = [
        f"`{findings.command}`, {findings.date}; {warm_up}, {findings.seconds / 60:.0f} minutes in all.",
        "",
        f"Machine: {hardware}. Other programs used {sum(findings.others):.0%} of its CPU time meanwhile.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
    ]
    return "\n".join([marks.begin, "", *facts, *(grid.markdown() for grid in grids(findings)), marks.end])


def replaced(page: str, block: str, marks: Marks = BENCH) -> str:
    """The page with its generated part replaced.

    Raises:
        ValueError: the page has no such part.
    """
    head, begin, rest = page.partition(marks.begin)
    _, end, tail = rest.partition(marks.end)
    if not begin or not end:
        raise ValueError(f"the page lacks {marks.begin!r} or {marks.end!r}")
    return head + block + tail
