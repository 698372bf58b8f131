"""Which listed company a name, a symbol or the words of a text mean. Pure.

Rules, in the order in which they decide:

1. A symbol marked as one (`$AAPL`, `(NYSE: F)`) is that listing. A symbol in plain brackets (`(AAPL)`) counts
   after a word; bare capitals do not, unless they are a name or an alias (IBM).
2. Names and aliases count without case, accents, punctuation, kind of paper and legal form (`apple inc.`).
3. Shorter forms (Nektar for Nektar Therapeutics) count where one company alone begins so, or one that is at
   least twenty times as large as the next, and where they are no ordinary words.
4. A paper or a further share class means the company's main listing: common stock before other papers, then
   the largest market cap, class A before others within a quarter of it.
5. In a text the longest name wins, and its words must be capitalised. A name that is an ordinary word
   (Target, Gap) counts only with a sign beside it: its symbol in the text or among the hints, `Inc`,
   `shares`, a possessive, or a verb or colon after it at the beginning. A few such names that nearly
   always mean the company (Apple, Visa) need no sign where the text is not all capitals.
6. A name that goes on as another company's name is not found: Eaton in Eaton Vance.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

from axiom.universe.kinds import companies
from axiom.universe.listing import Listing, Universe
from axiom.universe.name_keys import (
    MAX_WORDS,
    PART_OF_A_NAME,
    WORD,
    company_words,
    fold,
    is_distinct,
    is_fund,
    may_be_a_word,
    says_enough,
    shorter_forms,
    without_legal_form,
    word_set,
    words_of,
)

Words = tuple[str, ...]

MAX_MENTION_CHARS = 200
MAX_TEXT_CHARS = 60_000
LARGER, LARGE_USD = 20.0, 2e9
SMALL_WORDS = frozenset({"&", "of", "and", "the", "in", "on", "for", "de", "del"})
EXCHANGES = r"NYSE(?:\s?(?:American|Arca|MKT))?|NASDAQ(?:\s?(?:GS|GM|CM))?|AMEX|CBOE|BATS"
CASHTAG = re.compile(r"(?<![\w$])\$([A-Z]{1,5}(?:[.\-][A-Z]{1,2})?)(?![\w$:]|[.\-]\w)")
EXCHANGE_SYMBOL = re.compile(rf"\b(?i:{EXCHANGES})\s?:\s?\$?([A-Z]{{1,5}}(?:[./\-][A-Z]{{1,2}})?)\b")
BRACKETED = re.compile(r"(?<=\w[ .’'])\(\s?\$?([A-Z]{2,5}(?:[./\-][A-Z])?)\s?\)")
# Abbreviations that stand in brackets in news and are symbols of small companies too.
NOT_IN_BRACKETS = word_set("""
AI API AR CEO CFO COO CTO CPI DOJ EBIT EPA EPS ESG ETF EU EV EVS FCC FDA FED FTC FX GAAP GDP IMF IPO IRA IRS
IT LNG MD NAV NDA OPEC PCE PE PMI PPI PR REIT SEC SPAC UK US USA USD VC VR WHO YTD
""")
NEARLY_ALWAYS_COMPANIES = word_set("""
adobe alphabet amazon apple caterpillar chevron chipotle citi comcast deere delta disney ford intel meta
nike oracle pfizer shell snap spotify starbucks tesla uber visa walmart zoom twitter nvidia boeing exxon
""")
NEVER_ALONE = word_set("""
here what it that there who let how she he nft ipo etf eps ceo cfo fda sec
""")
_AFTER = re.compile(
    r"""\s?(?:['’]s\b | ,?\s?(?:Inc|Corp|Co|Ltd|plc|PLC|Group|Holdings|Company|Corporation)\b
      | \s(?:shares?|stock|CEO|CFO|Q[1-4]|EPS|earnings|revenue)\b | \s?\((?:\$|NYSE|NASDAQ|Nasdaq)) """,
    re.VERBOSE,
)
_LEGAL_AFTER = re.compile(r",?\s?(?:Inc|Corp|Co|Ltd|plc|PLC|Holdings?)\b")
_VERB_AFTER = re.compile(
    r""":\s[A-Z]|\s(?:to\s|will\s|says?\b|said\b|beats?\b|misses\b|reports?\b|declares?\b|names?\b|cuts?\b|raises?\b|plans?\b
      |posts?\b|sees\b|shares\b|stock\b|acquires?\b|announces?\b|launches?\b|sues\b|hires\b|appoints?\b|warns\b
      |upgraded\b|downgraded\b|jumps\b|falls\b|rises\b|drops\b|gains\b|surges\b|slides\b|soars\b|sinks\b|tumbles\b
      |(?!prices|rates|stocks)[a-z]{3,}(?:s|ed)\b|Non-GAAP\b|GAAP\b|Declares\b|Announces\b|Reports\b|\+\d|-\d)""",
    re.VERBOSE,
)


class Found(NamedTuple):
    """A company in a text: `text[start:end]` names it."""

    symbol: str
    start: int
    end: int


class Names:
    """The names of a universe's companies; build it once for a universe (0.3 s for 7,000 listings)."""

    def __init__(self, universe: Universe) -> None:
        self._main, mains = _main_listings(universe)
        self._large = {one.symbol for one in mains if one.market_cap >= LARGE_USD}
        self._exact: dict[Words, str] = {}
        for listing in mains:
            words = company_words(listing.name)
            self._exact.setdefault(words, listing.symbol)
            if len(words) == 2 and words[1] in PART_OF_A_NAME:
                self._exact.setdefault(words[:1], listing.symbol)
        for listing in sorted(universe.listings.values(), key=lambda one: (-one.market_cap, one.symbol)):
            for alias in listing.aliases:
                self._exact[company_words(alias)] = self._main[listing.symbol]
        self._exact.pop((), None)
        self._short = _short_names(mains, self._exact)
        self._longest: dict[str, int] = defaultdict(int)
        self._beginnings = _beginnings(mains)
        for words in (*self._exact, *self._short):
            self._longest[words[0]] = max(self._longest[words[0]], min(len(words), MAX_WORDS))

    def main(self, symbol: str) -> str | None:
        """The main listing of a listed symbol's company, however the symbol is written (`BRK.B`, `BRK/B`)."""
        return self._main.get(symbol.replace(".", "-").replace("/", "-"))

    def resolve(self, mention: str) -> str | None:
        """The symbol of the company that a reader named, None where no listing is meant beyond doubt.

        >>> names.resolve("Apple Inc."), names.resolve("$aapl"), names.resolve("Alphabet (GOOG)")
        ('AAPL', 'AAPL', 'GOOGL')
        """
        mention = mention[:MAX_MENTION_CHARS].strip()
        if mention.startswith("$"):
            return self.main(mention[1:].strip().upper())
        if (marked := EXCHANGE_SYMBOL.search(mention)) and (symbol := self.main(marked[1])):
            return symbol
        bracket = re.fullmatch(r"(.+?)\s*\(\s*\$?([^()]{1,12}?)\s*\)", mention)
        if bracket:
            return self.resolve(bracket[1]) or self.main(bracket[2].upper())
        words = company_words(mention)
        if not words:
            return None
        exact = self._exact.get(words) or self._exact.get(words_of(mention))
        return exact or (self.main(mention) if mention.isupper() else None) or self._short.get(words)

    def find(self, text: str, hints: Collection[str] = ()) -> list[Found]:
        """Each mention of a company in a text, in its order; mentions do not overlap.

        Args:
            text: the first 60,000 characters are read.
            hints: symbols that a source gave with the text; they only settle doubtful words, and add nothing.
        """
        text = text[:MAX_TEXT_CHARS]
        marked = list(self._marked(text))
        known = {one.symbol for one in marked} | {self.main(hint) or hint for hint in hints}
        taken = [(one.start, one.end) for one in marked]
        named = [one for one in self._named(text, known) if not _overlaps(one, taken)]
        symbols = {one.symbol for one in (*marked, *named)} | known
        marked += [one for one in self._bracketed(text, symbols) if not _overlaps(one, taken)]
        return sorted({*marked, *named}, key=lambda one: (one.start, one.end))

    def _marked(self, text: str) -> Iterator[Found]:
        for pattern in (CASHTAG, EXCHANGE_SYMBOL):
            for match in pattern.finditer(text):
                if symbol := self.main(match[1]):
                    yield Found(symbol, match.start(), match.end())

    def _bracketed(self, text: str, known: Collection[str]) -> Iterator[Found]:
        for match in BRACKETED.finditer(text):
            symbol = self.main(match[1])
            if symbol and (symbol in known or match[1] not in NOT_IN_BRACKETS):
                yield Found(symbol, match.start(1), match.end(1))

    def _named(self, text: str, known: Collection[str]) -> Iterator[Found]:
        tokens = list(WORD.finditer(text))
        folded = [fold(token[0]) for token in tokens]
        shouted = _is_shouted(text)
        at = 0
        while at < len(tokens):
            count, symbol = self._longest_at(text, tokens, folded, at)
            found = Found(symbol, tokens[at].start(), _end(tokens[at + count - 1])) if symbol else None
            if found and (
                found.symbol in known or self._is_sure(text, found, folded[at : at + count], shouted)
            ):
                yield found
                at += count
            else:
                at += 1

    def _longest_at(
        self, text: str, tokens: list[re.Match[str]], folded: list[str], at: int
    ) -> tuple[int, str | None]:
        """How many words from `at` are the longest name that begins there, and whose it is."""
        if not _is_capitalised(tokens[at][0]):
            return 1, None
        stem = _without_possessive(tokens[at][0])
        longest = max(self._longest.get(folded[at], 0), self._longest.get(fold(stem), 0))
        for count in range(min(longest, len(tokens) - at), 0, -1):
            run = tokens[at : at + count]
            if not all(_is_capitalised(one[0]) or one[0] in SMALL_WORDS for one in run):
                continue
            if any(_breaks(text[a.end() : b.start()]) for a, b in pairwise(run)):
                continue
            last = run[-1][0]
            for ending in dict.fromkeys((fold(last), fold(_without_possessive(last)))):
                words = (*folded[at : at + count - 1], ending)
                symbol = self._lookup(words)
                if symbol and not self._goes_on(symbol, words, text, tokens, folded, at + count):
                    return count, symbol
        return 1, None

    def _lookup(self, words: Words) -> str | None:
        return self._exact.get(words) or self._exact.get(without_legal_form(words)) or self._short.get(words)

    def _goes_on(
        self, symbol: str, words: Words, text: str, tokens: list[re.Match[str]], folded: list[str], at: int
    ) -> bool:
        """Whether with the next word another company's name begins: Eaton, but Eaton Vance."""
        if at >= len(tokens) or text[tokens[at - 1].end() : tokens[at].start()] not in {" ", "-"}:
            return False
        others = self._beginnings.get((*words, folded[at]), frozenset())
        return _is_capitalised(tokens[at][0]) and bool(others) and symbol not in others

    def _is_sure(self, text: str, found: Found, folded: list[str], shouted: bool) -> bool:
        words = words_of(text[found.start : found.end])
        if len(words) > 1 and words in self._short and not any(map(is_distinct, words)):
            doubtful = shouted or (_is_title(text) and found.symbol not in self._large)
            return not doubtful or bool(_AFTER.match(text, found.end))
        if not may_be_a_word(words):
            return not shouted or len(words) > 1 or says_enough(words)
        if words[0] in NEVER_ALONE:
            return False
        named_so = text[found.start : found.end]
        if not shouted and named_so == found.symbol and len(named_so) > 2 and named_so not in NOT_IN_BRACKETS:
            return True
        if shouted or re.fullmatch(r"[a-z]\d", words[0]):
            return False
        if len(words[0]) < 3:
            return bool(_LEGAL_AFTER.match(text, found.end))
        if words[0] in NEARLY_ALWAYS_COMPANIES or _AFTER.match(text, found.end):
            return True
        begins = not re.search(r"\w", text[: found.start])
        return bool(begins and _VERB_AFTER.match(text, found.end))


def _main_listings(universe: Universe) -> tuple[dict[str, str], list[Listing]]:
    """Every symbol's main listing, and the main listings, the largest first."""
    groups: dict[Words, list[Listing]] = defaultdict(list)
    shares = companies(universe)
    for listing in shares:
        groups[company_words(listing.name) or (listing.symbol,)].append(listing)
    main: dict[str, str] = {}
    mains = {words: _best(group) for words, group in groups.items()}
    for words, group in groups.items():
        main.update({one.symbol: mains[words].symbol for one in group})
    for symbol in sorted(universe.listings.keys() - main.keys()):
        issuer = main.get(symbol.split("-")[0]) or main.get(symbol[:-1]) if len(symbol) > 1 else None
        same_name = mains.get(company_words(universe.listings[symbol].name))
        main[symbol] = same_name.symbol if same_name else issuer or symbol
    return main, sorted(mains.values(), key=lambda one: (-one.market_cap, one.symbol))


def _best(group: list[Listing]) -> Listing:
    largest = max(one.market_cap for one in group)
    near = [one for one in group if one.market_cap >= 0.75 * largest]
    return min(
        near, key=lambda one: ("Class A" not in one.name, -one.market_cap, len(one.symbol), one.symbol)
    )


def _short_names(mains: list[Listing], exact: dict[Words, str]) -> dict[Words, str]:
    """Shorter forms that one company has alone, or that is far larger than the others that begin so."""
    beginning: dict[Words, list[Listing]] = defaultdict(list)
    for listing in mains:
        words = company_words(listing.name)
        for count in range(1, len(words) + 1):
            beginning[words[:count]].append(listing)
    short: dict[Words, str] = {}
    for listing in mains:
        whole = company_words(listing.name)
        if not whole or is_fund(whole):
            continue
        joined = "".join(whole)
        if len(whole) == 2 and len(joined) >= 8:
            short.setdefault((joined,), listing.symbol)
        if whole[0] == listing.symbol.lower():
            short.setdefault(whole[:1], listing.symbol)
        for words in shorter_forms(whole):
            first, *others = beginning[words]
            alone = not others or first.market_cap > LARGER * others[0].market_cap > 0
            if words not in exact and first.symbol == listing.symbol and alone:
                short.setdefault(words, listing.symbol)
    return short


def _beginnings(mains: list[Listing]) -> dict[Words, frozenset[str]]:
    """The symbols of the companies whose names begin with some two or more words."""
    found: dict[Words, set[str]] = defaultdict(set)
    for listing in mains:
        words = company_words(listing.name)
        for count in range(2, len(words) + 1):
            found[words[:count]].add(listing.symbol)
    return {words: frozenset(symbols) for words, symbols in found.items()}


def _is_capitalised(word: str) -> bool:
    return any(letter.isupper() for letter in word[:3]) or word[0].isdigit()


def _is_shouted(text: str) -> bool:
    """Whether nearly all letters are capitals: then a capital says nothing."""
    letters = [letter for letter in text[:2000] if letter.isalpha()]
    return len(letters) > 12 and sum(map(str.isupper, letters)) > 0.7 * len(letters)


def _is_title(text: str) -> bool:
    """Whether most longer words begin with a capital: then a capital says little."""
    words: list[str] = re.findall(r"[^\W\d_]{4,}", text[:2000])
    return sum(word[0].isupper() for word in words) > 0.7 * len(words)


def _without_possessive(word: str) -> str:
    return re.sub(r"['’][sS]?$", "", word)


def _end(token: re.Match[str]) -> int:
    return token.start() + len(_without_possessive(token[0]))


def _breaks(between: str) -> bool:
    """Whether what stands between two words ends a name."""
    return len(between) > 3 or any(letter in ':;()[]{}|/\\?"“”–—\n' for letter in between) or ", " in between


def _overlaps(found: Found, taken: list[tuple[int, int]]) -> bool:
    return any(found.start < end and start < found.end for start, end in taken)
