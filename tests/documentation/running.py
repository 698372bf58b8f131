"""Which of the documented commands and queries tests run on real servers; the others are parsed alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.documentation.shown import Shown, blocks, commands

READS = {
    "budget", "dlq histogram", "dlq list", "doctor", "explain", "graph", "jobs history", "jobs list",
    "monitor", "plan", "quality", "search", "similar", "status", "topics describe", "topics list",
    "universe show",
}  # fmt: skip
"""Commands of `axiom` that change nothing and need no network, whatever their options."""
WITH = {"monitor": "--once"}
"""What a command must be given to end."""
NEVER = {"FILE", "--wait"}


def path_of(shown: Shown) -> str:
    """`topics list` of `axiom topics list --json`; nothing where another program is shown."""
    if not shown.words or shown.words[0].rpartition("/")[2] != "axiom":
        return ""
    words = [word for word in shown.words[1:3] if re.fullmatch(r"[a-z-]+", word)]
    return next((path for path in (" ".join(words), *words[:1]) if path in READS), "")


def runnable() -> list[Shown]:
    """The commands that can be run on any stack at any time, each once, with all their arguments."""
    found: dict[tuple[str, ...], Shown] = {}
    for shown in commands():
        path = path_of(shown)
        complete = not shown.inline and not NEVER & set(shown.words)
        if path and complete and WITH.get(path, "") in ("", *shown.words):
            found.setdefault(shown.words[1:], shown)
    return list(found.values())


def redis_commands() -> list[tuple[str, ...]]:
    """What `redis-cli` is told to read, on all pages."""
    found = []
    for shown in commands():
        if shown.words[:1] == ("redis-cli",):
            words = _without_options(shown.words[1:])
            if words and words[0] in {"HGETALL", "ZRANGE", "ZREVRANGE", "GET", "PING", "DBSIZE", "INFO"}:
                found.append(words)
    return list(dict.fromkeys(found))


def _without_options(words: tuple[str, ...]) -> tuple[str, ...]:
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[:2]
    return tuple(rest)


def queries(language: str) -> list[str]:
    """The statements of all `sql` or `cypher` blocks that read."""
    found: dict[str, None] = {}
    for block in blocks():
        if block.language == language:
            found |= dict.fromkeys(_statements(block.text))
    return list(found)


def _statements(text: str) -> Iterator[str]:
    bare = re.sub(r"^\s*(--|//).*$", "", text, flags=re.MULTILINE)
    for statement in bare.split(";"):
        if re.match(r"\s*(SELECT|WITH|MATCH|SHOW)\b", statement, re.IGNORECASE):
            yield statement.strip()
