"""What members of a sink's group say of themselves, and a way to hold one up in the middle of a write."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from axiom_verify import readers
from tests.stack import ServiceProcess, wait_until
from topics import price_updates

_WAITING = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'axiom' AND wait_event_type = 'Lock'"


def counted(service: ServiceProcess, metric: str, **labels: str) -> int:
    """One of a service's counters."""
    wanted = "".join(f'(?=.*{name}="{value}")' for name, value in labels.items())
    found = re.search(rf"^{metric}{{{wanted}.*}} (\S+)$", service.metrics(), re.MULTILINE)
    return int(float(found[1])) if found else 0


def shares(service: ServiceProcess) -> set[tuple[str, int]]:
    """The partitions that a member writes, of every topic; none while it is not ready."""
    if not service.ready():
        return set()
    rows: list[dict[str, Any]] = service.health()["partitions"]
    return {(row["topic"], row["partition"]) for row in rows}


def held(service: ServiceProcess) -> set[int]:
    """Those of `price-updates`. Kafka shares out all topics together, so it may be any of them, or none."""
    return {partition for topic, partition in shares(service) if topic == price_updates.TOPIC.name}


def waits_for(service: ServiceProcess, reason: str) -> None:
    """Wait until a service says that it is not ready for that reason."""
    try:
        wait_until(f"{service.name} says {reason}", lambda: reason in _not_ready(service))
    except AssertionError as late:
        raise AssertionError(f"{late}\n{service.log_end()}") from None


def _not_ready(service: ServiceProcess) -> dict[str, str]:
    exit_code = service.process.poll()
    assert exit_code is None, f"{service.name} exited with {exit_code}\n{service.log_end()}"
    try:
        why: dict[str, str] = service.health()["not_ready"]
    except AssertionError:  # its health server is not up yet, or busy
        return {}
    return why


class BarsLock:
    """Holds back what is written to `market.price_bars`, in the middle of the writer's transaction."""

    def __init__(self, env: Mapping[str, str], runner: asyncio.Runner) -> None:
        self._runner = runner
        self._connection = runner.run(readers.connect_postgres(env))
        self._run("BEGIN")
        self._run("LOCK TABLE market.price_bars IN SHARE MODE")

    def wait_for_writer(self) -> None:
        """Wait until a sink's transaction waits for this lock."""
        wait_until("the sink's transaction waits for the lock", lambda: bool(self._run(_WAITING)))

    def release(self) -> None:
        """Let the writers go on."""
        self._runner.run(self._connection.close())

    def _run(self, query: str) -> list[Any]:
        rows: list[Any] = self._runner.run(self._connection.fetch(query))
        return rows


@contextmanager
def locked_bars(env: Mapping[str, str]) -> Iterator[BarsLock]:
    """A lock for as long as the context lasts."""
    with asyncio.Runner() as runner:
        lock = BarsLock(env, runner)
        try:
            yield lock
        finally:
            lock.release()
