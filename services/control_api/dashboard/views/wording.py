"""Numbers and times as people read them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ("B", "kB", "MB", "GB", "TB")


def span(seconds: float) -> str:
    """A length of time in its largest unit: `3 min`, `2 d`."""
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def ago(then: datetime | None, now: datetime) -> str:
    """How long ago: `3 min ago`; a dash where it never was."""
    return "–" if then is None else f"{span(max(0.0, (now - then).total_seconds()))} ago"


def count(number: float | None) -> str:
    """A number with thousands apart, shortened from a million on: `1,204`, `3.2 M`."""
    if number is None:
        return "–"
    if abs(number) >= 1e6:
        return f"{number / 1e6:,.1f} M"
    return f"{number:,.0f}"


def rate(per_s: float) -> str:
    """Records a second: `0.4/s`, `1,204/s`."""
    return f"{per_s:,.1f}/s" if 0 < per_s < 10 else f"{per_s:,.0f}/s"


def size(number: int | None) -> str:
    """Bytes: `1.2 MB`."""
    if number is None:
        return "–"
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_SIZES[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_SIZES[unit]}"


def money(usd: Decimal | float | str) -> str:
    """Dollars, with the digits that a small sum needs: `$12.40`, `$0.0003`."""
    value = Decimal(str(usd))
    return f"${value:,.2f}" if value == 0 or abs(value) >= Decimal("0.1") else f"${value:,.4f}"


def share(part: float) -> str:
    """A part of one as per cent, signed: `+1.2 %`."""
    return f"{part * 100:+.2f} %"


def moment(then: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "–" if then is None else f"{then:%Y-%m-%d %H:%M:%S}"


def spark(values: Sequence[float], width: float = 100.0, height: float = 24.0) -> str:
    """The path of a sparkline in a box; empty for fewer than two values.

    >>> spark([1.0, 3.0, 2.0], 10, 4)
    'M0,3.5 L5,0.5 L10,2'
    """
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    step = width / (len(values) - 1)
    inner = height - 1
    points = (
        f"{index * step:.4g},{height - 0.5 - (value - low) / reach * inner:.4g}"
        for index, value in enumerate(values)
    )
    return "M" + " L".join(points)


def web_address(url: str | None) -> str | None:
    """The address if it is one that a browser may be sent to: of the web, and no script's."""
    return url if url and url.startswith(("https://", "http://")) else None
