"""What calls cost: a dated table out of a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from axiom.errors import Misconfigured, Permanent
from axiom.llm.port import Request, Usage

BUNDLED = Path(__file__).parent / "prices.toml"
_MILLION = Decimal(1_000_000)
# The provider adds a description of the response format and of the conversation; some 250 tokens were seen.
_ADDED_TOKENS = 1_000

UsdPerMillion = Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=4)]


class Price(BaseModel):
    """One model's prices from a day on, in US dollars for a million tokens.

    >>> price = PriceTable.bundled().of("claude-sonnet-5-5", date(2026, 11, 21))
    >>> price.cost(Usage(input_tokens=1000, cached_tokens=10_000, output_tokens=200))
    Decimal('0.006')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    first_day: date = Field(alias="from")
    input_usd: UsdPerMillion
    output_usd: UsdPerMillion
    cache_read_usd: UsdPerMillion
    cache_write_usd: UsdPerMillion
    batch_factor: Annotated[Decimal, Field(gt=0, le=1, decimal_places=2)]
    prompt_limit_tokens: int = Field(gt=0)

    @property
    def name(self) -> str:
        """For the ledger: `claude-sonnet-5-5@2026-01-01`."""
        return f"{self.model}@{self.first_day}"

    def cost(self, usage: Usage, *, batch: bool = False) -> Decimal:
        """US dollars, exact."""
        millionths = (
            usage.input_tokens * self.input_usd
            + usage.cached_tokens * self.cache_read_usd
            + usage.cache_write_tokens * self.cache_write_usd
            + usage.output_tokens * self.output_usd
        )
        return (millionths * (self.batch_factor if batch else 1) / _MILLION).normalize()

    def worst_case(self, request: Request, *, batch: bool = False) -> Decimal:
        """What the request can cost at most: a token for each byte, all of it written to the cache.

        Raises:
            Permanent: the prompt may be longer than the price holds for.
        """
        tokens = request.size_bytes + _ADDED_TOKENS
        if tokens > self.prompt_limit_tokens:
            raise Permanent(
                f"a prompt of {request.size_bytes} bytes may be over the {self.prompt_limit_tokens} tokens "
                f"that the price of {self.name} holds for: shorten it"
            )
        dearest = Usage(cache_write_tokens=tokens, output_tokens=request.max_output_tokens)
        plain = Usage(input_tokens=tokens, output_tokens=request.max_output_tokens)
        return max(self.cost(dearest, batch=batch), self.cost(plain, batch=batch))


class PriceTable:
    """The prices of a file, by model and day."""

    def __init__(self, prices: Iterable[Price], source: str) -> None:
        self._source = source
        self._prices = sorted(prices, key=lambda price: price.first_day, reverse=True)

    @classmethod
    def bundled(cls) -> PriceTable:
        """The table that comes with Axiom."""
        return cls.read(BUNDLED)

    @classmethod
    def read(cls, path: Path) -> PriceTable:
        """The table of a file.

        Raises:
            Misconfigured: the file is missing or wrong; names what.
        """
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8")).get("price", [])
            return cls([Price.model_validate(table) for table in tables], str(path))
        except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
            raise Misconfigured(f"the price table {path} can't be used: {error}") from error

    def of(self, model: str, day: date) -> Price:
        """The price of a model on a day (UTC).

        Raises:
            Misconfigured: it is not in the table; names model and file.
        """
        for price in self._prices:
            if price.model == model and price.first_day <= day:
                return price
        known = ", ".join(sorted({price.model for price in self._prices})) or "none"
        raise Misconfigured(
            f"no price of model {model!r} on {day} in {self._source}, so it is not called; add a [[price]], "
            f"or take one of: {known}"
        )
