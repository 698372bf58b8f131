"""Analytics over real servers: order, repeats and kills change nothing of what is said in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from axiom.bus.kafka import KafkaAdmin, KafkaLogReader
from tests.bars import bar as daily_bar
from tests.e2e.pipeline import Pipeline
from tests.minute_bars import VERSIONS, WATCHED, Said, feed, make_market, note, session, shuffled
from tests.stack import ServiceProcess, StackUnderTest, wait_until
from topics import all_topics, price_updates
from topics.price_updates import PriceBar

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GROUP = "analytics"
KILLED = 137


class Exchange:
    """The topics of bars and of what is said of them, and analytics as a process."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack = stack
        self.pipeline = Pipeline(stack)
        self.reader = KafkaLogReader(self.pipeline.bootstrap)

    def reset(self) -> None:
        """Topics made anew, no group."""
        admin = AdminClient({"bootstrap.servers": self.pipeline.bootstrap})
        wait_until("Kafka forgets the group", lambda: _is_forgotten(admin))
        names = {price_updates.TOPIC.name, *VERSIONS} & set(admin.list_topics(timeout=20).topics)
        for deleted in admin.delete_topics(list(names), operation_timeout=20).values() if names else ():
            deleted.result(30)
        wait_until("the topics are gone", lambda: not names & set(admin.list_topics(timeout=20).topics))
        KafkaAdmin(self.pipeline.bootstrap).create(all_topics().values())

    def start(self, crashpoint: str = "") -> ServiceProcess:
        """Analytics, in small batches; as a context, it ends killed."""
        settings = {
            "AXIOM_PRODUCER_SYMBOLS": ",".join(WATCHED),
            "AXIOM_ANALYTICS_BATCH_RECORDS": "40",
            "AXIOM_SERVICE_CRASHPOINT": crashpoint,
        }
        return self.stack.start_service(GROUP, settings)

    def wait_done(self, service: ServiceProcess) -> None:
        """Wait until the group has confirmed the whole log."""
        ranges = self.reader.ranges(price_updates.TOPIC.name)
        ends = {part: kept.end for part, kept in ranges.items() if kept.end}
        try:
            wait_until("all is worked on", lambda: self.reader.done(GROUP, list(ends)) == ends, 120)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{service.log_end()}") from None

    def said(self) -> Said:
        """What the topics say, of each id the record that counts."""
        said: Said = {}
        topics = all_topics()
        for name in VERSIONS:
            model = topics[name].payload
            assert model is not None
            for record in self.pipeline.log(name):
                payload = model.model_validate_json(record.value or b"")
                note(said, topics[name], payload, record.key, record.value)
        return said


def _is_forgotten(admin: AdminClient) -> bool:
    try:
        admin.delete_consumer_groups([GROUP], request_timeout=10)[GROUP].result(10)
    except KafkaException as error:
        return "NOT_FOUND" in str(error.args[0].name())
    return True


@pytest.fixture
def exchange(stack: StackUnderTest) -> Iterator[Exchange]:
    exchange = Exchange(stack)
    exchange.reset()
    yield exchange
    stack.stop_services()


def thirds(bars: Sequence[PriceBar]) -> Iterable[Sequence[PriceBar]]:
    size = -(-len(bars) // 3)
    return [bars[start : start + size] for start in range(0, len(bars), size)]


def test_twice_shuffled_and_killed_it_says_the_same_as_once_in_order(exchange: Exchange) -> None:
    """That once in order it says the same as the market in this process, the next test shows."""
    bars = session(minutes=120)
    early, middle, late = thirds(shuffled([*bars, *bars], 5))
    exchange.pipeline.publish(early)
    with exchange.start(crashpoint="after_outputs:4") as service:
        assert service.wait_exit() == KILLED, service.log_end()
    exchange.pipeline.publish(middle)
    with exchange.start() as service:
        exchange.wait_done(service)
        service.kill()
    exchange.pipeline.publish(late)
    with exchange.start() as service:
        exchange.wait_done(service)
        assert service.terminate() == 0, service.log_end()
    assert exchange.said() == feed(make_market(), bars)


@pytest.mark.chaos
def test_kafka_may_go_and_come_back_and_a_stop_does_not_wait_for_it(exchange: Exchange) -> None:
    bars = session(minutes=60)
    with exchange.start() as service:
        exchange.pipeline.publish(bars[:50])
        exchange.wait_done(service)
        exchange.stack.crash("kafka")
        wait_until("it says so", lambda: "kafka_down" in service.health()["not_ready"])
        exchange.stack.start("kafka")
        exchange.pipeline.publish(bars[50:])
        exchange.wait_done(service)
        assert exchange.said() == feed(make_market(), bars)
        exchange.stack.crash("kafka")
        assert service.terminate() == 0, service.log_end()
    exchange.stack.start("kafka")


def test_of_days_and_bad_records_it_says_nothing_and_of_minutes_what_they_mean(exchange: Exchange) -> None:
    bad = [(b"AAPL", b"{not json", []), (b"AAPL", None, []), (None, b"\xff\xfe", [])]
    exchange.pipeline.send(bad)
    exchange.pipeline.publish(daily_bar(days=days, close=100.0 + days) for days in range(300))
    with exchange.start() as service:
        service.wait_ready()
        exchange.wait_done(service)
        found = service.health()["analytics"]
        assert found == {"symbols": 0, "bars": {"other_interval": 300}}
        assert 'axiom_analytics_bars_total{outcome="bad"} 3.0' in service.metrics()
        assert service.ready()
        assert exchange.said() == {}
        bars = session(minutes=120)
        exchange.pipeline.publish(bars)
        exchange.wait_done(service)
        assert exchange.said() == feed(make_market(), bars)
        assert service.terminate() == 0, service.log_end()
    assert exchange.pipeline.dead_letters("analytics") == {}
