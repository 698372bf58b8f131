"""The sentence and the clause around some words of a text, as they stand there. Pure."""

from __future__ import annotations

import re

MAX_PASSAGE_CHARS = 300
_SENTENCE_ENDS = re.compile(r"[\n\r\0\ud800-\udfff]+|(?<=[a-z0-9%)”’\"][.!?…])\s+(?=[\"“‘(]?[A-Z])")
_CLAUSE_ENDS = re.compile(
    r"[;:,|–—]|\s-\s|\b(?:while|but|as|after|amid|despite|although|whereas|and|on|following|even)\b"
)
FEWEST_WORDS = 2


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the sentence around `text[start:end]` stands, cut to 300 characters at spaces.

    It never crosses a line or U+0000, so that it is a part of the title or of the summary.
    """
    left, right = _between(_SENTENCE_ENDS, text, start, end, max(0, start - 2000), min(len(text), end + 2000))
    if right - left > MAX_PASSAGE_CHARS:
        room = max(0, MAX_PASSAGE_CHARS - (end - start)) // 2
        near_left, near_right = max(left, start - room), min(right, end + room)
        if near_left > left:
            near_left = _after_space(text, near_left, start)
        if near_right < right:
            near_right = _before_space(text, end, near_right)
        left, right = near_left, near_right
    while left < start and text[left].isspace():
        left += 1
    while right > end and text[right - 1].isspace():
        right -= 1
    return left, right


def clause(text: str, start: int, end: int) -> str:
    """The clause around `text[start:end]`: up to the next comma, colon or joining word on both sides; the
    whole sentence where that is under two words beside the name."""
    first, last = sentence(text, start, end)
    left, right = _between(_CLAUSE_ENDS, text, start, end, first, last)
    beside = text[left:start] + " " + text[end:right]
    return text[left:right] if len(beside.split()) >= FEWEST_WORDS else text[first:last]


def _between(
    ends: re.Pattern[str], text: str, start: int, end: int, first: int, last: int
) -> tuple[int, int]:
    left, right = first, last
    for match in ends.finditer(text, first, last):
        if match.end() <= start:
            left = match.end()
        elif match.start() >= end:
            right = match.start()
            break
    return left, right


def _after_space(text: str, at: int, limit: int) -> int:
    space = text.find(" ", at, limit)
    return space + 1 if space >= 0 else at


def _before_space(text: str, limit: int, at: int) -> int:
    space = text.rfind(" ", limit, at)
    return space if space >= 0 else at
