"""Reading and following log files."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from axiom.errors import Misconfigured
from deploy.embedded import logs
from deploy.embedded.layout import Layout, Ports

pytestmark = pytest.mark.unit


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kafka.log").write_text("one\ntwo\nthree\n")
    (tmp_path / "logs" / "redis.log").write_text("uno\n")
    (tmp_path / "logs" / "redis.log.1").write_text("old\n")
    return Layout(tmp_path, Ports())


def test_all_logs_or_those_named(layout: Layout) -> None:
    assert [path.stem for path in logs.files(layout, [])] == ["kafka", "redis"]
    assert [path.stem for path in logs.files(layout, ["redis"])] == ["redis"]


def test_an_unknown_name_lists_the_known_ones(layout: Layout) -> None:
    with pytest.raises(Misconfigured, match="kafka, redis"):
        logs.files(layout, ["postgress"])


def test_the_last_lines(layout: Layout) -> None:
    assert logs.last(layout.log("kafka"), 2) == ["two", "three"]
    assert logs.last(layout.log("kafka"), 0) == []


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_following_gives_whole_new_lines_and_survives_rotation(layout: Layout) -> None:
    kafka = layout.log("kafka")
    with closing(logs.follow([kafka, layout.log("redis")], poll_s=0)) as lines:
        append(kafka, "four\nfi")
        assert next(lines) == ("kafka", "four")
        append(kafka, "ve\n")
        kafka.rename(kafka.with_name("kafka.log.1"))
        kafka.write_text("six\n")
        append(layout.log("redis"), "dos\n")
        assert list(islice(lines, 3)) == [("kafka", "five"), ("kafka", "six"), ("redis", "dos")]
