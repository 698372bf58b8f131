"""The live layer as one object: the hub that reads, the feed of mutations, and how many may listen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from services.control_api.live.hub import Hub
from services.control_api.live.mutations import Mutations
from services.control_api.problems import Refused

Way = Literal["websockets", "event streams"]


@dataclass
class Live:
    """What live routes work with.

    Attributes:
        most: clients at once, by the way they listen.
        clients: those there are.
    """

    hub: Hub
    mutations: Mutations
    most: dict[Way, int]
    clients: Counter[Way] = field(default_factory=Counter)

    def refuse_more(self, way: Way) -> None:
        """Before a client is let in.

        Raises:
            Refused: there are as many as may be (503).
        """
        if self.clients[way] >= self.most[way]:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self.most[way]} {way} are open, and no more are let in",
                kind="too-many-clients",
                headers={"Retry-After": "10"},
            )

    @contextmanager
    def client(self, way: Way) -> Iterator[None]:
        """Counts a client while it is there."""
        self.clients[way] += 1
        try:
            yield
        finally:
            self.clients[way] -= 1
