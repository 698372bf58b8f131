"""What every answer has in common."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Vector = Annotated[
    dict[str, int],
    Field(
        description="By partition, such as `price-updates-3`: the first offset that is not in the store.",
        examples=[{"price-updates-0": 1204, "price-updates-3": 1187}],
    ),
]


class Model(BaseModel):
    """The base of the answers' parts."""

    model_config = ConfigDict(frozen=True)


class Answer(Model, Generic[T]):
    """One thing, with how far the stores that it was read from were just before."""

    data: T
    offsets: dict[str, Vector] = Field(
        description="By store: how far it was before the data were read, so they are at least so new."
    )


class Page(Model, Generic[T]):
    """Part of a list, with how far the stores that it was read from were just before."""

    items: list[T]
    next: str | None = Field(
        default=None, description="Give it as `cursor` to get the next page; absent on the last one."
    )
    offsets: dict[str, Vector] = Field(
        description="By store: how far it was before the data were read, so they are at least so new."
    )
