"""Scheduler and producers killed at random times, over a real HTTP provider that counts for itself.

No tick is lost, none doubled, no quota exceeded.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter

import pytest

from tests.e2e.quota_provider import PER_MINUTE, PER_SECOND, provider
from tests.e2e.test_scheduler import Clockwork, clockwork
from tests.stack import ServiceProcess, run_postgres, wait_until

pytestmark = pytest.mark.e2e
__all__ = ["clockwork"]
FORGET = (
    "DO $$ BEGIN IF to_regclass('control.quota_calls') IS NOT NULL THEN "
    "TRUNCATE control.quota_providers, control.quota_calls, control.quota_days; END IF; END $$"
)


def killed_again_and_again(clockwork: Clockwork, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    run_postgres(clockwork.stack.env, FORGET)
    with provider() as played:
        keys = {
            "AXIOM_FINNHUB_API_KEY": "a-key", "AXIOM_FINNHUB_URL": played.url,
            "AXIOM_FINNHUB_CALLS_PER_SECOND": str(PER_SECOND),
            "AXIOM_FINNHUB_CALLS_PER_MINUTE": str(PER_MINUTE),
        }  # fmt: skip

        def producer() -> ServiceProcess:
            command = [sys.executable, "-m", "tests.e2e.clock.asker", str(clockwork.journal)]
            return clockwork.stack.start_service("owner", keys, command)

        makers = {"first": clockwork.scheduler, "second": clockwork.scheduler, "a": producer, "b": producer}
        processes = {name: make() for name, make in makers.items()}
        wait_until("the first tick", lambda: clockwork.ended() > 0)
        for _ in range(kills):
            seen = clockwork.ended()
            name = dice.choice(list(processes))
            time.sleep(dice.uniform(0, 1.0))
            processes[name].kill()
            processes[name] = makers[name]()
            wait_until("the clock goes on", lambda seen=seen: clockwork.ended() > seen)  # type: ignore[misc]
        total = len(clockwork.ticks("seconds"))
        wait_until("what was due is over", lambda: clockwork.ended() >= total)
        clockwork.check()
        assert played.over() == []
        assert len(played.arrived) >= PER_SECOND
        done = Counter(json.loads(line)["run_id"] for line in clockwork.journal.read_text().splitlines())
        assert sum(count - 1 for count in done.values()) <= kills, "done again only where a kill came first"


def test_a_few_kills(clockwork: Clockwork) -> None:
    killed_again_and_again(clockwork, kills=4, seed=3)


@pytest.mark.chaos
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", [11, 12])
def test_a_hundred_kills(clockwork: Clockwork, seed: int) -> None:
    killed_again_and_again(clockwork, kills=50, seed=seed)


def test_the_checker_sees_what_is_too_much() -> None:
    with provider() as played:
        played.arrived += [number * 0.1 for number in range(PER_SECOND + 1)]
        assert played.over() == [f"more than {PER_SECOND} calls in 0.600 s"]
