"""Relations between two companies that a sentence states plainly. Pure.

A pattern looks at the words between two names, or after the second; a denial, a question or an end of the
relation in the sentence makes it say nothing. Acquisitions and stakes are no relation of the graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from axiom.universe.names import Found
from services.enricher.extraction import RelationKind, RelationRead
from services.enricher.local.passages import sentence

MAX_RELATIONS = 5
MAX_BETWEEN_CHARS = 80
_DENIED = re.compile(
    r"""\b(?:not|no\slonger|never|den(?:y|ies|ied)|stop(?:s|ped)?|end(?:s|ed)?|halt(?:s|ed)?|former|ex-|drop(?:s|ped)
      |may|might|could|without|if|would|rumou?r\w*)\b|n['’]t\b|\?""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class _Pattern:
    """`between` matches all that stands between the names, `after` what follows the second."""

    kind: RelationKind
    between: re.Pattern[str]
    after: re.Pattern[str] | None = None
    turned: bool = False
    confidence: float = 0.8


def _pattern(
    kind: RelationKind, between: str, after: str | None = None, *, turned: bool = False, sure: float = 0.8
) -> _Pattern:
    tail = re.compile(after, re.IGNORECASE) if after else None
    return _Pattern(kind, re.compile(rf"(?:['’]s)?,?\s{between}", re.IGNORECASE), tail, turned, sure)


_GOODS = r"(?:[\w\-]+\s){0,6}?"
_ARTICLE = r"(?:(?:an?|the|its|and)\s)?"
_WILL = r"(?:(?:will|to|also|agrees\sto|agreed\sto|which|that|directly)\s)*"
_CHOSEN = r"(?:(?:is|was)\s)?(?:(?:selected|chosen|named|picked)\s)?(?:as\s)?"
_SIGNS = rf"(?:signs|signed|wins|inks|lands|enters)\s{_GOODS}(?:deal|contract|agreement|pact)\swith\s"
_AS_SUPPLIER = rf"\sas\s{_ARTICLE}{_GOODS}supplier\b"
_PATTERNS = (
    _pattern("competes-with", rf"{_WILL}compet(?:es?|ing)\s(?:\w+\s)?(?:with|against)\s"),
    _pattern("competes-with", rf"(?:is\s)?{_ARTICLE}(?:\w+\s)?(?:rival|competitor)\s(?:(?:to|of)\s)?"),
    _pattern("supplies", rf"{_WILL}suppl(?:y|ies|ied)\s{_GOODS}to\s"),
    _pattern("supplies", rf"{_WILL}suppl(?:y|ies)\s", r"\swith\s"),
    _pattern("supplies", rf"{_CHOSEN}{_ARTICLE}{_GOODS}supplier\s(?:to|of|for)\s"),
    _pattern("supplies", _SIGNS, r"\sto\ssupply\b"),
    _pattern("supplies", r"supplier\s", turned=True, sure=0.75),
    _pattern("supplies", r"(?:selects|picks|chooses|taps|names)\s", _AS_SUPPLIER, turned=True),
    _pattern("supplies", rf"sources\s{_GOODS}from\s", turned=True),
    _pattern("sector-peer", r"(?:and\s)?(?:its\s)?(?:sector\s|industry\s)?peers?\s", sure=0.7),
)  # fmt: skip


def relations_in(text: str, found: Sequence[Found]) -> list[RelationRead]:
    """At most five relations, in the order of the text; `found` is in the order of the text too."""
    seen: set[tuple[str, str, str]] = set()
    relations: list[RelationRead] = []
    for first, second in pairwise(found):
        for kind, subject, object_, evidence, confidence in _stated(text, first, second):
            if (kind, subject.symbol, object_.symbol) not in seen and len(relations) < MAX_RELATIONS:
                seen.add((kind, subject.symbol, object_.symbol))
                names = text[subject.start : subject.end], text[object_.start : object_.end]
                relations.append(
                    RelationRead(
                        kind=kind, subject=names[0], object=names[1], evidence=evidence, confidence=confidence
                    )
                )
    return relations


def _stated(
    text: str, first: Found, second: Found
) -> Iterator[tuple[RelationKind, Found, Found, str, float]]:
    between = text[first.end : second.start]
    if first.symbol == second.symbol or len(between) > MAX_BETWEEN_CHARS:
        return
    left, right = sentence(text, first.start, second.end)
    if _DENIED.search(text, left, right):
        return
    for pattern in _PATTERNS:
        if not pattern.between.fullmatch(between):
            continue
        if pattern.after is None or pattern.after.match(text, second.end, right):
            subject, object_ = (second, first) if pattern.turned else (first, second)
            yield pattern.kind, subject, object_, text[left:right], pattern.confidence
            return
