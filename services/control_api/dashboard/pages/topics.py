"""The topics and their readers; and a browser of records: tail, from an offset, from a time."""

from __future__ import annotations

from datetime import UTC, datetime

from nicegui import ui

from services.control_api.dashboard.live import Followed, facts, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.topics import (
    lag_rows,
    record_facts,
    record_key,
    record_rows,
    record_text,
    topic_rows,
)
from services.control_api.problems import invalid
from services.control_api.reading import tail
from services.control_api.reading.log import TopicState
from services.control_api.reading.tail import Seen
from topics import all_topics

_TOPICS = (
    Column("topic", "Topic", "open"),
    Column("records", "Records", "number", sort="records_sort"),
    Column("size", "Size", "number", sort="size_sort", wide=True),
    Column("partitions", "Partitions", "number", wide=True),
    Column("kept", "Kept", "name", wide=True),
    Column("lag", "Lag", "state", sort="lag_sort"),
    Column("about", "Holds", "clip", wide=True),
)
_READERS = (
    Column("consumer", "Consumer"),
    Column("lag", "Records behind", "number", sort="lag_sort"),
    Column("state", "State", "state"),
)
_RECORDS = (
    Column("place", "Record", "open"),
    Column("at", "Written (UTC)", "name"),
    Column("key", "Key", "name", wide=True),
    Column("value", "Value", "clip"),
    Column("size", "Size", "number", sort="size_sort", wide=True),
)
_WAYS = {"tail": "Newest", "offset": "From an offset", "time": "From a time"}
_COUNT = 50


class _Browser:
    """The page's state: which topic is looked at, and from where."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._records: dict[str, Seen] = {}
        self._states: dict[str, TopicState] = {}
        with panel("Topics"):
            self._topics = table(_TOPICS, key="topic", label="Topics", opened=self._choose)
            Followed(visit.desk.reading.topics.get, self._draw_topics, every_s=2.0)
        with ui.element("div").classes("panels below"):
            with panel("Records", classes="two-thirds"):
                self._tools()
                self._following = Followed(self._ask, self._draw, every_s=2.0)
                self._table = table(_RECORDS, key="place", label="Records", opened=self._open)
            with ui.element("div").classes("third stack"):
                with panel("Readers of the topic"):
                    self._readers = table(_READERS, key="consumer", label="Readers")
                with panel("One record"), ui.element("div") as self._record:
                    ui.label("Click a record to read it whole.").classes("dim")

    def _tools(self) -> None:
        asked = self._visit.query.get("topic", "")
        first = asked if asked in all_topics() else next(iter(all_topics()))
        with ui.element("div").classes("tools"):
            self._topic = ui.select(list(all_topics()), label="Topic", value=first)
            self._way = ui.select(_WAYS, label="Show", value="tail")
            self._partition = ui.number("Partition", value=0, min=0, precision=0)
            self._offset = ui.number("Offset", value=0, min=0, precision=0)
            self._time = ui.input("Time (UTC)", value=f"{datetime.now(UTC):%Y-%m-%d 00:00}")
        for field in (self._topic, self._way, self._partition, self._offset, self._time):
            field.props("dense outlined")
            field.on_value_change(self._asked)
        for field in (self._partition, self._offset):
            field.bind_visibility_from(self._way, "value", value="offset")
        self._time.bind_visibility_from(self._way, "value", value="time")

    async def _asked(self) -> None:
        self._show_readers()
        await self._following.now()

    async def _ask(self) -> list[Seen]:
        sources, topic = self._visit.sources, str(self._topic.value)
        if self._way.value == "offset":
            partition, offset = int(self._partition.value or 0), int(self._offset.value or 0)
            return await tail.from_offset(sources, topic, partition, offset, _COUNT)
        if self._way.value == "time":
            return await tail.from_time(sources, topic, _moment(str(self._time.value)), _COUNT)
        return await tail.newest(sources, topic, _COUNT)

    def _draw(self, found: list[Seen]) -> str | None:
        self._records = {record_key(one): one for one in found}
        show_rows(self._table, record_rows(found))
        return None if found else f"{self._topic.value} holds no records here. Choose an earlier place."

    def _draw_topics(self, found: list[TopicState]) -> str | None:
        self._states = {one.topic: one for one in found}
        show_rows(self._topics, topic_rows(found))
        self._show_readers()
        return None

    def _show_readers(self) -> None:
        state = self._states.get(str(self._topic.value))
        if state is not None:
            show_rows(self._readers, lag_rows(state))

    def _choose(self, topic: str) -> None:
        if topic in all_topics():
            self._topic.value = topic

    def _open(self, place: str) -> None:
        one = self._records.get(place)
        if one is None:
            return
        self._record.clear()
        with self._record:
            facts(record_facts(one))
            with ui.element("pre").props('tabindex="0"'):
                ui.label(record_text(one)).classes("inline")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise invalid(f"{text!r:.40} is no time: write 2026-11-23 or 2026-11-23 14:30") from error
    return found.replace(tzinfo=found.tzinfo or UTC)


PAGE = Page(
    "/topics", "Topics", "view_stream", "What the log holds, and how far its readers are.", 60, _Browser
)
