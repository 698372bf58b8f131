"""How far a partition is done when its records are done in any order."""

from __future__ import annotations


class Progress:
    """The offsets of one partition that are read and not yet done.

    >>> progress = Progress(10)
    >>> progress.begin(10), progress.begin(11)
    (None, None)
    >>> progress.end(11), progress.next_offset
    (None, 10)
    >>> progress.end(10), progress.next_offset
    (None, 12)
    """

    def __init__(self, start: int) -> None:
        self.next_offset = start
        self._done: dict[int, bool] = {}

    def begin(self, offset: int) -> None:
        """The record is being worked on; offsets are given in rising order."""
        self._done[offset] = False

    def end(self, offset: int) -> None:
        """The record is done with, and its outputs are confirmed."""
        self._done[offset] = True
        while self._done:
            first = next(iter(self._done))
            if not self._done[first]:
                return
            del self._done[first]
            self.next_offset = first + 1
