"""The enrichment of one record, as a LangGraph.

    look_up ─┬─ known ─────────────────────────────────► ground
             ├─ new ─► ask ────────────────────────────► │
             ├─ new, that can wait ─► ask_in_batch ────► │
             └─ new, no key or not core ─► read_locally ► │

It has no checkpointer: the log is the checkpoint, and what was paid for is in the ledger. So a record that is
enriched again goes the upper way, and its mutations are the same bytes. Each node on a record's way costs
some 0.3 ms of CPU, so a node is what takes time or can fail by itself, and no less.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Collection
from functools import cache
from typing import Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from axiom.errors import BadRecord
from axiom.llm.budget import Conduct
from axiom.llm.desk import Desk, parse
from axiom.llm.ledger import Reservation
from axiom.llm.port import Question, Request
from axiom.telemetry import tracing
from services.enricher import metrics
from services.enricher.batching import BatchQueue
from services.enricher.local.extractor import MODEL as LOCAL_MODEL
from services.enricher.name_list import NameList
from services.enricher.statements import Provenance, mutations
from services.enricher.tasks.port import Task
from services.enricher.universes import NameLists
from topics.graph_mutations import GraphMutation
from topics.llm_calls import LlmCall

Node = Callable[["State"], Awaitable["State"]]


class State(TypedDict, total=False):
    """What the nodes know of one record; each adds its part."""

    task: Task[Any]
    payload: Any
    again: bool
    names: NameList
    conduct: Conduct | None
    question: Question
    entry: LlmCall | None
    answer: BaseModel
    mutations: list[GraphMutation]


class Enrichment:
    """Reads records; one instance serves many at once.

    Args:
        desk: the ledger, the budget and Claude.
        conduct: how to go about it now: which model, batches or not, for whom; None without a key, when all
            that the ledger does not know is read locally.
        core: the symbols that are read by Claude in conservation mode too.
        concurrency: calls at once.
    """

    def __init__(
        self,
        desk: Desk,
        lists: NameLists,
        conduct: Callable[[], Awaitable[Conduct | None]],
        core: Collection[str],
        *,
        concurrency: int,
        max_mutations: int,
        batches: BatchQueue | None = None,
    ) -> None:
        self._desk = desk
        self._lists = lists
        self._conduct = conduct
        self._core = frozenset(core)
        self._slots = asyncio.Semaphore(concurrency)
        self._max_mutations = max_mutations
        self._batches = batches
        self._graph = self._compiled()

    def _compiled(self) -> Any:
        graph: Any = StateGraph(State)
        for node in (self._look_up, self._ask, self._ask_in_batch, self._read_locally, self._ground):
            name = node.__name__.removeprefix("_")
            graph.add_node(name, _measured(name, node))
        graph.add_edge(START, "look_up")
        # The edge is a coroutine, too: LangGraph runs any other function in a thread.
        graph.add_conditional_edges("look_up", self._after_look_up)
        for reader in ("ask", "ask_in_batch", "read_locally"):
            graph.add_edge(reader, "ground")
        graph.add_edge("ground", END)
        return graph.compile()

    async def read(self, task: Task[Any], payload: Any, *, again: bool = False) -> list[GraphMutation]:
        """The mutations of a record; none where it is not worth reading.

        Args:
            again: ask anew though an answer is known, unless this very question was answered.

        Raises:
            Transient: try again later; BudgetExhausted says when.
            BadRecord: it can't be read: `model_refused`, `model_truncated`, `model_invalid`, …
        """
        if (why := task.skip(payload)) is not None:
            metrics.READINGS.labels(task.name, "skipped").inc()
            metrics.DROPPED.labels(task.name, why).inc()
            return []
        state = await self._graph.ainvoke({"task": task, "payload": payload, "again": again})
        made: list[GraphMutation] = state["mutations"]
        return made

    async def question(self, task: Task[Any], payload: Any, *, again: bool = False) -> Question:
        """What Claude would be asked now; of use to say beforehand what it can cost."""
        return (await self._posed({"task": task, "payload": payload, "again": again}))["question"]

    async def _posed(self, state: State) -> State:
        names, conduct = await self._lists.current(), await self._conduct()
        model = LOCAL_MODEL if conduct is None else conduct.model
        question = _question(state["task"], state["payload"], names, model, state["again"])
        return {"names": names, "conduct": conduct, "question": question}

    async def _look_up(self, state: State) -> State:
        posed = await self._posed(state)
        return {**posed, "entry": await self._desk.look_up(posed["question"])}

    async def _after_look_up(self, state: State) -> Literal["ground", "ask", "ask_in_batch", "read_locally"]:
        if state["entry"] is not None:
            metrics.READINGS.labels(state["task"].name, "ledger").inc()
            return "ground"
        if not self._may_ask(state):
            return "read_locally"
        return "ask_in_batch" if self._can_wait(state) else "ask"

    def _can_wait(self, state: State) -> bool:
        """Whether a batch answers it; near the cap half the price is worth more than the hour."""
        conduct, batched = state["conduct"], state["task"].batched
        saving = conduct is not None and conduct.use_batches
        return self._batches is not None and (batched == "always" or (batched == "near-the-cap" and saving))

    def _may_ask(self, state: State) -> bool:
        """Whether Claude is for this one. At a cap it is, too: the record then waits for the next period."""
        conduct = state["conduct"]
        if conduct is None:
            return False
        return not conduct.core_symbols_only or self._is_of_core(state)

    def _is_of_core(self, state: State) -> bool:
        """Whether it is about a core symbol: as its source says, else as its text names one."""
        task, payload, names = state["task"], state["payload"], state["names"]
        symbols = task.symbols(payload) or [one.symbol for one in names.find(task.text(payload, names))]
        return not self._core.isdisjoint(symbols)

    async def _ask(self, state: State) -> State:
        question, origin = state["question"], "claude"
        async with self._slots:  # a bulkhead
            entry = await self._desk.reserve(question)
            if isinstance(entry, Reservation):
                entry = await self._desk.purchase(entry, question)
            else:  # somebody else has just asked the same
                origin = "ledger"
        metrics.READINGS.labels(state["task"].name, origin).inc()
        return {"entry": entry}

    async def _ask_in_batch(self, state: State) -> State:
        assert self._batches is not None  # noqa: S101 - the edge that leads here has looked
        entry = await self._batches.ask(state["question"])
        metrics.READINGS.labels(state["task"].name, "claude").inc()
        return {"entry": entry}

    async def _read_locally(self, state: State) -> State:
        task = state["task"]
        answer = task.read_locally(state["payload"], state["names"])
        metrics.READINGS.labels(task.name, "local").inc()
        return {"answer": answer}

    async def _ground(self, state: State) -> State:
        task, payload, entry = state["task"], state["payload"], state["entry"]
        if entry is None:
            answer, names = state["answer"], state["names"]
        else:
            parsed = parse(entry, task.prompt.response)
            if parsed is None:
                raise BadRecord(
                    f"model_{entry.outcome}",
                    f"{entry.model} gave no usable answer ({entry.outcome}): {entry.error or entry.answer}",
                )
            answer, names = parsed, await self._lists.of(entry.universe)
        grounded = task.ground(payload, answer, names)
        made = mutations(grounded, _provenance(task, payload, entry, names), self._max_mutations)
        for why, count in grounded.dropped.items():
            metrics.DROPPED.labels(task.name, why).inc(count)
        for mutation in made:
            metrics.MUTATIONS.labels(mutation.kind, mutation.method).inc()
        return {"mutations": made}


def _question(task: Task[Any], payload: Any, names: NameList, model: str, again: bool) -> Question:
    request = Request(
        model=model,
        system=task.prompt.system,
        prompt=task.question(payload, names),
        response=task.prompt.response,
        max_output_tokens=task.prompt.max_output_tokens,
    )
    return Question(
        event_id=task.cause(payload).event_id,
        task=task.name,
        pipeline=task.pipeline,
        prompt_version=task.prompt.version,
        schema_version=schema_version(task.prompt.response),
        universe=names.universe.version,
        request=request,
        again=again,
    )


def _provenance(task: Task[Any], payload: Any, entry: LlmCall | None, names: NameList) -> Provenance:
    cause = task.cause(payload)
    return Provenance(
        cause_topic=task.topic.name,
        cause=cause.event_id,
        method="local" if entry is None else "claude",
        model=LOCAL_MODEL if entry is None else entry.model,
        prompt_version=task.prompt.version if entry is None else entry.prompt_version,
        universe=names.universe.version,
        reading=0 if entry is None else round(entry.finished_at.timestamp()),
        cost_usd="0" if entry is None else entry.cost_usd,
        event_time=cause.event_time,
        ingested_at=cause.ingested_at,
    )


@cache
def schema_version(response: type[BaseModel]) -> str:
    """A hash of the answer's schema: another schema is another question."""
    schema = json.dumps(response.model_json_schema(), sort_keys=True)
    return hashlib.blake2b(schema.encode(), digest_size=4).hexdigest()


def _measured(name: str, node: Node) -> Node:
    async def measured(state: State) -> State:
        started_s, outcome = time.perf_counter(), "ok"
        try:
            with tracing.span(f"node {name}"):
                return await node(state)
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            metrics.NODE_SECONDS.labels(name, outcome).observe(time.perf_counter() - started_s)

    return measured
