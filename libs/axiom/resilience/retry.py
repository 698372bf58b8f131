"""Retry as policy: what to retry is said by the error (`Transient`), how long to wait by a `Backoff`."""

from __future__ import annotations

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from axiom.errors import Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock, SystemClock


def retrying(attempts: int, backoff: Backoff, clock: Clock | None = None) -> AsyncRetrying:
    """A tenacity retrier for `Transient` errors that honours their `retry_after_s`.

    The last error is raised as it is. Use it as a loop or as a call:

        await retrying(3, Backoff())(fetch, url)
    """

    def wait_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return backoff.next_s(at_least_s=error.retry_after_s if isinstance(error, Transient) else None)

    return AsyncRetrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_after_attempt(attempts),
        wait=wait_s,
        sleep=(clock or SystemClock()).sleep,
        reraise=True,
    )


def retrying_within(seconds: float, error: type[Exception], every_s: float = 0.05) -> Retrying:
    """A retrier, for a thread that may block, of what is over in a moment; the last error is raised."""
    return Retrying(
        retry=retry_if_exception_type(error),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every_s),
        reraise=True,
    )
