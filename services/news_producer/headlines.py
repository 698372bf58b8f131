"""Which headlines say the same. Pure.

The method: a headline becomes the Snowball stems of its words, without the publisher's name at its end,
without wire words (`UPDATE 2-`, `exclusive`) and the commonest function words. Two headlines are one event
when these are equal; or when one has all of the other's in the same order, at least five and three quarters
of all, and each further word is an ordinary one: no number, no name (a capital letter), none that may turn
the meaning (`not`, `fails`, `denies`). So it never joins what differs in a number or a name, at the price of
leaving rewritten headlines apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"[$€£]?\d+(?:[.,:/]\d+)*%?|[^\W\d_]+(?:['’&.][^\W\d_]+)*", re.UNICODE)
NUMBERED = re.compile(r"^(update|wrapup|refile|corrected|brief)[ -]*\d*\s*[-:]\s*", re.IGNORECASE)
PUBLISHER = re.compile(r"\s+[-–—|]\s+[^-–—|]{2,40}$")
WIRE = frozenset(
    """update updates exclusive breaking wrapup refile corrected brief factbox explainer analysis video watch
    live a an the of to in on at for and by as is are was were be its it with from s say says said report
    reports new now just""".split()  # noqa: SIM905 - a list of forty lines says no more
)
TURNS = frozenset(
    """not no never without fail deni reject refus halt cancel delay drop withdraw suspend end stop avoid
    against despit but unless false untru may could might less least""".split()  # noqa: SIM905 - as above
)
EQUAL_AT_LEAST = 3
SHARED_AT_LEAST = 5
SHARED_PART = 0.75

_stem = lru_cache(maxsize=50_000)(snowballstemmer.stemmer("english").stemWord)


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline's stems in their order, each once, and those among them that are ordinary words."""

    stems: tuple[str, ...]
    ordinary: frozenset[str]


def headline(title: str) -> Headline:
    """What of a title is compared."""
    title = NUMBERED.sub("", title)
    cut = PUBLISHER.sub("", title)
    words = WORD.findall(cut if len(WORD.findall(cut)) >= SHARED_AT_LEAST else title)
    stems: dict[str, bool] = {}
    for word in words:
        lower = word.lower().replace("’", "'").removesuffix("'s").replace(",", "")
        if lower in WIRE:
            continue
        stem = _stem(lower)
        is_ordinary = word.islower() and stem not in TURNS
        stems[stem] = stems.get(stem, True) and is_ordinary
    return Headline(tuple(stems), frozenset(stem for stem, ordinary in stems.items() if ordinary))


def says_the_same(one: Headline, other: Headline) -> bool:
    """Whether two headlines are one event (see above)."""
    if one.stems == other.stems:
        return len(one.stems) >= EQUAL_AT_LEAST
    longer, shorter = (one, other) if len(one.stems) > len(other.stems) else (other, one)
    further = set(longer.stems) - set(shorter.stems)
    if len(shorter.stems) < max(SHARED_AT_LEAST, SHARED_PART * len(longer.stems)):
        return False
    shared = tuple(stem for stem in longer.stems if stem not in further)
    return shared == shorter.stems and further <= longer.ordinary
