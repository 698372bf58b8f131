"""What a `docker compose` line names, and what the compose files have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

from tests.documentation.shown import ROOT

ON_SERVICES = {"exec", "logs", "stop", "start", "restart", "kill", "up"}
OPTIONS_WITH_VALUE = {
    "--scale",
    "--tail",
    "-n",
    "-f",
    "--profile",
    "--timeout",
    "-t",
    "-e",
    "-v",
    "-u",
    "--entrypoint",
}


@dataclass(frozen=True)
class Named:
    """What one line names; `for_cli` are the words that our command inside is given."""

    services: frozenset[str]
    profiles: frozenset[str]
    for_cli: tuple[str, ...] | None


def names_in(words: Sequence[str]) -> Named:
    """`words` follow `docker`."""
    pairs = list(pairwise(words))
    services = {value.split("=")[0] for option, value in pairs if option == "--scale"}
    services |= {option.split("=")[1] for option in words if option.startswith("--scale=")}
    profiles = {value for option, value in pairs if option == "--profile"}
    command = next((at for at, word in enumerate(words) if word in ON_SERVICES | {"run"}), None)
    for_cli = None
    if command is not None:
        rest = _arguments(words[command + 1 :])
        if words[command] == "run" and rest[:1] == ["cli"] and "--entrypoint" not in words:
            for_cli = tuple(words[list(words).index("cli") + 1 :])
        one = words[command] in {"exec", "run"}
        services |= set(rest[:1] if one else rest)
    return Named(frozenset(services), frozenset(profiles), for_cli)


def _arguments(words: Sequence[str]) -> list[str]:
    """Without options and their values."""
    found, skip = [], False
    for word in words:
        if not skip and not word.startswith("-"):
            found.append(word)
        skip = not skip and word in OPTIONS_WITH_VALUE and not (word == "-f" and "logs" in words)
    return found


def entries(files: Iterable[str]) -> tuple[set[str], set[str]]:
    """Services and profiles of some compose files."""
    services: set[str] = set()
    profiles: set[str] = set()
    for file in files:
        for name, service in load(file)["services"].items():
            services.add(name)
            profiles |= set(service.get("profiles", ()))
    return services, profiles


def load(file: str) -> dict[str, Any]:
    """A compose file; its own tags, such as !override, stand for the value behind them."""
    parsed: dict[str, Any] = yaml.load((ROOT / file).read_text(encoding="utf-8"), _Loader)  # noqa: S506
    return parsed


class _Loader(yaml.SafeLoader):
    """Safe as its parent: of a tag that it does not know, only the plain value is taken."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
    match node:
        case yaml.MappingNode():
            return loader.construct_mapping(node, deep=True)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case yaml.ScalarNode():
            return loader.construct_scalar(node)
    raise AssertionError(node)


_Loader.add_multi_constructor("!", _plain)
