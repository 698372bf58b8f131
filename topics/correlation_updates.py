"""`correlation-updates`: correlations of pairs of symbols over a window."""

from __future__ import annotations

import re
from typing import Literal

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import (
    Count,
    Payload,
    Revision,
    Share,
    Signed,
    Symbol,
    Text,
    UtcTime,
    rfc3339,
    version,
)
from axiom.contracts.topic import Topic

_ID = re.compile(r"[^:]+:[^:]+:(?P<window>.*):[0-9-]+T[0-9]+:[0-9]+:[0-9.]+Z", re.DOTALL)


class CorrelationUpdate(Payload):
    """How two symbols' log returns went together over a window; an edge of the graph that came or went.

    The newest of a pair and window is the one with the greatest (as_of, computed_at, revision, content hash).

    Attributes:
        symbol_a, symbol_b: in alphabetical order.
        window: how much time it covers: `30d`, `252d` (sessions); `60m` is live, of minute returns.
        as_of: the end of the window.
        change: `gone` ends the edge; there is no other way to end one.
        r, n, p_value: the coefficient, the number of returns it is of, and how likely |r| is by chance.
        computed_at: of a live correlation (one with a revision), when the newest of its bars was fetched.
        revision: of what is computed again with every bar that comes late or is corrected.
    """

    symbol_a: Symbol
    symbol_b: Symbol
    window: Text
    method: Literal["pearson", "spearman"] = "pearson"
    as_of: UtcTime
    computed_at: UtcTime
    change: Literal["new", "changed", "gone"]
    r: Signed
    n: Count
    p_value: Share
    revision: Revision | None = None


def pair_of(update: CorrelationUpdate) -> str:
    """`AAPL:MSFT`, in alphabetical order."""
    return f"{update.symbol_a}:{update.symbol_b}"


def correlation_id(update: CorrelationUpdate) -> str:
    """`AAPL:MSFT:30d:2026-11-20T21:00:00Z`; `window_of` reads the window back out of it."""
    return f"{pair_of(update)}:{update.window}:{rfc3339(update.as_of)}"


def window_of(correlation: str) -> str:
    """The window that a `correlation_id` names; empty for what is none."""
    found = _ID.fullmatch(correlation)
    return found["window"] if found else ""


def correlation_version(update: CorrelationUpdate, value: bytes | None) -> str:
    """Orders what is said of one pair and window: as-of, computing time, revision, the value's hash."""
    return version([update.as_of, update.computed_at], update.revision, content_hash(value))


TOPIC = Topic[CorrelationUpdate](
    name="correlation-updates",
    summary="correlations of pairs of symbols over a window",
    key="pair",
    payload=CorrelationUpdate,
    key_of=pair_of,
    id_of=correlation_id,
)
