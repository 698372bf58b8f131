"""Reads what happens once, and hands it to all who listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from axiom.contracts.codec import Decoder
from axiom.contracts.record import Record, TopicIdentity, TopicPartition
from axiom.errors import AxiomError, BadRecord
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import wait_or
from axiom.telemetry.logs import get_logger
from services.control_api.live.mailbox import Interest, Mailbox, Update
from services.control_api.live.tape import Entry, Tape
from services.control_api.live.turns import Turns
from topics import graph_mutations, job_runs, market_events, price_updates
from topics.market_events import event_version
from topics.price_updates import latest_version

PRICES, EVENTS = price_updates.TOPIC.name, market_events.TOPIC.name
RUNS, MUTATIONS = job_runs.TOPIC.name, graph_mutations.TOPIC.name
TOPICS = (PRICES, EVENTS, RUNS, MUTATIONS)
_AT_ONCE = 100
"""Handed out without a pause for anyone else."""
_POLL_S = 0.05
log = get_logger()


class Follower(Protocol):
    """What the hub needs of `axiom.bus.kafka.follower`."""

    def start(self) -> Mapping[TopicPartition, int]: ...
    def identity(self, topic: str) -> TopicIdentity: ...
    def poll(self, max_records: int, timeout_s: float) -> list[Record]: ...
    def close(self) -> None: ...


class Listener:
    """A client of the hub: its mailbox, and the flag that says there is something in it."""

    def __init__(self, interest: Interest, most: int) -> None:
        self.mailbox = Mailbox(interest, most)
        self.news = asyncio.Event()

    def put(self, update: Update) -> None:
        """Take an update in, if it is wanted."""
        if self.mailbox.put(update):
            self.news.set()


class Hub:
    """One reader of the log for all live clients.

    Attributes:
        tape: the mutations of the graph.
        turns: who writes to a client takes one first.
        problem: why nothing comes just now; None when all is well.
    """

    def __init__(self, make_follower: Callable[[], Follower], *, tape_entries: int, mailbox: int) -> None:
        """`mailbox`: things that wait for one client at most."""
        self.tape = Tape(tape_entries)
        self.turns = Turns()
        self.problem: str | None = "starting"
        self._make_follower = make_follower
        self._mailbox = mailbox
        self._everything: set[Listener] = set()
        self._runs: set[Listener] = set()
        self._by_symbol: dict[str, set[Listener]] = {}
        self._latest: dict[str, str] = {}
        self._decoders: Mapping[str, Decoder[Any]] = {
            topic.name: Decoder(topic)
            for topic in (price_updates.TOPIC, market_events.TOPIC, job_runs.TOPIC, graph_mutations.TOPIC)
        }

    def listen(self) -> Listener:
        """A new client, that wants nothing yet."""
        return Listener(Interest(), self._mailbox)

    def want(self, listener: Listener, interest: Interest) -> None:
        """Change what a client wants; what waits and is not wanted any more is dropped."""
        self.leave(listener)
        listener.mailbox.interest = interest
        listener.mailbox.forget_others()
        if not interest.symbols:
            self._everything.add(listener)
        elif "runs" in interest.kinds:
            self._runs.add(listener)
        for symbol in interest.symbols:
            self._by_symbol.setdefault(symbol, set()).add(listener)

    def leave(self, listener: Listener) -> None:
        """The client is gone."""
        self._everything.discard(listener)
        self._runs.discard(listener)
        for symbol in listener.mailbox.interest.symbols:
            listeners = self._by_symbol.get(symbol)
            if listeners is not None:
                listeners.discard(listener)
                if not listeners:
                    del self._by_symbol[symbol]

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`. While Kafka is away, say so and try again."""
        backoff = Backoff(base_s=0.2, cap_s=5.0)
        while not stop.is_set():
            follower = self._make_follower()
            try:
                await self._follow(follower, stop, backoff)
            except AxiomError as error:
                self.problem = str(error)
                log.warning("live_feed_interrupted", why=str(error))
                await wait_or(stop, backoff.next_s())
            finally:
                await asyncio.to_thread(follower.close)

    async def _follow(self, follower: Follower, stop: asyncio.Event, backoff: Backoff) -> None:
        ends = await asyncio.to_thread(follower.start)
        identity = await asyncio.to_thread(follower.identity, MUTATIONS)
        self.tape.begin(
            identity.topic_id, {part.partition: end for part, end in ends.items() if part.topic == MUTATIONS}
        )
        self.problem = None
        backoff.tries = 0
        while not stop.is_set():
            self.take(await asyncio.to_thread(follower.poll, _AT_ONCE, _POLL_S))

    def take(self, records: Sequence[Record]) -> None:
        """Hand records to who wants them."""
        self.tape.add([self.entry_of(record) for record in records if record.topic == MUTATIONS])
        for record in records:
            for update in self._update(record):
                self._hand_out(update)

    def _hand_out(self, update: Update) -> None:
        concerned = (
            [self._runs]
            if update.kind == "runs"
            else [self._by_symbol.get(one, set()) for one in update.symbols]
        )
        for listener in self._everything.union(*concerned):
            listener.put(update)

    def _update(self, record: Record) -> Iterator[Update]:
        if record.topic == MUTATIONS:
            return
        try:
            payload = self._decoders[record.topic](record)
        except BadRecord:
            return  # its consumers have it as a dead letter
        value = (record.value or b"").decode()
        match record.topic:
            case price_updates.TOPIC.name:
                version = latest_version(payload, record.value)
                if self._latest.get(payload.symbol, "") <= version:  # a backfill of the past is no news
                    self._latest[payload.symbol] = version
                    yield Update("prices", payload.symbol, (payload.symbol,), version, value)
            case market_events.TOPIC.name:
                version = event_version(payload, record.value)
                yield Update(
                    "events", payload.event_id, tuple(dict.fromkeys(payload.symbols)), version, value
                )
            case job_runs.TOPIC.name:
                yield Update("runs", payload.run_id, (), f"{record.offset:020d}", value)

    def entry_of(self, record: Record) -> Entry:
        """A record of graph-mutations; one that breaks the contract has its place alone."""
        try:
            payload = self._decoders[MUTATIONS](record)
        except BadRecord:
            return Entry(record.partition, record.offset, (), None)
        ends = tuple(end for end in (payload.subject, payload.object) if end)
        return Entry(record.partition, record.offset, ends, _one_line(record.value or b""))


def _one_line(value: bytes) -> str:
    """JSON as a line of text, as an event stream wants it; our own producers write it so."""
    text = value.decode()
    return text if text.isprintable() else json.dumps(json.loads(text))
