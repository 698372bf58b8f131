"""Read and follow the log files that the supervisor writes and rotates."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from axiom.errors import Misconfigured
from deploy.embedded.layout import Layout

POLL_S = 0.25


def files(layout: Layout, names: Iterable[str]) -> list[Path]:
    """The log files of these programs, or of all.

    Raises:
        Misconfigured: a name has no log; the message lists those that have.
    """
    there = {path.stem: path for path in sorted(layout.logs.glob("*.log"))}
    wanted = list(names) or list(there)
    for name in wanted:
        if name not in there:
            raise Misconfigured(
                f"there is no log of {name!r} in {layout.logs}: {', '.join(there) or 'it is empty'}"
            )
    return [there[name] for name in wanted]


def last(path: Path, lines: int) -> list[str]:
    """The last lines of a file that is there, without their line ends."""
    with path.open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def follow(paths: Iterable[Path], poll_s: float = POLL_S) -> Generator[tuple[str, str], None, None]:
    """Each line written from now on, with its program's name, until closed; goes on through rotation."""
    return _lines([_Tail(path) for path in paths], poll_s)


def _lines(tails: list[_Tail], poll_s: float) -> Generator[tuple[str, str], None, None]:
    with ExitStack() as exits:
        for tail in tails:
            exits.callback(tail.close)
        while True:
            idle = True
            for tail in tails:
                for line in tail.new_lines():
                    idle = False
                    yield tail.name, line
            if idle:
                time.sleep(poll_s)


class _Tail:
    """One growing file, from its end on."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self._path = path
        self._file = path.open(errors="replace")
        self._file.seek(0, 2)
        self._part = ""

    def new_lines(self) -> Iterator[str]:
        yield from self._read()
        if self._rotated():
            yield from self._read()
            self._file.close()
            self._file = self._path.open(errors="replace")
            yield from self._read()

    def close(self) -> None:
        self._file.close()

    def _read(self) -> Iterator[str]:
        *lines, self._part = (self._part + self._file.read()).split("\n")
        yield from lines

    def _rotated(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return now.st_ino != os.fstat(self._file.fileno()).st_ino or now.st_size < self._file.tell()
