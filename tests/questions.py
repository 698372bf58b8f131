"""Questions to a model, for tests."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from axiom.llm.port import Question, Request


class Mood(BaseModel):
    """A small response model with a limit that the provider only takes for a hint."""

    model_config = ConfigDict(extra="forbid")
    mood: Literal["negative", "neutral", "positive"]
    score: float = Field(ge=-1, le=1)


GOOD = Mood(mood="positive", score=0.5)


def request(prompt: str = "Profits rise", model: str = "claude-haiku-5-5", system: str = "Read.") -> Request:
    """A small request."""
    return Request(model, system, prompt, Mood, max_output_tokens=200)


def question(
    event: str = "e1",
    prompt: str = "Profits rise",
    *,
    model: str = "claude-haiku-5-5",
    version: str = "1",
    again: bool = False,
    task: str = "event",
) -> Question:
    """A question about one event."""
    return Question(event, task, "events", version, "1", "u1", request(prompt, model), again)
