"""`python -m tests.bench`: measure, print, and write docs/benchmarks.md."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from axiom.errors import AxiomError
from tests.bench import machine, report
from tests.bench.report import Findings
from tests.bench.run import PEERS, SUBJECTS, Plan, run, steps
from tests.bench.servers import others_share, servers
from tests.stack import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    only: Annotated[str, typer.Option(help=f"Some of {', '.join(SUBJECTS)}, separated by commas.")] = "",
    records: Annotated[int, typer.Option(min=1_000, help="Price bars that go through each sink.")] = 200_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Counted rounds; one to warm up comes first.")] = 3,
    peers: Annotated[
        bool, typer.Option("--peers", help=f"Measure other people's sinks beside ours: {', '.join(PEERS)}.")
    ] = False,
    home: Annotated[Path | None, typer.Option(help="Use the servers that run in this AXIOM_HOME.")] = None,
    write: Annotated[
        bool | None, typer.Option(help="Write docs/benchmarks.md; by default after a run with no --only.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Measure sinks, latency and producer on servers of their own, which are deleted afterwards.

    With --home the stores and the topic price-updates of those servers are EMPTIED, again and again.
    """
    known = list(PEERS) if peers else list(SUBJECTS)
    subjects = [name.strip() for name in only.split(",")] if only else known
    if unknown := set(subjects) - set(known):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: take some of {', '.join(known)}")
    plan = Plan(subjects, records, repetitions)
    console = Console(stderr=True)
    findings, broken_off = _measure(plan, home, console)
    if as_json:
        print(json.dumps(findings.as_json(), indent=2))  # noqa: T201
    else:
        report.show(findings, Console(width=None if sys.stdout.isatty() else 120))
    if broken_off is not None:
        console.print("Only what was measured so far is shown, nothing is written")
        raise broken_off
    if write if write is not None else not only:
        marks = report.PEERS if peers else report.BENCH
        PAGE.write_text(report.replaced(PAGE.read_text(), report.markdown(findings, marks), marks))
        console.print(f"Written: {PAGE.relative_to(ROOT)}")


def _measure(
    plan: Plan, home: Path | None, console: Console
) -> tuple[Findings, AxiomError | KeyboardInterrupt | None]:
    """The findings, and what broke the run off, if anything did."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    started_s = time.monotonic()
    findings: Findings | None = None
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting the servers", total=steps(plan) + 1)
        try:
            with servers(home) as stack:
                findings = Findings(asyncio.run(machine.describe()), _command(), _today(), plan.repetitions)
                with others_share(stack, findings.others.append):
                    asyncio.run(run(stack, plan, findings, partial(_advance, progress, task)))
        except (AxiomError, KeyboardInterrupt) as error:
            if findings is None:
                raise
            return findings, error
        progress.update(task, description="done", completed=steps(plan) + 1)
    findings.seconds = time.monotonic() - started_s
    return findings, None


def _advance(progress: Progress, task: TaskID, what: str) -> None:
    progress.update(task, description=what, advance=1)


def _command() -> str:
    target = "bench-peers" if "--peers" in sys.argv else "bench"
    options = shlex.join(option for option in sys.argv[1:] if option != "--peers")
    return f'make {target} ARGS="{options}"' if options else f"make {target}"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    try:
        app()
    except AxiomError as error:
        sys.exit(f"{type(error).__name__}: {error}")
