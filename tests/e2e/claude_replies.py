"""What the Anthropic-compatible server answers in end-to-end tests: a plausible reading, after a while."""

from __future__ import annotations

import json
import os
import re
from typing import Any
from zlib import crc32

from tests.anthropic_server import Reply
from tests.anthropic_server.replies import prompt_of
from tests.unit.services.enricher.obeying import MODELS

DELAY_S = float(os.environ.get("TEST_CLAUDE_DELAY_S", "0.2"))


def answer(body: dict[str, Any]) -> Reply:
    """A reading of the first line of the text, whose first word is a company."""
    prompt = prompt_of(body)
    match = re.match(r"<(\w+)>\n([^\n]*)\n", prompt)
    kind, title = (match[1], match[2]) if match else ("", "")
    return Reply(text=json.dumps(_read(kind, title)), delay_s=DELAY_S)


def obey(body: dict[str, Any]) -> Reply:
    """What a model answers that does as it is told, or breaks the schema in some way: by the text."""
    prompt = prompt_of(body)
    return Reply(text=MODELS[crc32(prompt.encode("utf-8", "replace")) % len(MODELS)](prompt))


def _read(kind: str, title: str) -> dict[str, Any]:
    if kind == "profile":
        competitor = {
            "kind": "competes-with", "name": "Intel", "symbol": "INTC", "evidence": title,
            "explanation": "Both sell chips.", "confidence": 0.6,
        }  # fmt: skip
        return {"relations": [competitor]}
    if kind == "pair":
        return {"explanation": "Both sell chips.", "confidence": 0.5}
    company = {
        "name": title.split(" ")[0], "symbol": None, "sentiment": "positive", "sentiment_score": 0.4,
        "evidence": title,
    }  # fmt: skip
    return {
        "event_type": "earnings", "sentiment": "positive", "sentiment_score": 0.4, "confidence": 0.9,
        "companies": [company], "relations": [],
    }  # fmt: skip
