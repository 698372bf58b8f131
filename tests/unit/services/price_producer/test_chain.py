from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from axiom.resilience.breaker import BreakerState, CircuitBreaker
from axiom.resilience.clock import ManualClock
from axiom.resilience.negative import NegativeCache
from axiom.sources.outcomes import BadRow, NoSuchSymbol, RateLimited, SourceDown
from services.price_producer.chain import Missed, SourceChain
from services.price_producer.sources.port import Bars, Outcome, PriceSource, Request
from tests.unit.services.price_producer.fakes import DAILY, FakeSource, bar

pytestmark = pytest.mark.unit

REQUEST = Request("1d", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
MINUTES = Request("1m", REQUEST.start, REQUEST.end)


def chain_of(clock: ManualClock, *sources: PriceSource, failures: int = 3) -> SourceChain:
    breakers = {source.name: CircuitBreaker(source.name, failures, 60.0, clock) for source in sources}
    return SourceChain(sources, breakers, NegativeCache(3600, clock=clock))


class Result:
    """A cycle's answers, sorted out."""

    def __init__(self) -> None:
        self.bars: dict[str, tuple[str, str | None]] = {}
        self.missed: dict[str, Missed] = {}
        self.outcomes: list[tuple[str, Outcome]] = []


async def cycle(
    chain: SourceChain, symbols: Sequence[str], request: Request = REQUEST, *, stand_ins: bool = False
) -> Result:
    result = Result()
    async for answer in chain.fetch(symbols, request, stand_ins=stand_ins):
        if isinstance(answer, Missed):
            result.missed[answer.symbol] = answer
            continue
        result.outcomes.append((answer.source, answer.outcome))
        if isinstance(answer.outcome, Bars) and answer.outcome.bars:
            result.bars[answer.outcome.symbol] = (answer.source, answer.outcome.bars[0].source_reason)
    return result


def limited(symbol: str, _: Request) -> Outcome:
    return RateLimited(symbol, "HTTP 429", retry_after_s=None)


def unknown(symbol: str, _: Request) -> Outcome:
    return NoSuchSymbol(symbol, "may be delisted")


def broken(symbol: str, _: Request) -> Outcome:
    return SourceDown(symbol, "HTTP 503")


def unreachable(symbol: str, _: Request) -> Outcome:
    return SourceDown(symbol, "connection refused", reachable=False)


async def test_the_first_source_answers_and_no_reason_is_given() -> None:
    first, second = FakeSource("first"), FakeSource("second")
    result = await cycle(chain_of(ManualClock(), first, second), ["AAPL", "KO"])
    assert result.bars == {"AAPL": ("first", None), "KO": ("first", None)}
    assert second.asked == []
    assert result.missed == {}


async def test_a_rate_limit_opens_the_circuit_at_once_and_the_rest_go_to_the_next_source() -> None:
    first, second = FakeSource("first", limited), FakeSource("second")
    chain = chain_of(ManualClock(), first, second)
    result = await cycle(chain, ["AAPL", "KO", "XOM"])
    assert first.asked_symbols() == ["AAPL"]
    reason = "first: rate limited (HTTP 429)"
    assert result.bars == dict.fromkeys(("AAPL", "KO", "XOM"), ("second", reason))
    again = await cycle(chain, ["AAPL"])
    assert first.asked == []
    assert again.bars["AAPL"] == ("second", "first: circuit open for another 60 s")


async def test_retry_after_keeps_the_circuit_open_for_longer() -> None:
    clock = ManualClock()
    first = FakeSource("first", lambda symbol, _: RateLimited(symbol, "slow down", retry_after_s=600))
    chain = chain_of(clock, first)
    await cycle(chain, ["AAPL"])
    clock.move(599)
    await cycle(chain, ["AAPL"])
    assert len(first.asked) == 1
    assert chain.retry_in_s == 1
    clock.move(1)
    await cycle(chain, ["AAPL"])
    assert len(first.asked) == 2


async def test_failures_of_single_symbols_add_up_and_an_answer_starts_the_count_anew() -> None:
    def odd(symbol: str, request: Request) -> Outcome:
        return broken(symbol, request) if symbol.startswith("X") else Bars(symbol, (bar(symbol),))

    first = FakeSource("first", odd)
    chain = chain_of(ManualClock(), first)
    result = await cycle(chain, ["X1", "X2", "A", "X3", "X4", "X5", "B"])
    assert first.asked_symbols() == ["X1", "X2", "A", "X3", "X4", "X5"]
    assert chain.breakers["first"].state is BreakerState.OPEN
    assert result.missed["B"] == Missed("B", "first: HTTP 503", absent=False)


async def test_an_unreachable_source_is_asked_once() -> None:
    clock = ManualClock()
    first, second = FakeSource("first", unreachable), FakeSource("second", limited)
    result = await cycle(chain_of(clock, first, second), ["AAPL", "KO"])
    assert first.asked_symbols() == second.asked_symbols() == ["AAPL"]
    assert set(result.missed) == {"AAPL", "KO"}
    assert result.missed["KO"].reason == "first: connection refused; second: rate limited (HTTP 429)"


async def test_one_probe_closes_the_circuit_again() -> None:
    clock = ManualClock()
    first = FakeSource("first", unreachable)
    chain = chain_of(clock, first)
    await cycle(chain, ["AAPL", "KO"])
    clock.move(60)
    await cycle(chain, ["AAPL", "KO"])
    assert first.asked_symbols() == ["AAPL", "AAPL"], "the probe failed"
    clock.move(60)
    first.answer = FakeSource("x").answer
    result = await cycle(chain, ["AAPL", "KO"])
    assert set(result.bars) == {"AAPL", "KO"}
    assert chain.breakers["first"].state is BreakerState.CLOSED


async def test_dead_symbols_are_not_asked_again_until_their_time_is_over() -> None:
    clock = ManualClock()
    first = FakeSource("first", lambda symbol, request: unknown(symbol, request))
    chain = chain_of(clock, first)
    for _ in range(3):
        result = await cycle(chain, ["GONE"])
        assert result.missed["GONE"] == Missed("GONE", "first: may be delisted", absent=True)
    assert first.asked_symbols() == ["GONE"]
    assert chain.breakers["first"].state is BreakerState.CLOSED, "it did answer"
    clock.move(3601)
    await cycle(chain, ["GONE"])
    assert first.asked_symbols() == ["GONE"]


async def test_a_symbol_that_one_source_lacks_is_asked_of_the_next() -> None:
    first, second = FakeSource("first", unknown), FakeSource("second")
    chain = chain_of(ManualClock(), first, second)
    for _ in range(2):
        result = await cycle(chain, ["NEW"])
        assert result.bars == {"NEW": ("second", "first: may be delisted")}
    assert len(first.asked) == 1


async def test_a_source_without_the_interval_is_passed_over_and_its_circuit_left_alone() -> None:
    first, second = FakeSource("first", intervals=DAILY), FakeSource("second")
    result = await cycle(chain_of(ManualClock(), first, second), ["AAPL"], MINUTES)
    assert result.bars == {"AAPL": ("second", "first: has no 1m bars")}


async def test_a_stand_in_gives_all_it_has_only_when_no_live_source_answers() -> None:
    first = FakeSource("first")
    sample = FakeSource("sample", live=False, lists=["AAPL", "RRC"])
    chain = chain_of(ManualClock(), first, sample)
    await cycle(chain, ["AAPL", "KO"], stand_ins=True)
    assert sample.asked == []
    first.answer = unreachable
    await cycle(chain, ["AAPL", "KO"], stand_ins=False)
    assert sample.asked == []


async def test_a_stand_in_says_why_it_is_asked() -> None:
    sample = FakeSource("sample", live=False, lists=["AAPL", "RRC"])
    chain = chain_of(ManualClock(), FakeSource("first", unreachable), sample)
    result = await cycle(chain, ["AAPL", "KO"], stand_ins=True)
    reason = "first: connection refused"
    assert result.bars == {"AAPL": ("sample", reason), "RRC": ("sample", reason)}
    assert sample.asked[0][1].start.year == 1, "everything it has, not what was asked for"
    assert result.missed == {"KO": Missed("KO", reason, absent=False)}


async def test_symbols_known_to_be_dead_bring_no_stand_in() -> None:
    sample = FakeSource("sample", live=False, lists=["AAPL"])
    chain = chain_of(ManualClock(), FakeSource("first", unknown), sample)
    for _ in range(2):
        result = await cycle(chain, ["GONE"], stand_ins=True)
        assert result.missed["GONE"].absent
    assert sample.asked == []


async def test_bad_rows_are_passed_on_and_decide_nothing() -> None:
    class Torn(FakeSource):
        async def fetch(self, symbols, request):  # type: ignore[no-untyped-def]
            yield BadRow("line 2", "close: missing")
            yield Bars("AAPL", (bar(),))

    result = await cycle(chain_of(ManualClock(), Torn("torn")), ["AAPL"])
    assert result.outcomes[0] == ("torn", BadRow("line 2", "close: missing"))
    assert set(result.bars) == {"AAPL"}


async def test_an_answer_without_bars_is_an_answer() -> None:
    first = FakeSource("first", lambda symbol, _: Bars(symbol, ()))
    second = FakeSource("second")
    result = await cycle(chain_of(ManualClock(), first, second), ["AAPL"])
    assert second.asked == []
    assert result.missed == {}


async def test_nothing_can_be_asked() -> None:
    result = await cycle(chain_of(ManualClock()), ["AAPL"])
    assert result.missed["AAPL"].reason == "no source could be asked"


async def test_closing_the_chain_closes_its_sources() -> None:
    first = FakeSource("first")
    await chain_of(ManualClock(), first).close()
    assert first.closed
