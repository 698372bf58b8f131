"""Which of the companies that a text names it is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from axiom.universe.name_keys import word_set
from axiom.universe.names import Found

MAX_COMPANIES = 10
NEAR_THE_BEGINNING = 600
# Banks, brokers and agencies: where analysts or ratings are spoken of they speak, and it concerns others.
SPEAKERS = word_set("""
BAC BCS BMO BNS C CM DB EVR FDS GS HSBC ING IVZ JEF JPM KEY LAZ MCO MFG MORN MS MUFG NDAQ NMR NWG OPY PIPR RJF
RY SF SMFG SPGI TD TFC UBS WFC
""")
_SPEAKING = re.compile(
    r"""\b(?:upgrad\w*|downgrad\w*|upped|price\s(?:target|objective)|target\s(?:price|cut|raised|boosted)|PTs?\b
      |ratings?|rated|reiterat\w*|initiat\w*|coverage|outperform|underperform|overweight|underweight|equal-weight
      |neutral|(?:to|a|at)\s(?:buy|sell|hold)|analysts?|estimates|conference|forum|summit|presents|bulls?|bullish
      |bears?|bearish|(?:says|sees|expects|warns|argues|points\sto|calls|cools\son|warms\sto|likes|lifts|lowers
      |raises|cuts|trims|starts|boosts|revises|ups|pulls)|top\spicks?|advis\w+|consensus|underwrit\w+)\b""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Concerned:
    """A company that a text is about; `start` and `end` are of its first mention, `mentions` counts all."""

    symbol: str
    start: int
    end: int
    mentions: int


def concerned(text: str, found: Sequence[Found], title_chars: int) -> list[Concerned]:
    """The companies that a text is about, in the order in which they are named; at most ten.

    Those of the title, and of the rest those near its beginning or named more than once. Banks and agencies
    that only speak of another company are left out.
    """
    by_symbol: dict[str, list[Found]] = {}
    for one in found:
        by_symbol.setdefault(one.symbol, []).append(one)
    about = [
        Concerned(symbol, mentions[0].start, mentions[0].end, len(mentions))
        for symbol, mentions in by_symbol.items()
        if mentions[0].start < title_chars + NEAR_THE_BEGINNING or len(mentions) > 1
    ]
    others = [one for one in about if one.symbol not in SPEAKERS]
    if others and _SPEAKING.search(text[: title_chars + NEAR_THE_BEGINNING]):
        about = others
    return about[:MAX_COMPANIES]
