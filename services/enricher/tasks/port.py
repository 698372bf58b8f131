"""What a task is: how a payload of one topic becomes a question, and an answer becomes statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel

from axiom.contracts.topic import Topic
from services.enricher.name_list import NameList
from services.enricher.prompts.port import Prompt
from services.enricher.statements import Grounded

P = TypeVar("P", contravariant=True)
Batched = Literal["always", "near-the-cap", "never"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The record that is read: its id, and the times that its mutations carry."""

    event_id: str
    event_time: datetime
    ingested_at: datetime


class Task(Protocol[P]):
    """One kind of reading. Every method is pure: the same arguments give the same answer."""

    @property
    def name(self) -> str:
        """Names the task in the ledger; one answer is kept for each (event id, name)."""

    @property
    def pipeline(self) -> str:
        """Whose spending it is: `events`, `company-graph`, `correlations`."""

    @property
    def topic(self) -> Topic[Any]:
        """Where the causes come from."""

    @property
    def prompt(self) -> Prompt:
        """What Claude is asked."""

    @property
    def batched(self) -> Batched:
        """When answers may come an hour later, at half the price."""

    def skip(self, payload: P) -> str | None:
        """Why the payload is not read at all; None if it is."""

    def cause(self, payload: P) -> Cause:
        """Its id and times."""

    def text(self, payload: P, names: NameList) -> str:
        """The text that is read; evidence must stand in it."""

    def question(self, payload: P, names: NameList) -> str:
        """The user message: the text and what helps to read it."""

    def symbols(self, payload: P) -> tuple[str, ...]:
        """The companies that it is about, as far as is known before it is read."""

    def read_locally(self, payload: P, names: NameList) -> BaseModel:
        """The answer of the local reader, an instance of the prompt's response."""

    def ground(self, payload: P, answer: Any, names: NameList) -> Grounded:
        """The statements of the answer that hold."""
