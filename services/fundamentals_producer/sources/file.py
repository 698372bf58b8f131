"""Files of JSON lines: records of the topic, or their fields alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from axiom.errors import AxiomError, Misconfigured
from axiom.sources.files import Unusable, json_lines, json_object, why_not
from axiom.sources.outcomes import BadRow, NoSuchSymbol, SourceDown
from axiom.universe.files import SYMBOL, yahoo_symbol
from services.fundamentals_producer.company import company
from services.fundamentals_producer.sources.port import Capabilities, Outcome, Profile, Setup
from topics.company_fundamentals import CompanyFundamentals

OWN = {"symbol", "source", "as_of", "fetched_at"}
FIELDS = frozenset(CompanyFundamentals.model_fields) - OWN


class FundamentalsFile:
    """The companies of one `.jsonl` or `.jsonl.gz`, in the file's order.

    A line is a `CompanyFundamentals`, or `{symbol, name, …}` with any of its other fields; without `as_of`
    it is of the file's own day.
    """

    capabilities = Capabilities()

    def __init__(self, path: Path, name: str = "file") -> None:
        self.name = name
        self.path = path

    def rows(self) -> Iterator[CompanyFundamentals | BadRow]:
        """Every line as its company, or as what is wrong with it.

        Raises:
            Misconfigured: there is no such file.
            Permanent: it is cut off or damaged; the rows before that were given.
        """
        return json_lines(self.path, lambda line, at: _company(line, self.name, at))

    async def fetch(self, symbols: Collection[str], request: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says; of several lines on a company the last counts."""
        found: dict[str, CompanyFundamentals] = {}
        try:
            for row in self.rows():
                if isinstance(row, BadRow):
                    yield row
                elif row.symbol in symbols:
                    found[row.symbol] = row
        except AxiomError as error:
            yield SourceDown(next(iter(symbols), ""), str(error), reachable=False)
            return
        for symbol in symbols:
            if symbol in found:
                yield Profile(symbol, found[symbol])
            else:
                yield NoSuchSymbol(symbol, f"{self.path.name} does not have it")

    async def close(self) -> None:
        """Nothing is held between calls."""


def _company(line: str, source: str, at: datetime) -> CompanyFundamentals:
    """The company of a line.

    Raises:
        Unusable: there is none; the message says why.
    """
    row = json_object(line)
    if row.keys() >= OWN:
        try:
            return CompanyFundamentals.model_validate_json(line)
        except ValidationError as error:
            raise Unusable(why_not(error)) from error
    symbol = yahoo_symbol(row["symbol"]) if isinstance(row.get("symbol"), str) else ""
    if not SYMBOL.fullmatch(symbol):
        raise Unusable("no symbol")
    aliases = row.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise Unusable("aliases: no list of texts")
    return company(symbol, source, _day(row.get("as_of"), at), at, {n: row[n] for n in FIELDS & row.keys()})


def _day(told: object, at: datetime) -> datetime:
    if told is None:
        return at
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError as error:
        raise Unusable(f"as_of: {told!r:.40} is no time") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def make(setup: Setup) -> FundamentalsFile:
    """Built by name; see `sources.build`.

    Raises:
        Misconfigured: no file is named, or there is none.
    """
    path = setup.settings.file
    if path is None or not path.is_file():
        raise Misconfigured(
            f"the source file needs AXIOM_FUNDAMENTALS_FILE, a file of JSON lines; it is {path}"
        )
    return FundamentalsFile(path)
