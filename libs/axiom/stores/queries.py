"""Named queries out of a file: `-- name: text` (or `// name: text`) begins each."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"^(?:--|//) (\w+): (.+)$", re.MULTILINE)


def named_queries(path: Path) -> dict[str, str]:
    """Each query of the file by its name; the text after the colon describes it."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    return {name: body.strip() for name, body in zip(parts[1::3], parts[3::3], strict=True)}
