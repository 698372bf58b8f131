"""The forms of a company's name that texts use, as keys to look it up by. Pure.

A key is a name in lower case, without accents and punctuation, `&` as `and`: `at and t`, `coca cola`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

# A word of a text or a name; an apostrophe joins, as in McDonald's.
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|&")
MAX_WORDS = 8

_PAPER = re.compile(
    r"""\s(?:
      (?:new\s)?(?:class|series)\s[A-Z0-9]\b
      | (?:common|ordinary|capital|preferred|registered|subordinate|voting)
      \s(?:stock|shares?|units?|voting|ordinary|subordinate)
      | american\sdeposit[ao]ry | deposit[ao]ry\s(?:shares?|units?)
      | ads\b | adrs?\b | shares\sof | units?\s(?:representing|each) | common\b | warrants?\b | rights?\b
      | limited\spartnership | \(?each\srepresent | sponsored | reit\b | ny\sregistry
    ).*$""",
    re.IGNORECASE | re.VERBOSE,
)


def word_set(listed: str) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(listed.split())


_LEGAL_INSIDE = re.compile(
    r"(?<=\w)(,?\s(?:Inc|Corp|Corporation|Incorporated|Ltd|PLC|plc)\b\.?)(?!\s\(The).+$"
)
_LEGAL = word_set("""
inc incorporated corp corporation co company companies ltd limited plc llc lp sa nv ag se ab asa oyj spa
kgaa holding holdings group the trust bv cv sab de lc na
""")  # fmt: skip
# Of two words these stay where the first alone is an ordinary word: Northern Trust, Here Group.
PART_OF_A_NAME = frozenset({"trust", "holding", "holdings", "group", "company", "companies"})
_SPELLED = {"p l c": "plc", "n v": "nv", "s a": "sa", "l p": "lp", "a g": "ag", "s p a": "spa", "s e": "se"}
_FUND = word_set("""
fund municipal term income opportunities duration dividend
""")
# Last words that texts leave out: Nektar for Nektar Therapeutics.
_DESCRIPTIVE = word_set("""
therapeutics pharmaceuticals pharmaceutical pharma biopharma biopharmaceuticals biosciences bioscience
biotech biotherapeutics biotechnology biologics sciences oncology medical health healthcare technologies
technology tech systems solutions software networks network platforms platform interactive entertainment
media communications international global worldwide industries enterprises brands products foods stores
restaurants resorts hotels motor motors automotive airlines energy resources petroleum oil gas mining metals
minerals gold silver power electric utilities water financial bancorp bancshares bankshares bank capital
partners partnership investments investment management advisors realty properties property reit insurance
assurance services logistics transportation defense security semiconductor semiconductors electronics
devices instruments materials chemical chemicals laboratories labs scientific robotics aerospace acquisition
digital com ai us usa america and of manufacturing machines research wireless mobile telecom education
robotics infrastructure midstream offshore drilling steel paper packaging homes building apparel outdoors
sports gaming casinos cannabis
""")
_SAME_WORD = {
    "pharma": "pharmaceuticals", "pharmaceutical": "pharmaceuticals", "tech": "technologies",
    "technology": "technologies", "intl": "international", "mgmt": "management", "fincl": "financial",
    "svcs": "services", "serv": "services", "biosciences": "bioscience", "biotechnolog": "biotechnology",
    "labs": "laboratories",
    "airline": "airlines", "depository": "depositary", "motors": "motor", "mfg": "manufacturing",
}  # fmt: skip
_GENERIC = frozenset({
    ("natural", "gas"), ("real", "estate"), ("new", "york"), ("united", "states"), ("wall", "street"),
    ("private", "equity"), ("health", "care"), ("high", "yield"), ("white", "house"), ("central", "bank"),
    ("crude", "oil"), ("global", "business"), ("hong", "kong"), ("saudi", "arabia"), ("south", "africa"),
    ("credit", "suisse"), ("middle", "east"), ("world", "bank"), ("bank", "of"), ("bank", "of", "new"),
})  # fmt: skip
# Words that begin many other names: alone they say nothing.
_PLACES_AND_PEOPLE = word_set("""
america american africa alaska arizona asia atlanta atlantic australia austin baltimore bermuda boston
brazil britain california canada carolina charles chicago chile china cleveland colorado columbia
connecticut dallas delaware denver detroit europe florida france georgia germany greece harvard hawaii henry
houston illinois india indiana ireland israel italy jackson james japan johnson jefferson kansas kentucky
korea london louisiana madison maine manhattan martin maryland massachusetts mexico miami michigan milwaukee
minnesota mississippi missouri montana morgan nevada newport norway ohio oklahoma ontario oregon oxford
pacific paris pennsylvania philadelphia phoenix portland princeton richmond robert russell russia saratoga
scotland seattle singapore smith stanford stanley sydney taiwan tennessee texas thomas tokyo toronto turkey
ukraine utah vancouver vermont virginia warren washington wellington westminster williams wilson windsor
winnipeg wisconsin wyoming york zurich white house donald elon musk trump biden powell buffett nasdaq nyse
dow reuters bloomberg ftse nikkei citizens general national united western eastern northern southern central
first global digital american australian british brazilian canadian chinese dutch european french german
indian israeli italian japanese korean mexican russian spanish swiss carter baird april june july monday
friday latin celsius bullish bearish sunbelt biotech fintech crypto bitcoin blockchain
""")


def words_of(text: str) -> tuple[str, ...]:
    """The key of a name or a word, as its words.

    >>> words_of("The Coca-Cola Company"), words_of("AT&T Inc."), words_of("L’Oréal")
    (('the', 'coca', 'cola', 'company'), ('at', 'and', 't', 'inc'), ('loreal',))
    """
    return tuple(fold(word) for word in WORD.findall(unicodedata.normalize("NFKC", text)))


def fold(word: str) -> str:
    """One word of a key: no case, no accents, no apostrophes; `&` is `and`."""
    if word == "&":
        return "and"
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
        word = word.replace("’", "'")
    word = word.replace("'", "").casefold()
    return _SAME_WORD.get(word, word)


@cache
def ordinary_words() -> frozenset[str]:
    """English words that also stand in names of companies."""
    lines = (
        files("axiom.universe").joinpath("data/ordinary_words.txt").read_text(encoding="utf-8").split("\n")
    )
    return frozenset(line for line in lines if line and not line.startswith("#"))


def company_words(name: str) -> tuple[str, ...]:
    """What is left of a listed name without the kind of paper and the legal form.

    >>> company_words("Alphabet Inc. Class A Common Stock"), companyword_set("Gap Inc. (The) Common Stock")
    (('alphabet',), ('gap',))
    """
    name = _LEGAL_INSIDE.sub(r"\1", name)
    name = re.sub(r"\s\((?:the|[a-z]{2}|delaware)\)", " ", name, flags=re.IGNORECASE)
    words = list(words_of(_PAPER.sub("", " " + re.sub(r"\s+", " ", name))))
    if words and words[0] == "the" and len(words) > 1:
        del words[0]
    for spelled, short in _SPELLED.items():
        parts = spelled.split()
        if len(words) > len(parts) and words[-len(parts) :] == parts:
            words[-len(parts) :] = [short]
    return without_legal_form(tuple(words))


def without_legal_form(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words without those of the legal form at their end; at least one stays."""
    while len(words) > 1 and (words[-1] in _LEGAL or (words[-1] == "and" and len(words) > 2)):
        if len(words) == 2 and words[-1] in PART_OF_A_NAME and not is_distinct(words[0]):
            break
        words = words[:-1]
    return words


def shorter_forms(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The shorter forms that a text may use: last words left out, down to the first word alone."""
    for count in range(len(words) - 1, 0, -1):
        kept, left_out = words[:count], words[count:]
        descriptive = all(word in _DESCRIPTIVE or word in _LEGAL for word in left_out)
        if says_enough(kept) and (descriptive or count > 1 or len(kept[0]) >= 5):
            yield kept


def says_enough(words: tuple[str, ...]) -> bool:
    """Whether a shortened name can hardly mean anything else: two words, or a rare one."""
    if words in _GENERIC or words[-1] in {"and", "of", "the"} or sum(map(len, words)) < 4:
        return False
    return len(words) > 1 or is_distinct(words[0])


def is_fund(words: tuple[str, ...]) -> bool:
    """Whether a name is a fund's: only the whole of it means the fund."""
    return not _FUND.isdisjoint(words) and "reit" not in words


def is_distinct(word: str) -> bool:
    """Whether a word is rare enough to be a name by itself."""
    return not (
        word in ordinary_words() or word in _PLACES_AND_PEOPLE or word in _DESCRIPTIVE or word.isdigit()
    )


def may_be_a_word(words: tuple[str, ...]) -> bool:
    """Whether a whole name reads as an ordinary word (`target`) or is too short to trust (`on`)."""
    return len(words) == 1 and (not is_distinct(words[0]) or len(words[0]) < 3)
