"""What files of records have in common: their lines, when their data were got, what is wrong with a row."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from axiom.errors import Misconfigured, Permanent
from axiom.sources.outcomes import BadRow

T = TypeVar("T")
MAX_LINE_CHARS = 1024 * 1024


class Unusable(ValueError):
    """What a source gave can't be published; the message says why."""


def json_lines(path: Path, parse: Callable[[str, datetime], T]) -> Iterator[T | BadRow]:
    """Every line of a `.jsonl` or `.jsonl.gz` that is not empty, parsed, or what is wrong with it.

    Args:
        parse: gets the line and when the file's data were got; raises Unusable.

    Raises:
        Misconfigured: there is no such file.
        Permanent: it is cut off or damaged; the rows before that were given.
    """
    if not path.is_file():
        raise Misconfigured(f"there is no file {path}")
    at = fetched_at(path)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    try:
                        yield parse(line, at)
                    except Unusable as error:
                        yield BadRow(f"line {number}", str(error))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise Permanent(f"{path.name} can't be read to its end: {error}") from error


def json_object(line: str) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        Unusable: it is too long, or there is none.
    """
    if len(line) > MAX_LINE_CHARS:
        raise Unusable(f"over {MAX_LINE_CHARS:,} characters")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"no JSON: {error}") from error
    if not isinstance(row, dict):
        raise Unusable("no JSON object")
    return row


def fetched_at(path: Path) -> datetime:
    """When the file's data were got: from its manifest, else the file's modification time.

    So reading a file twice gives the same records.

    Raises:
        Misconfigured: the manifest is there and does not say it.
    """
    manifest = path.with_name(f"{path.name}.manifest.json")
    if not manifest.exists():
        return datetime.fromtimestamp(path.stat().st_mtime_ns // 1_000_000_000, UTC)
    try:
        moment = datetime.fromisoformat(json.loads(manifest.read_text(encoding="utf-8"))["fetched_at"])
    except (ValueError, KeyError, TypeError) as error:
        raise Misconfigured(
            f'{manifest} must be like {{"fetched_at": "2026-01-02T21:00:00Z"}}: {error}'
        ) from error
    if moment.tzinfo is None:
        raise Misconfigured(f"fetched_at in {manifest} needs an offset, for example a Z at its end")
    return moment.astimezone(UTC)


def why_not(error: ValidationError) -> str:
    """A validation error on one line: `close: Input should be greater than 0 (-1.0)`."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']} ({problem['input']!r:.40})"
        for problem in error.errors(include_url=False)
    )
