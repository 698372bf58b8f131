"""What files of records have in common: when their data were got, and what is wrong with a row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from axiom.errors import Misconfigured


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
