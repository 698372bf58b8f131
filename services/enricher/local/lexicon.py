"""Words that are good or bad news for whom a headline speaks of. Pure.

Written for headlines of markets; stems of more than four letters stand for all words that begin so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_GOOD = """
accelerat achiev advanc approv award backs beat beats best boom boost bounce breakthrough bright bull
bullish buyback climb clinch confiden cure deal-win deliver doubl easing edges-up exceed excel expan favor
firm flourish gain gains green grow growing grows growth healthy high higher highs hike-dividend hot improv
increas jump jumps launch lead leap lift lifts lucrative momentum multi-year-high nudges-up optimis outpac
outperform outshine overweight positiv praise profit profitable progress promising prosper raised raises
rall rallied rallies rally rebound record recover resilien reward rise rises rising robust rocket rose
secures skyrocket soar soared soars solid spike spikes strength strong stronger succe surg surge surges
surpass swell tailwind thriv top topped tops triple turnaround undervalu up upbeat upgrad upped upside
upward win winner wins won zoom
"""
_BAD = """
abandon accus adverse alarm alleg bad bankrupt bear bearish below blow breach bubble burden caution cautious
challeng charge cheapen cheat cliff collaps complain concern contract crash crisis critic cut cuts damag
danger debt-woe declin decline default deficit delay delist deterior dip dips disappoint disrupt dive dives
down downbeat downgrad downside downturn drag drop drops dump ease eased emergency erod exit fail fall
falling falls fear fears fell fine fined fire flop fraud freefall furlough gloom halt halts hammer headwind
hit hits hurt impair investigat jitters job-cut lag lawsuit layoff liquidat lose loses losing loss losses
lost low lower lowers lows miss missed misses negativ nervous outage outbreak overvalu panic penalt pessimis
pile plague plummet plunge plunges poor pressur probe problem protest pull pulls quit recall recession
reject resign risk risks sag scandal scrap sell-off selloff shed sheds shock short shortage shrink shut sink
sinks slam slash slid slide slides slip slips slow slowdown slows sluggish slump slumps sour squeeze
stagnant stalls struggl stumble sue sued sues suffer suspend tank tanks tariff tepid threat tough trim trims
troubl tumble tumbles turmoil uncertain underperform underweight unrest volatil vulnerab warn warning warns
weak weaker weakness weigh wipe woes worr worse worst write-down writedown
"""
_TURNS = frozenset(
    {"not", "no", "never", "without", "despite", "avoid", "avoids", "less", "isn't", "aren't", "don't"}
    | {"doesn't", "won't", "can't", "didn't", "wasn't"}
)
_REACH = 3
_WHOLE_WORD = 4


def tone_of(words: Iterable[str]) -> tuple[int, int]:
    """How many good and bad words there are; after a negation the next three count the other way.

    >>> tone_of("profit did not fall despite weak demand".split())
    (3, 0)
    """
    good = bad = 0
    turned_at = -_REACH - 1
    for at, word in enumerate(words):
        if word in _TURNS:
            turned_at = at
            continue
        tone = _tone(word)
        if at - turned_at <= _REACH:
            tone = -tone
        good += tone > 0
        bad += tone < 0
    return good, bad


def _tone(word: str) -> int:
    if word == "zzup" or _GOOD_WORD.fullmatch(word):
        return 1
    return -1 if word == "zzdown" or _BAD_WORD.fullmatch(word) else 0


def _pattern(stems: Iterable[str]) -> re.Pattern[str]:
    return re.compile(
        "|".join(re.escape(one) + ("[a-z]*" if len(one) > _WHOLE_WORD else "") for one in stems)
    )


_GOOD_WORD, _BAD_WORD = _pattern(_GOOD.split()), _pattern(_BAD.split())
