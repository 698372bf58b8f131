"""The in-memory twin of Claude keeps the port's promises."""

from __future__ import annotations

import pytest

from axiom.llm.port import Answer, Request
from axiom.llm.scripted import Reply, ScriptedClaude
from tests.questions import GOOD
from tests.suites.llm import ClaudeSuite

pytestmark = pytest.mark.unit

REPLIES: dict[str, Reply] = {
    "good": GOOD,
    "refusal": Answer("refused", error="no"),
    "truncated": Answer("truncated", text='{"mo', error="cut off"),
    "malformed": '{"mood": ,,',
    "out-of-range": '{"mood": "positive", "score": 7}',
    "400": Answer("rejected", charge="nothing", error="400 invalid_request_error: x"),
    "429": Answer("rate-limited", charge="nothing", error="429 rate_limit_error: x", retry_after_s=7.0),
    "529": Answer("overloaded", charge="nothing", error="529 overloaded_error: x"),
    "500": Answer("server-error", charge="nothing", error="500 api_error: x"),
    "cut": Answer("server-error", charge="unknown", error="no reply"),
}


class ScriptedWorld:
    def __init__(self) -> None:
        self.claude = ScriptedClaude(self._reply)
        self._what = "good"

    def will(self, what: str) -> None:
        self._what = what

    def end_batches(self) -> None:
        self.claude.ended |= set(self.claude.submitted)

    def _reply(self, request: Request) -> Reply:
        return REPLIES[self._what]


@pytest.fixture
def world() -> ScriptedWorld:
    return ScriptedWorld()


class TestScriptedClaude(ClaudeSuite):
    pass
