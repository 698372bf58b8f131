from __future__ import annotations

import pytest

from axiom.resilience.breaker import BreakerState, CircuitBreaker
from axiom.resilience.clock import ManualClock

pytestmark = pytest.mark.unit


def breaker(clock: ManualClock, changes: list[str] | None = None) -> CircuitBreaker:
    seen = changes if changes is not None else []
    return CircuitBreaker(
        "yahoo", 3, 60.0, clock, on_change=lambda name, state: seen.append(f"{name}:{state}")
    )


def test_stays_closed_below_the_threshold_and_a_success_starts_the_count_anew() -> None:
    subject = breaker(ManualClock())
    for _ in range(2):
        subject.record_failure()
    subject.record_success()
    for _ in range(2):
        subject.record_failure()
    assert subject.allow()
    assert subject.state is BreakerState.CLOSED
    assert subject.retry_in_s == 0.0


def test_opens_at_the_threshold_and_lets_one_probe_through_after_the_reset_time() -> None:
    clock = ManualClock()
    subject = breaker(clock)
    for _ in range(3):
        subject.record_failure()
    assert not subject.allow()
    assert subject.retry_in_s == 60.0
    clock.move(60)
    assert subject.allow()
    assert subject.state is BreakerState.HALF_OPEN
    assert not subject.allow(), "only one probe at a time"


def test_a_good_probe_closes_and_a_bad_one_opens_again() -> None:
    clock = ManualClock()
    changes: list[str] = []
    subject = breaker(clock, changes)
    subject.trip()
    clock.move(60)
    assert subject.allow()
    subject.record_failure()
    assert not subject.allow()
    clock.move(60)
    assert subject.allow()
    subject.record_success()
    assert subject.state is BreakerState.CLOSED
    assert changes == ["yahoo:open", "yahoo:half_open", "yahoo:open", "yahoo:half_open", "yahoo:closed"]


def test_the_other_sides_wish_lengthens_the_pause_and_never_shortens_it() -> None:
    clock = ManualClock()
    subject = breaker(clock)
    subject.trip(retry_after_s=300)
    clock.move(299)
    assert not subject.allow()
    clock.move(1)
    assert subject.allow()
    subject.record_failure(retry_after_s=1)
    assert subject.retry_in_s == 60.0


def test_a_probe_that_nobody_recorded_is_given_up() -> None:
    clock = ManualClock()
    subject = breaker(clock)
    subject.trip()
    clock.move(60)
    assert subject.allow()
    clock.move(60)
    assert subject.allow()


def test_levels_for_the_gauge() -> None:
    assert [state.level for state in BreakerState] == [0, 1, 2]
