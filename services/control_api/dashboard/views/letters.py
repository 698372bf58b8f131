"""Dead letters as rows, and one in words. Pure."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from axiom.bus.letters import Letter
from services.control_api.dashboard.views.wording import ago, moment, size

_LONGEST = 4_000


def letter_rows(
    letters: Sequence[Letter], outcomes: Mapping[str, str], now: datetime
) -> list[dict[str, Any]]:
    """A row a letter, the newest first. `outcomes`: by place, what a dry run or redrive said of it."""
    return [_row(found, outcomes.get(found.place, ""), now) for found in reversed(letters)]


def _row(found: Letter, outcome: str, now: datetime) -> dict[str, Any]:
    letter = found.letter
    return {
        "place": found.place,
        "consumer": letter.consumer,
        "record": record_of(found),
        "error": letter.error_class,
        "buried": ago(letter.buried_at, now),
        "buried_sort": letter.buried_at.timestamp(),
        "outcome": outcome.partition(":")[0],
        "outcome_tone": "bad" if outcome.startswith("refused") else "good" if outcome else "",
    }


def record_of(found: Letter) -> str:
    """The place of the record that was refused; its topic alone where it never got into Kafka."""
    letter = found.letter
    return f"{letter.topic}-{letter.partition}@{letter.offset}" if letter.offset >= 0 else letter.topic


def letter_counts(letters: Sequence[Letter]) -> list[dict[str, Any]]:
    """How many of each consumer, topic and kind of error, the most first."""
    counts = Counter((one.letter.consumer, one.letter.topic, one.letter.error_class) for one in letters)
    return [
        {
            "key": " ".join(group),
            "consumer": group[0],
            "topic": group[1],
            "error": group[2],
            "letters": number,
        }
        for group, number in counts.most_common()
    ]


def letter_facts(found: Letter, outcome: str) -> list[tuple[str, str]]:
    """One letter, in the order in which people ask; `outcome`: what a try said of it."""
    letter = found.letter
    return [
        ("Letter", found.place),
        *([("Tried", outcome)] if outcome else []),
        ("Refused by", letter.consumer),
        ("Error", f"{letter.error_class}: {letter.error_message}"),
        ("Record", record_of(found)),
        ("Key", "none" if found.key is None else found.key.decode(errors="backslashreplace")),
        (
            "Size",
            size(letter.value_size_bytes) + (" (only its beginning is kept)" if letter.truncated else ""),
        ),
        ("SHA-256", letter.value_sha256 or "no value"),
        ("Came back", f"{letter.replay_count} times"),
        ("Buried", moment(letter.buried_at)),
    ]


def letter_value(found: Letter) -> str:
    """The beginning of the record's value, as text."""
    value = b64decode(found.letter.value_base64 or "")
    text = value[:_LONGEST].decode(errors="backslashreplace")
    return text + ("…" if len(value) > _LONGEST else "")


def outcome_text(outcomes: Sequence[str]) -> str:
    """What became of several letters, counted: `3 redriven, 1 refused`."""
    counts = Counter(outcome.partition(":")[0] for outcome in outcomes).most_common()
    return ", ".join(f"{number} {what}" for what, number in counts) or "There was nothing to do."
