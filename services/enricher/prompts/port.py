"""What a prompt is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True)
class Prompt:
    """What Claude is asked and how it must answer; the user message is made by the prompt's module.

    Attributes:
        version: changes with the text or the response.
        max_output_tokens: what an answer may take at most.
    """

    version: str
    system: str
    response: type[BaseModel]
    max_output_tokens: int
