"""What a model wrote, read as the response that was asked for. Pure."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ValidationError

from axiom.llm.port import Answer, Usage

_CUT_OFF: Final = {"max_tokens", "model_context_window_exceeded"}


def read(text: str, stop_reason: str | None, usage: Usage, response: type[BaseModel]) -> Answer:
    """The answer in a message that arrived whole.

    The provider promises the schema's shape only: lengths, ranges and patterns are checked here.
    """
    if stop_reason == "refusal":
        return Answer("refused", text=text or None, usage=usage, error="the model refuses to answer")
    if stop_reason in _CUT_OFF:
        return Answer("truncated", text=text or None, usage=usage, error=f"cut off: {stop_reason}")
    try:
        return Answer("answered", text=text, parsed=response.model_validate_json(text), usage=usage)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'answer'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)[:5]
        )
        return Answer("invalid", text=text or None, usage=usage, error=problems)
