"""What `axiom monitor` shows, read as `status`, `topics`, `budget`, `dlq` and `quality` read it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from axiom.bus.kafka import KafkaAdmin, KafkaLogReader
from axiom.bus.kafka.admin import TopicState
from axiom.bus.letters import open_letters
from axiom.errors import AxiomError
from axiom.settings import KafkaSettings, load
from axiom_cli.budget import read_books
from axiom_cli.monitor_health import Part, look_around
from axiom_cli.quality import read_tiers
from topics import all_topics

T = TypeVar("T")
ASK_TIMEOUT_S = 5.0
SLOW_EVERY_S = 15.0
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True)
class Reading:
    """How one consumer group reads a topic; `records_per_s` is None where there is only one look."""

    consumer: str
    lag: int
    records_per_s: float | None


@dataclass(frozen=True)
class Flow:
    """One topic: what it holds, how fast it grows, who reads it."""

    topic: str
    records: int
    records_per_s: float | None
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Facts:
    """Everything at one moment. A part that can't be read is empty, and `problems` says why.

    Attributes:
        dead_letters: open letters by error class.
        budget: as `axiom budget --json`.
        tiers: as `axiom quality --json`: each tier at the last check of the daily bars.
    """

    at: datetime
    parts: Sequence[Part] = ()
    flows: Sequence[Flow] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    tiers: Sequence[Mapping[str, Any]] = ()
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether every server and service is healthy and everything could be read."""
        return bool(self.parts) and not self.problems and all(part.healthy for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"at": self.at.isoformat(), "healthy": self.healthy}


@dataclass(frozen=True)
class Look:
    """Topics as Kafka had them at a moment of the monotonic clock."""

    at_s: float
    topics: Mapping[str, TopicState]


class Watcher:
    """Looks again and again; speeds are those since the look before.

    Kafka and health are asked at every look, PostgreSQL every 15 s, dead letters when their topic has grown.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._before: Look | None = None
        self._slow: dict[str, tuple[float, Any]] = {}
        self._letters: tuple[int, Mapping[str, int]] = (-1, {})
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="monitor")

    def close(self) -> None:
        """Let go of what is still being asked."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def look(self) -> Facts:
        """Ask all at the same time."""
        problems: dict[str, str] = {}
        asked: dict[str, Future[Any]] = {
            "health": self._pool.submit(look_around),
            "Kafka": self._pool.submit(self._topics),
            "budget": self._pool.submit(self._seldom, "budget", lambda: read_books(days=1)),
            "quality": self._pool.submit(self._seldom, "quality", read_tiers),
        }
        found: dict[str, Any] = {}
        for name, future in asked.items():
            try:
                found[name] = future.result()
            except AxiomError as error:
                problems[name] = str(error).splitlines()[0]
        look: Look | None = found.get("Kafka")
        growth = tuple(flows(look, self._before)) if look else ()
        self._before = look or self._before
        letters: Mapping[str, int] = {}
        try:
            letters = self._open_letters(look)
        except AxiomError as error:
            problems["dead letters"] = str(error)
        return Facts(
            at=datetime.now(UTC),
            parts=found.get("health", ()),
            flows=growth,
            dead_letters=letters,
            budget=found.get("budget", {}),
            tiers=found.get("quality", ()),
            problems=problems,
        )

    def _seldom(self, name: str, read: Callable[[], T]) -> T:
        """What was read within the last 15 s, else a new answer; an error is asked about again at once."""
        kept = self._slow.get(name)
        if kept is None or self._monotonic() - kept[0] >= SLOW_EVERY_S:
            kept = (self._monotonic(), read())
            self._slow[name] = kept
        answer: T = kept[1]
        return answer

    def _topics(self) -> Look:
        admin = KafkaAdmin(load(KafkaSettings).bootstrap, ASK_TIMEOUT_S)
        states = admin.describe(admin.names() & set(all_topics()))
        return Look(self._monotonic(), {state.name: state for state in states})

    def _open_letters(self, look: Look | None) -> Mapping[str, int]:
        if look is None or DEAD_LETTERS not in look.topics:
            return {}
        end = sum(kept.end for kept in look.topics[DEAD_LETTERS].ranges.values())
        if end != self._letters[0]:
            letters = open_letters(KafkaLogReader(load(KafkaSettings).bootstrap))
            self._letters = (end, dict(Counter(found.letter.error_class for found in letters)))
        return self._letters[1]


def flows(now: Look, before: Look | None) -> Iterator[Flow]:
    """Each topic with its speeds since the look before, where there was one."""
    for name, state in now.topics.items():
        earlier = before.topics.get(name) if before else None
        seconds = now.at_s - before.at_s if before else 0.0
        readings = tuple(
            Reading(group, state.lag(group), _speed(_read(state, group), _read(earlier, group), seconds))
            for group in state.group_offsets
        )
        yield Flow(name, state.records, _speed(_end(state), _end(earlier), seconds), readings)


def _end(state: TopicState | None) -> int | None:
    return None if state is None else sum(kept.end for kept in state.ranges.values())


def _read(state: TopicState | None, group: str) -> int | None:
    if state is None or group not in state.group_offsets:
        return None
    return sum(state.group_offsets[group].values())


def _speed(now: int | None, before: int | None, seconds: float) -> float | None:
    """Records a second; None where nothing was known before. A rewind (a rebuild) is no speed."""
    if now is None or before is None or seconds <= 0:
        return None
    return max(0.0, (now - before) / seconds)
