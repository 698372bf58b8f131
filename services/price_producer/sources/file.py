"""CSV (`.csv`, `.csv.gz`) and Parquet files of bars, streamed: no more than a few thousand rows in memory."""

from __future__ import annotations

import asyncio
import csv
import gzip
import itertools
import zlib
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from axiom.errors import Misconfigured, Permanent
from axiom.sources.files import fetched_at
from axiom.sources.outcomes import BadRow, NoSuchSymbol
from services.price_producer.rows import Row, RowError, guess_interval, row_parser, time_column
from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

CHUNK_ROWS = 2_000
GUESS_ROWS = 5_000
DAMAGE = (OSError, EOFError, zlib.error, csv.Error, ValueError)


class FileSource:
    """The bars of one file, in the file's order.

    `fetched_at` of every bar is `fetched_at` of `FILE.manifest.json`, else the file's modification time in
    whole seconds, so that reading a file twice gives the same bars.
    """

    capabilities = Capabilities(intervals=frozenset(INTERVAL_LENGTH), live=False)  # type: ignore[arg-type]

    def __init__(self, path: Path, interval: Interval | None = None, name: str = "file") -> None:
        self.name = name
        self.path = path
        self._interval = interval

    def rows(self) -> Iterator[PriceBar | BadRow]:
        """Every row of the file as its bar, or as what is wrong with it, with its line (or row) number.

        Raises:
            Misconfigured: no such file, a missing column, or an interval that can't be told.
            Permanent: the file is cut off or damaged; the rows before that were given.
        """
        try:
            yield from self._rows()
        except DAMAGE as error:
            raise Permanent(f"{self.path.name} can't be read to its end: {error}") from error

    def _rows(self) -> Iterator[PriceBar | BadRow]:
        with ExitStack() as stack:
            unit, columns, numbered = _open(self.path, stack)
            interval = self._interval
            if interval is None and "interval" not in columns and time_column(columns) != "date":
                head = list(itertools.islice(numbered, GUESS_ROWS))
                interval = guess_interval(columns, [row for _, row in head])
                numbered = itertools.chain(head, numbered)
            parse = row_parser(columns, interval, self.name, fetched_at(self.path))
            for number, row in numbered:
                try:
                    yield parse(row)
                except RowError as error:
                    yield BadRow(f"{unit} {number}", str(error))

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says; consecutive rows of a symbol come together."""
        wanted, seen = set(symbols), set[str]()
        pending: list[PriceBar] = []
        for row in self.rows():
            if isinstance(row, BadRow):
                yield row
                continue
            if (wanted and row.symbol not in wanted) or not request.covers(row):
                continue
            if pending and (row.symbol != pending[0].symbol or len(pending) >= CHUNK_ROWS):
                yield Bars(pending[0].symbol, tuple(pending))
                pending.clear()
                await asyncio.sleep(0)
            seen.add(row.symbol)
            pending.append(row)
        if pending:
            yield Bars(pending[0].symbol, tuple(pending))
        for symbol in sorted(wanted - seen):
            yield NoSuchSymbol(symbol, f"{self.path.name} has no such bars")

    async def close(self) -> None:
        """Nothing is held between calls."""


def _open(path: Path, stack: ExitStack) -> tuple[str, list[str], Iterator[tuple[int, Row]]]:
    """What a row is called, the columns, and the rows with their numbers."""
    name = path.name.lower()
    if not path.is_file():
        raise Misconfigured(f"there is no file {path}")
    if name.endswith(".csv.gz"):
        return "line", *_csv(stack.enter_context(gzip.open(path, "rt", encoding="utf-8-sig", newline="")))
    if name.endswith(".csv"):
        return "line", *_csv(stack.enter_context(path.open(encoding="utf-8-sig", newline="")))
    if name.endswith(".parquet"):
        return "row", *_parquet(path, stack)
    raise Misconfigured(f"{path.name}: price files end in .csv, .csv.gz or .parquet")


def _csv(text: IO[str]) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    reader = csv.reader(text)
    columns = next(reader, [])
    return columns, ((reader.line_num, row) for row in reader if row)


def _parquet(path: Path, stack: ExitStack) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    from pyarrow.parquet import ParquetFile  # here, because it costs every start of the CLI 0.2 s

    file = stack.enter_context(ParquetFile(path))
    columns = list(file.schema_arrow.names)

    def rows() -> Iterator[Row]:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    return columns, enumerate(rows(), start=1)
