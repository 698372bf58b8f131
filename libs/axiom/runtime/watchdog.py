"""Ends a process that stands still: a supervisor starts it again, a silent standstill lasts for ever."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from axiom.telemetry.logs import get_logger

STALLED = 75  # EX_TEMPFAIL: try again
log = get_logger()


class Watchdog:
    """Exits the process when work waits and nothing moved for `limit_s`, but for declared pauses.

    It runs in a thread of its own, so that a stuck event loop or a stuck call can't keep it quiet.
    """

    def __init__(
        self,
        limit_s: float,
        exit_process: Callable[[int], None] = os._exit,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_s = limit_s
        self._exit = exit_process
        self._monotonic = monotonic
        self._moved_s = self._turned_s = monotonic()
        self._mark = -1
        self._lag = 0
        self._pauses: dict[str, str] = {}
        self._ended = threading.Event()

    def turned(self) -> None:
        """The loop went round once more."""
        self._turned_s = self._monotonic()

    def observe(self, mark: int, lag: int) -> None:
        """`mark` changes when offsets move (their sum will do); `lag` is the records that wait."""
        if mark != self._mark or lag == 0:
            self._moved_s = self._monotonic()
        self._mark, self._lag = mark, lag

    def declare_pause(self, reason: str, why: str | None) -> None:
        """A pause that is meant, such as a store that is down; `why` None ends it."""
        if why is not None:
            self._pauses[reason] = why
        elif self._pauses.pop(reason, None) is not None:
            self._moved_s = self._turned_s = self._monotonic()

    def stalled(self) -> str | None:
        """What stands still, if anything has for too long."""
        now = self._monotonic()
        if self._pauses:
            return None
        if now - self._turned_s > self._limit_s:
            return f"the loop has not gone round for {now - self._turned_s:.0f} s"
        if self._lag and now - self._moved_s > self._limit_s:
            return f"{self._lag} records wait and offsets have not moved for {now - self._moved_s:.0f} s"
        return None

    def start(self) -> None:
        """Watch from now on."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(min(1.0, self._limit_s / 4)):
            why = self.stalled()
            if why:
                log.critical("service_stalled", why=why, exit_code=STALLED)
                self._exit(STALLED)
                return
