"""Whether a command that a page shows exists, with its options, files and names. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import typer
from typer._click.exceptions import (  # typer carries a click of its own
    MissingParameter,
    NoArgsIsHelpError,
    UsageError,
)
from typer.core import TyperCommand, TyperGroup

from axiom_cli import main
from tests.documentation.compose import entries, names_in
from tests.documentation.shown import ROOT, Shown
from topics import all_topics

OURS = {"services": "", "tests": "", "deploy": "", "axiom": "libs"}
NOT_OURS = {
    "set", ".", "source", "cd", "export", "redirected-to", "cat", "cp", "mv", "mkdir", "rm", "du", "df",
    "ls", "tar", "gzip", "echo", "printf", "ps", "kill", "curl", "git", "grep", "head", "jq", "openssl",
    "sort", "tail", "wc", "psql", "redis-cli", "cypher-shell", "promtool", "amtool", "crontab",
    "websocat", "date", "chmod", "sleep",
}  # fmt: skip


class Wrong(AssertionError):
    """What a page shows does not exist."""


def check(shown: Shown) -> None:
    """Look at a command as its program would.

    Raises:
        Wrong: the program, command, option or file does not exist.
    """
    if not shown.words:
        return
    program = shown.words[0].rpartition("/")[2] or shown.words[0]
    if program not in CHECKS:
        raise Wrong(f"say in CHECKS how a command of {program} is checked")
    CHECKS[program](shown)


@cache
def _axiom_command(name: str) -> TyperCommand | TyperGroup:
    """The `axiom` program's command of that name, as the parser has it."""
    return _below(typer.main.get_command(main.build(name)), name, "axiom")


def _below(group: object, name: str, path: str) -> TyperCommand | TyperGroup:
    found = group.commands.get(name) if isinstance(group, TyperGroup) else None
    if not isinstance(found, TyperCommand | TyperGroup):
        raise Wrong(f"there is no command `{path} {name}`")
    return found


def check_axiom(shown: Shown) -> None:
    """Parse as the program does, without running it. Running text may leave arguments out."""
    words = [word.replace("[--", "--").rstrip("].,;") for word in shown.words[1:]]
    words = [word for word in words if word != "--help"]
    if not words:
        return
    command, rest, path = _axiom_command(words[0]), words[1:], f"axiom {words[0]}"
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        command, path, rest = _below(command, rest[0], path), f"{path} {rest[0]}", rest[1:]
    try:
        command.make_context(path, list(rest))
    except NoArgsIsHelpError:
        return
    except MissingParameter as error:
        if not shown.inline and "--help" not in shown.words:
            raise Wrong(error.format_message()) from error
    except UsageError as error:
        raise Wrong(error.format_message()) from error


def check_make(shown: Shown) -> None:
    """The target exists; our targets take ARGS alone."""
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for word in shown.words[1:]:
        if "=" not in word and word not in targets:
            raise Wrong(f"there is no target `make {word}`")
        if "=" in word and not word.startswith("ARGS="):
            raise Wrong(f"targets take ARGS alone, not {word}")


def check_kcat(shown: Shown) -> None:
    """The topic is declared."""
    for option, value in pairwise(shown.words):
        if option == "-t" and value not in all_topics():
            raise Wrong(f"there is no topic {value}")


def check_docker(shown: Shown) -> None:
    """Of a `docker compose` line: its files, profiles and services exist; what `cli` is told is a command."""
    words = shown.words[1:]
    if words[:1] != ("compose",):
        return
    files = ["docker-compose.yml"] + [value for option, value in pairwise(words) if option == "-f"]
    for file in files:
        if not (ROOT / file).is_file():
            raise Wrong(f"there is no {file}")
    named = names_in(words)
    services, profiles = entries(files)
    for kind, wanted, there in (
        ("service", named.services, services),
        ("profile", named.profiles, profiles),
    ):
        if wanted - there:
            raise Wrong(f"there is no {kind} {', '.join(sorted(wanted - there))}")
    if named.for_cli is not None:
        check_axiom(Shown(shown.page, ("axiom", *named.for_cli), shown.inline))


def check_kubectl(shown: Shown) -> None:
    """Folders and files of ours that are named exist."""
    for word in shown.words[1:]:
        if word.startswith("deploy/") and not (ROOT / word).exists():
            raise Wrong(f"there is no {word}")


def check_python(shown: Shown) -> None:
    """The module is there."""
    for option, module in pairwise(shown.words):
        folder = OURS.get(module.split(".")[0])
        if option == "-m" and folder is not None:
            path = ROOT / folder / module.replace(".", "/")
            if not path.with_suffix(".py").exists() and not path.is_dir():
                raise Wrong(f"there is no module {module}")


def nothing(_: Shown) -> None:
    """A program that is not ours."""


CHECKS: dict[str, Callable[[Shown], None]] = {
    "axiom": check_axiom,
    "make": check_make,
    "kcat": check_kcat,
    "docker": check_docker,
    "kubectl": check_kubectl,
    "python": check_python,
    **dict.fromkeys(NOT_OURS, nothing),
}
"""How a command of each program is checked; a program that is not here is a slip, or wants a line."""
