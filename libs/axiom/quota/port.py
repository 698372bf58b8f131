"""What keyed clients need of a governor. The docstrings are the specification."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from axiom.quota.model import Granted, Quota, Refused, Urgency, Use


class Governor(Protocol):
    """Books of every call made with a key. All its users see the same books, wherever they run.

    What is spent stays spent, also when the process is killed before or in the call. Every method raises
    `StoreDown` while the books can't be reached; nothing may be called then.
    """

    async def spend(
        self, quota: Quota, urgency: Urgency = "normal", purpose: str = "other"
    ) -> Granted | Refused:
        """Take one call out of every window of the quota, or none at all.

        A call that is not essential is refused from `WARN_AT` of any limit on. `purpose` is kept with the
        day's count.
        """
        ...

    async def block(self, quota: Quota, for_s: float, reason: str) -> None:
        """The provider says that its limit is reached, whatever our books say: nobody is granted a call for
        so long. A longer block that holds already stays."""
        ...

    async def by_purpose(self, since: date) -> Mapping[tuple[str, date, str], int]:
        """Calls by provider, the provider's day and purpose, from a day on: what reports are made of."""
        ...

    async def usage(self, quota: Quota) -> list[Use]:
        """What is spent of each limit now, in the order second, minute, …, day."""
        ...
