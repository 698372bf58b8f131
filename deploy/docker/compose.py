"""docker-compose.yml as data, for what is made from it: `deploy/kubernetes` and three-brokers.yml.

Run on a developer's machine alone: PyYAML is no part of the image.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z0-9_]+):-([^}]*)\}")
ONE_SHOTS = {"secrets", "topics"}


class Plain(yaml.SafeDumper):
    """YAML without aliases, lists indented below their key, as people write it."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def load() -> dict[str, Any]:
    """The file, its variables as they are written."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return parsed


def is_ours(service: dict[str, Any]) -> bool:
    """Whether it runs our image."""
    return str(service["image"]).startswith("${AXIOM_IMAGE")


def variable(text: object) -> str | None:
    """The variable that a value is passed through from, such as `${AXIOM_POLYGON_API_KEY:-}`."""
    found = _VARIABLE.fullmatch(str(text))
    return found[1] if found else None


def plain(text: object) -> str:
    """A value as the container gets it when no variable is set.

    >>> plain("HOST://127.0.0.1:${AXIOM_KAFKA_HOST_PORT:-9092} $$HOME")
    'HOST://127.0.0.1:9092 $HOME'
    """
    return _VARIABLE.sub(lambda found: found[2], str(text)).replace("$$", "$")


def dump(documents: list[dict[str, Any]], head: str) -> str:
    """YAML below some lines of comment."""
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + "---\n".join(
        yaml.dump(document, Dumper=Plain, sort_keys=False, width=110, allow_unicode=True)
        for document in documents
    )
