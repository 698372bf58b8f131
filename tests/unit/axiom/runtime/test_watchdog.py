from __future__ import annotations

import threading

import pytest

from axiom.runtime.watchdog import STALLED, Watchdog

pytestmark = pytest.mark.unit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    return Watchdog(10.0, exit_process=lambda code: None, monotonic=clock)


def turn(watchdog: Watchdog, clock: Clock, seconds: float, mark: int, lag: int) -> str | None:
    """Let time pass while the loop goes round every second."""
    for _ in range(int(seconds)):
        clock.now += 1
        watchdog.turned()
        watchdog.observe(mark, lag)
    return watchdog.stalled()


def test_offsets_that_stand_still_with_records_waiting_are_a_standstill(
    watchdog: Watchdog, clock: Clock
) -> None:
    assert turn(watchdog, clock, 11, mark=5, lag=3) is None, "the first look is a move"
    assert turn(watchdog, clock, 1, mark=5, lag=3) == "3 records wait and offsets have not moved for 11 s"


def test_an_idle_sink_stands_for_ever(watchdog: Watchdog, clock: Clock) -> None:
    assert turn(watchdog, clock, 1000, mark=5, lag=0) is None


def test_moving_offsets_are_progress_whatever_the_lag(watchdog: Watchdog, clock: Clock) -> None:
    for mark in range(100):
        assert turn(watchdog, clock, 9, mark=mark, lag=10_000) is None


def test_the_time_counts_from_when_records_began_to_wait(watchdog: Watchdog, clock: Clock) -> None:
    turn(watchdog, clock, 1000, mark=5, lag=0)
    assert turn(watchdog, clock, 9, mark=5, lag=1) is None
    assert turn(watchdog, clock, 2, mark=5, lag=1) is not None


def test_a_loop_that_does_not_go_round_is_a_standstill(watchdog: Watchdog, clock: Clock) -> None:
    clock.now += 11
    assert watchdog.stalled() == "the loop has not gone round for 11 s"


def test_a_declared_pause_is_none_and_its_end_starts_the_time_anew(watchdog: Watchdog, clock: Clock) -> None:
    turn(watchdog, clock, 5, mark=5, lag=3)
    watchdog.declare_pause("store_down", "gone")
    watchdog.declare_pause("kafka_down", "gone too")
    clock.now += 1000
    assert watchdog.stalled() is None
    watchdog.declare_pause("store_down", None)
    assert watchdog.stalled() is None, "one of two pauses is left"
    watchdog.declare_pause("kafka_down", None)
    assert turn(watchdog, clock, 9, mark=5, lag=3) is None
    assert turn(watchdog, clock, 2, mark=5, lag=3) is not None


def test_ending_a_pause_that_was_none_is_no_progress(watchdog: Watchdog, clock: Clock) -> None:
    for _ in range(12):
        turn(watchdog, clock, 1, mark=5, lag=3)
        watchdog.declare_pause("store_down", None)
    assert watchdog.stalled() is not None


def test_a_standstill_ends_the_process_once() -> None:
    ended = threading.Event()
    codes: list[int] = []

    def note(code: int) -> None:
        codes.append(code)
        ended.set()

    Watchdog(0.02, exit_process=note).start()
    assert ended.wait(10)
    assert codes == [STALLED]


def test_a_stopped_watchdog_ends_nothing() -> None:
    codes: list[int] = []
    watchdog = Watchdog(0.01, exit_process=codes.append)
    watchdog.stop()
    watchdog.start()
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(10)
    assert codes == []
