"""How a client takes calls out of a governor's books: waits a little, warns, counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from axiom.errors import StoreDown
from axiom.quota.metrics import CALLS, FULLEST, REFUSED, TOLD
from axiom.quota.model import WARN_AT, Granted, Quota, Refused, Urgency, Use
from axiom.quota.port import Governor
from axiom.resilience.clock import Clock
from axiom.telemetry.logs import get_logger

HOLD_S = 1.0
"""How old a ticket may be when its call begins; a quota's `transit_s` is this and the call's time limit."""
log = get_logger()


@dataclass(frozen=True, slots=True)
class Purpose:
    """What calls are for, as the day's books say it."""

    name: str
    urgency: Urgency = "normal"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may be made: when it was spent, and what the clock that never jumps said before."""

    at: datetime
    asked_s: float


OTHER = Purpose("other")
_purpose = ContextVar[Purpose]("_purpose", default=OTHER)


@contextmanager
def spending_for(name: str, urgency: Urgency = "normal") -> Iterator[None]:
    """Calls made inside are for this purpose.

    >>> with spending_for("tier-1"):
    ...     pass
    """
    token = _purpose.set(Purpose(name, urgency))
    try:
        yield
    finally:
        _purpose.reset(token)


class Meter:
    """One provider's budget as its client sees it."""

    def __init__(self, governor: Governor, quota: Quota, clock: Clock, patience_s: float = 130.0) -> None:
        """`patience_s`: how long one call may wait for room; a window that opens later refuses it at once."""
        self._governor = governor
        self._quota = quota
        self._clock = clock
        self._patience_s = patience_s
        self._warned = False
        self._fullest = FULLEST.labels(quota.provider)
        self._calls: dict[str, Counter] = {}
        # Series that are there before their first event.
        self._counted(OTHER.name)
        TOLD.labels(quota.provider)

    @property
    def quota(self) -> Quota:
        """What the provider allows."""
        return self._quota

    async def take(self) -> Ticket | Refused:
        """One call, perhaps after a wait. Make it at once: `is_stale` says when it is too late for that.

        Raises nothing: books that can't be reached refuse.
        """
        purpose, waited_s = _purpose.get(), 0.0
        while True:
            asked_s = self._clock.monotonic()
            try:
                answer = await self._governor.spend(self._quota, purpose.urgency, purpose.name)
            except StoreDown as error:
                return Refused("books", 5.0, f"the books of calls can't be reached: {error}")
            if isinstance(answer, Granted):
                self._counted(purpose.name).inc()
                self._warn(answer.fullest)
                return Ticket(answer.at, asked_s)
            if waited_s + answer.retry_in_s > self._patience_s or answer.window == "provider":
                REFUSED.labels(self._quota.provider, answer.window).inc()
                return answer
            waited_s += answer.retry_in_s
            await self._clock.sleep(answer.retry_in_s)

    def is_stale(self, ticket: Ticket) -> bool:
        """Whether the caller was held up for so long since that its call might land in another window."""
        return self._clock.monotonic() - ticket.asked_s > HOLD_S

    async def told_limited(self, for_s: float | None, whole_day: bool, reason: str) -> float:
        """The provider says that a limit is reached: nobody calls it for the seconds returned."""
        TOLD.labels(self._quota.provider).inc()
        now = self._clock.now()
        wait_s = (self._quota.next_midnight(now) - now).total_seconds() if whole_day else for_s or 60.0
        log.warning(
            "quota_limit_told", provider=self._quota.provider, why=reason, calls_again_in_s=round(wait_s)
        )
        try:
            await self._governor.block(self._quota, wait_s, f"{self._quota.provider} said: {reason}"[:300])
        except StoreDown as error:
            log.warning("quota_block_not_kept", provider=self._quota.provider, why=str(error))
        return wait_s

    async def usage(self) -> list[Use]:
        """What is spent of each limit now."""
        return await self._governor.usage(self._quota)

    def _counted(self, purpose: str) -> Counter:
        if purpose not in self._calls:
            self._calls[purpose] = CALLS.labels(self._quota.provider, purpose)
        return self._calls[purpose]

    def _warn(self, fullest: float) -> None:
        self._fullest.set(fullest)
        is_full = fullest > WARN_AT
        if is_full and not self._warned:
            log.warning("quota_nearly_spent", provider=self._quota.provider, spent=f"{fullest:.0%}")
        self._warned = is_full
