"""The commands and queries that the documentation shows, read out of its Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELLS = {"sh", "bash", "console"}
# ADRs tell of decisions and of what was measured then; they are no instructions.
NOT_FOR_USERS = {"docs/adr"}
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:\.venv/bin/)?(?:axiom|make) [^`\n]+)`(?!`)")
_OPERATORS = set("|&;<>()")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """One command as a page shows it.

    Attributes:
        page: the page's path in the project.
        words: program and arguments, as a shell would split them; without assignments before them.
        inline: it stands in running text, where arguments may be left out.
        assigned: names of the variables that are set for it.
    """

    page: str
    words: tuple[str, ...]
    inline: bool = False
    assigned: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and text."""

    page: str
    language: str
    text: str


def pages() -> list[Path]:
    """Every page that tells a user what to do."""
    found = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if not any(page.is_relative_to(ROOT / folder) for folder in NOT_FOR_USERS)]


def blocks() -> list[Block]:
    """All fenced blocks of all pages."""
    return [
        Block(str(page.relative_to(ROOT)), language, text)
        for page in pages()
        for language, text in _FENCE.findall(page.read_text(encoding="utf-8"))
    ]


def commands() -> list[Shown]:
    """All commands of all pages, each once a page."""
    found: dict[Shown, None] = {}
    for page in pages():
        name, text = str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")
        found |= dict.fromkeys(commands_of(name, text))
    return list(found)


def commands_of(page: str, text: str) -> Iterator[Shown]:
    """The commands of one page: of blocks in a shell's language, of indented blocks, and in running text."""
    rest = text
    for match in _FENCE.finditer(text):
        rest = rest.replace(match[0], "\n")
        if match[1] in SHELLS:
            yield from _of_script(page, match[2], prompted=match[1] == "console")
    indented = "\n".join(re.findall(r"^ {4}((?:axiom|make|docker|kubectl) .*)$", rest, re.MULTILINE))
    yield from _of_script(page, indented, prompted=False)
    for shown in _INLINE.findall(rest):
        yield from _of_line(page, shown, inline=True)


def _of_script(page: str, script: str, *, prompted: bool) -> Iterator[Shown]:
    """`prompted`: only lines after `$ ` are commands, the others are what they print."""
    joined = script.replace("\\\n", " ")
    for line in _whole_lines(joined):
        if prompted and not line.startswith("$ "):
            continue
        yield from _of_line(page, line.removeprefix("$ "), inline=False)


def _whole_lines(script: str) -> Iterator[str]:
    """Lines, those within quotes joined to one."""
    held = ""
    for line in script.splitlines():
        held = f"{held}\n{line}" if held else line
        try:
            shlex.split(held, comments=True)
        except ValueError:  # a quote is still open
            continue
        yield held
        held = ""
    if held:
        raise ValueError(f"a quote stays open: {held[:80]}")


def _of_line(page: str, line: str, *, inline: bool) -> Iterator[Shown]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    held: list[str] = []
    for word in [*lexer, ";"]:
        if word and set(word) <= _OPERATORS:
            if held:
                yield _command(page, held, inline=inline)
            # What follows < or > is a file, not a program.
            held = ["redirected-to"] if set(word) <= set("<>") else []
        else:
            held.append(word)


def _command(page: str, words: list[str], *, inline: bool) -> Shown:
    rest = list(words)
    assigned = []
    while rest and _ASSIGNMENT.fullmatch(rest[0]):
        assigned.append(rest.pop(0).split("=")[0])
    return Shown(page, tuple(rest), inline, tuple(assigned))
