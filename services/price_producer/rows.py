"""Rows of a price file to bars: pure, and fast enough for millions of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from axiom.errors import Misconfigured
from axiom.sources.files import why_not
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

NEW_YORK = ZoneInfo("America/New_York")
PRICES = ("open", "high", "low", "close", "volume")
TIME_COLUMNS = ("date", "ts", "ts_new_york")

Row = Sequence[Any]
RowParser = Callable[[Row], PriceBar]


class RowError(ValueError):
    """A row that can't become a bar; the message says why."""


def time_column(columns: Sequence[str]) -> str:
    """Which column says when.

    Raises:
        Misconfigured: a column that every price file needs is missing.
    """
    missing = [name for name in ("symbol", *PRICES) if name not in columns]
    found = [name for name in TIME_COLUMNS if name in columns]
    if missing or len(found) != 1:
        raise Misconfigured(
            "a price file needs the columns symbol, open, high, low, close, volume and one of "
            f"{', '.join(TIME_COLUMNS)}; this one has {', '.join(columns) or 'none'}"
        )
    return found[0]


def guess_interval(columns: Sequence[str], rows: Sequence[Row]) -> Interval:
    """The bar length of a file that does not say it: the smallest step between rows of one symbol.

    Raises:
        Misconfigured: no step in these first rows is the length of an interval.
    """
    symbol_at, when_at = columns.index("symbol"), columns.index(time_column(columns))
    to_utc = _time_parser(columns[when_at])
    last: dict[str, datetime] = {}
    steps: set[timedelta] = set()
    for row in rows:
        try:
            moment = to_utc(row[when_at])
        except (ValueError, TypeError, AttributeError, IndexError):
            continue
        if row[symbol_at] in last:
            steps.add(moment - last[row[symbol_at]])
        last[row[symbol_at]] = moment
    smallest = min((step for step in steps if step > timedelta()), default=None)
    for interval, length in INTERVAL_LENGTH.items():
        if length == smallest:
            return _interval(interval)
    raise Misconfigured(
        f"can't tell the bars' interval (smallest step between rows: {smallest}): say it with --interval, "
        f"one of {', '.join(INTERVAL_LENGTH)}"
    )


def row_parser(
    columns: Sequence[str], interval: Interval | None, source: str, fetched_at: datetime
) -> RowParser:
    """A function from one row (values in the order of `columns`) to its bar; it raises `RowError`.

    Values may be text (CSV) or typed (Parquet). `date` makes daily bars; `ts` without an offset is UTC;
    `ts_new_york` is local time. An `interval` column wins over the argument.
    """
    when_name = time_column(columns)
    to_utc = _time_parser(when_name)
    fallback = "1d" if when_name == "date" else interval
    at = {name: columns.index(name) for name in columns}
    symbol_at, when_at = at["symbol"], at[when_name]
    open_at, high_at, low_at, close_at, volume_at = (at[name] for name in PRICES)
    interval_at, split_at = at.get("interval"), at.get("split_ratio")
    width = len(columns)
    validate = PriceBar.__pydantic_validator__.validate_python

    def parse(row: Row) -> PriceBar:
        if len(row) != width:
            raise RowError(f"{len(row)} values for {width} columns")
        try:
            split = row[split_at] if split_at is not None else None
            bar: PriceBar = validate(
                {
                    "symbol": row[symbol_at],
                    "interval": (row[interval_at] if interval_at is not None else None) or fallback,
                    "ts": to_utc(row[when_at]),
                    "open": float(row[open_at]),
                    "high": float(row[high_at]),
                    "low": float(row[low_at]),
                    "close": float(row[close_at]),
                    "volume": float(row[volume_at]),
                    "fetched_at": fetched_at,
                    "source": source,
                    "split_ratio": None if split is None or split == "" else float(split),
                }
            )
        except ValidationError as error:
            raise RowError(why_not(error)) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise RowError(_what_is_wrong(row, at, when_name) or str(error)) from error
        return bar

    return parse


def _what_is_wrong(row: Row, at: dict[str, int], when_name: str) -> str:
    """Name the values of a row that are missing or no numbers."""
    problems = []
    for name in (*PRICES, when_name):
        value = row[at[name]]
        if value is None or value == "":
            problems.append(f"{name}: missing")
            continue
        try:
            _time_parser(name)(value) if name == when_name else float(value)
        except (ValueError, TypeError, AttributeError):
            problems.append(f"{name}: {value!r:.40} is no {'time' if name == when_name else 'number'}")
    return "; ".join(problems)


def _interval(name: str) -> Interval:
    for known in INTERVAL_LENGTH:
        if known == name:
            return known  # type: ignore[return-value]  # the keys are the intervals
    raise Misconfigured(f"{name!r} is no interval; use one of {', '.join(INTERVAL_LENGTH)}")


def _time_parser(column: str) -> Callable[[Any], datetime]:
    return {"date": _midnight_utc, "ts": _utc, "ts_new_york": _from_new_york}[column]


@lru_cache(maxsize=10_000)
def _midnight_utc(value: str | date) -> datetime:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@lru_cache(maxsize=10_000)
def _utc(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=10_000)
def _from_new_york(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=NEW_YORK).astimezone(UTC)
