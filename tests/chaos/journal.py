"""The generator's journal: what it sent and what it knows of it, in the words of Jepsen.

One JSON object a line, appended: `invoke` before a record is given to the client; then `ok` with its place
in the log, `fail` (it is surely not there) or `info` (nobody knows). No second line means `info` as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.messages import Made


@dataclass
class Entry:
    """One record that was sent, and what became of it."""

    kind: str
    key: str
    seq: int
    event_id: str
    sha256: str
    outcome: str = "info"
    partition: int = -1
    offset: int = -1
    error: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether a sink must bury it."""
        return self.kind.startswith("poison")


@dataclass
class Journal:
    """A journal as it is read."""

    entries: dict[int, Entry] = field(default_factory=dict)

    def having(self, outcome: str) -> Iterator[Entry]:
        """The entries with that outcome."""
        return (entry for entry in self.entries.values() if entry.outcome == outcome)

    @property
    def acknowledged(self) -> int:
        """How many records Kafka confirmed."""
        return sum(1 for _ in self.having("ok"))

    def seqs(self) -> dict[str, int]:
        """The last seq of each key that was ever used."""
        last: dict[str, int] = {}
        for entry in self.entries.values():
            last[entry.key] = max(entry.seq, last.get(entry.key, 0))
        return last


def read(path: Path) -> Journal:
    """The journal so far; the last line may be half-written."""
    journal = Journal()
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            row: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            continue  # a writer that was killed in the middle of it
        number, op = row.pop("id"), row.pop("op")
        if op == "invoke":
            journal.entries[number] = Entry(**row)
        else:
            entry = journal.entries[number]
            entry.outcome = op
            for name, value in row.items():
                setattr(entry, name, value)
    return journal


class Writer:
    """Appends to a journal."""

    def __init__(self, path: Path, first_id: int) -> None:
        self._file = path.open("a", buffering=1)
        self._next_id = first_id

    def invoke(self, made: Made) -> int:
        """Before the record is given away; returns its id."""
        number, self._next_id = self._next_id, self._next_id + 1
        self._write(
            {
                "id": number, "op": "invoke", "kind": made.kind, "key": made.key, "seq": made.seq,
                "event_id": made.event_id, "sha256": digest(made.value),
            }
        )  # fmt: skip
        return number

    def ok(self, number: int, partition: int, offset: int) -> None:
        """Kafka confirmed it."""
        self._write({"id": number, "op": "ok", "partition": partition, "offset": offset})

    def other(self, number: int, op: str, error: str) -> None:
        """`fail` or `info`, and why."""
        self._write({"id": number, "op": op, "error": error})

    def close(self) -> None:
        """What was written is in the file."""
        self._file.close()

    def _write(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(row) + "\n")


def digest(value: bytes | None) -> str:
    """A payload's hash; `null` for none."""
    return "null" if value is None else hashlib.sha256(value).hexdigest()
