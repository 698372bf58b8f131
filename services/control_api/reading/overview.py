"""The state of everything, for one screen: each part fails by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from axiom.bus.letters import Letter, open_letters
from axiom.errors import AxiomError, StoreDown
from axiom.llm.report import Report
from services.control_api.reading import grid
from services.control_api.reading.budget import books
from services.control_api.reading.fleet import Fleet, Part
from services.control_api.reading.flow import Flow, Sample
from services.control_api.reading.freshness import TierFreshness, by_tier
from services.control_api.reading.graph import GraphStats
from services.control_api.reading.log import TopicState
from services.control_api.reading.models import Answer
from services.control_api.reading.reading import Reading
from services.control_api.reading.sharing import Shared

T = TypeVar("T")
_A_DAY = timedelta(days=1)
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Overview:
    """What is known now. An error in a part's place says why it is not known."""

    now: datetime
    parts: Sequence[Part]
    topics: list[TopicState] | AxiomError
    flow: Sequence[Sample]
    failures: grid.Failures | AxiomError
    letters: list[Letter] | AxiomError
    money: Report | AxiomError
    freshness: list[TierFreshness] | AxiomError
    graph: Answer[GraphStats] | AxiomError


class Watch:
    """Looks at everything; what is dear to ask is asked less often."""

    def __init__(self, reading: Reading, fleet: Fleet) -> None:
        sources, clock = reading.sources, reading.clock
        self._clock = clock
        self._topics = reading.topics
        self._graph = reading.graph_stats
        self._flow = Flow(clock)
        now = clock.now
        self._parts = Shared(fleet.states, clock, keep_s=3.0)
        self._failures = Shared(lambda: grid.failures(sources, now() - _A_DAY), clock, keep_s=3.0)
        self._money = Shared(lambda: books(sources, clock, 1), clock, keep_s=3.0)
        self._letters = Shared(lambda: asyncio.to_thread(open_letters, sources.log), clock, keep_s=3.0)
        self._freshness = Shared(lambda: by_tier(sources, now()), clock, keep_s=30.0)

    async def letters(self) -> list[Letter]:
        """The dead letters that are open, at most some seconds old.

        Raises:
            StoreDown: Kafka does not answer.
        """
        return await self._letters.get()

    async def look(self) -> Overview:
        """The state now; raises nothing of the library's errors."""
        async with asyncio.TaskGroup() as asking:
            topics = asking.create_task(_or_why(self._topics.get()))
            failures = asking.create_task(_or_why(self._failures.get()))
            letters = asking.create_task(_or_why(self._letters.get()))
            money = asking.create_task(_or_why(self._money.get()))
            freshness = asking.create_task(_or_why(self._freshness.get()))
            graph = asking.create_task(_or_why(self._graph.get()))
            parts = asking.create_task(self._parts.get())
        found = topics.result()
        if not isinstance(found, AxiomError):
            self._flow.see(found)
        return Overview(
            now=self._clock.now(),
            parts=parts.result(),
            topics=found,
            flow=self._flow.samples,
            failures=failures.result(),
            letters=letters.result(),
            money=money.result(),
            freshness=freshness.result(),
            graph=graph.result(),
        )


async def _or_why(asked: Coroutine[Any, Any, T]) -> T | AxiomError:
    """The answer, or why there is none; one part that is slow must not keep the others back."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asked
    except TimeoutError:
        return StoreDown(f"no answer within {_PATIENCE_S:g} s")
    except AxiomError as error:
        return error
