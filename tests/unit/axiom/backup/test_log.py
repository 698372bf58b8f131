from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from axiom.backup import chunks
from axiom.backup.manifest import GroupOffset
from axiom.backup.partitions import chunks_of
from axiom.backup.restoring import Target, Unburied, restore_groups, restore_log
from axiom.backup.reuse import Earlier
from axiom.bus.memory import MemoryBroker, MemoryLogReader
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import BadRecord, DeliveryFailed, Misconfigured, Permanent, Transient
from axiom.settings import PostgresSettings
from tests.unit.axiom.backup.samples import (
    MADE_AT,
    TOPIC,
    MemoryAdmin,
    MemoryWriter,
    backup_of,
    broker_of,
)

pytestmark = pytest.mark.unit

LATER = MADE_AT + timedelta(days=1)


def target(broker: MemoryBroker) -> Target:
    return Target(MemoryAdmin(broker), MemoryWriter(broker), PostgresSettings(password=SecretStr("")), {})


def nothing(what: str, done: int, total: int) -> None:
    pass


def test_a_record_is_the_same_after_a_file(tmp_path: Path) -> None:
    records = [
        Record("t", 2, 7, 1_700_000_000_000, b"k", b"\x00\xff", (("a", b"1"), ("a", b""), ("b", None))),  # type: ignore[arg-type] # Kafka allows it
        Record("t", 2, 8, 0, None, None, ()),
    ]
    chunks.write(tmp_path / "file", records)
    assert chunks.read(tmp_path / "file", "t", 2) == records


def test_what_is_no_file_of_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"PAR1 but no more")
    with pytest.raises(Permanent, match="no file of records"):
        chunks.read(tmp_path / "file", "t", 0)


async def test_a_log_comes_back_record_by_record_at_its_offsets(tmp_path: Path) -> None:
    source = broker_of(10, 0, 9)
    source.truncate(TopicPartition(TOPIC, 2), 5)
    source.truncate(TopicPartition(TOPIC, 1), 0)
    backup = backup_of(source, tmp_path)
    empty = MemoryBroker()
    await restore_log(backup, target(empty), nothing)
    assert empty.records(TOPIC) == source.records(TOPIC)
    assert [log.start for log in empty.logs[TOPIC]] == [0, 0, 5]
    assert empty.ids[TOPIC] != source.ids[TOPIC]
    assert "job-runs" in empty.logs, "topics that the backup does not have are made too"


async def test_a_partition_of_which_nothing_is_left_keeps_its_place(tmp_path: Path) -> None:
    source = broker_of(6)
    source.truncate(TopicPartition(TOPIC, 0), 6)
    empty = MemoryBroker()
    await restore_log(backup_of(source, tmp_path), target(empty), nothing)
    [log] = empty.logs[TOPIC]
    assert (log.start, log.end) == (6, 6)


async def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    backup = backup_of(broker_of(3), tmp_path)
    other = broker_of(8, 8)
    await restore_log(backup, target(other), nothing)
    assert len(other.records(TOPIC)) == 3


async def test_a_writer_in_between_is_noticed(tmp_path: Path) -> None:
    backup = backup_of(broker_of(8), tmp_path)
    broker = MemoryBroker()

    def disturb(what: str, done: int, total: int) -> None:
        log = broker.logs[TOPIC][0]
        log.records.append(Record(TOPIC, 0, log.end, 0, b"k", b"another's", ()))

    with pytest.raises(DeliveryFailed):
        await restore_log(backup, target(broker), disturb)


async def test_a_topic_that_nobody_declares_is_refused_before_anything_is_deleted(tmp_path: Path) -> None:
    backup = backup_of(broker_of(3, topic="of-tomorrow"), tmp_path)
    broker = broker_of(8)
    with pytest.raises(Misconfigured, match="of-tomorrow"):
        await restore_log(backup, target(broker), nothing)
    assert len(broker.records(TOPIC)) == 8


def test_a_gap_can_not_be_backed_up(tmp_path: Path) -> None:
    broker = broker_of(8)
    del broker.logs[TOPIC][0].records[3]
    with pytest.raises(Permanent, match="no record 3"):
        backup_of(broker, tmp_path)


def test_a_log_that_is_truncated_meanwhile_is_read_again_by_another_try(tmp_path: Path) -> None:
    broker = broker_of(8)
    plain = MemoryAdmin(broker).ranges(TOPIC)
    broker.truncate(TopicPartition(TOPIC, 0), 2)
    part = TopicPartition(TOPIC, 0)
    with pytest.raises(Transient, match="truncated"):
        list(chunks_of(MemoryLogReader(broker), "id", part, plain[part], tmp_path, Earlier(None, {})))


def test_whole_chunks_are_shared_with_the_backup_before(tmp_path: Path) -> None:
    broker = broker_of(10)
    first = backup_of(broker, tmp_path)
    log = broker.logs[TOPIC][0]
    log.records += [Record(TOPIC, 0, at, at, b"k", b"new", ()) for at in range(10, 14)]
    second = backup_of(broker, tmp_path, LATER)
    [topic] = second.manifest.topics
    [partition] = topic.partitions
    assert [(chunk.start, chunk.end) for chunk in partition.chunks] == [(0, 4), (4, 8), (8, 12), (12, 14)]
    shared = [second.file(chunk.path).stat().st_nlink > 1 for chunk in partition.chunks]
    assert shared == [True, True, False, False]
    second.check()
    assert first.manifest.records == 10


def test_a_damaged_chunk_is_written_anew(tmp_path: Path) -> None:
    broker = broker_of(10)
    first = backup_of(broker, tmp_path)
    path = first.manifest.topics[0].partitions[0].chunks[0].path
    first.file(path).write_bytes(b"rot")
    second = backup_of(broker, tmp_path, LATER)
    second.check()
    assert second.file(path).stat().st_nlink == 1


def test_chunks_of_a_topic_made_anew_are_not_shared(tmp_path: Path) -> None:
    backup_of(broker_of(10), tmp_path)
    second = backup_of(broker_of(10), tmp_path, LATER)
    assert all(second.file(path).stat().st_nlink == 1 for path in second.manifest.paths())


def test_groups_go_on_where_they_were(tmp_path: Path) -> None:
    groups = [
        GroupOffset(group="enricher", topic=TOPIC, partition=0, next_offset=3),
        GroupOffset(group="redis-sink", topic=TOPIC, partition=0, next_offset=5),
    ]
    backup = backup_of(broker_of(8), tmp_path, groups=groups)
    broker = MemoryBroker()
    restore_groups(backup, MemoryAdmin(broker))
    part = TopicPartition(TOPIC, 0)
    assert broker.committed == {"enricher": {part: 3}, "redis-sink": {part: 5}}


class Grave:
    def __init__(self) -> None:
        self.offsets: list[int] = []

    async def bury(self, bad: list[tuple[Record, Permanent]]) -> None:
        self.offsets += [record.offset for record, _ in bad]


async def test_only_what_nobody_told_of_gets_a_letter(tmp_path: Path) -> None:
    groups = [GroupOffset(group="redis-sink", topic=TOPIC, partition=0, next_offset=3)]
    backup = backup_of(broker_of(8), tmp_path, groups=groups)
    grave = Grave()
    letters = Unburied(backup, "redis-sink", {(TOPIC, 0, 5)}, grave)  # type: ignore[arg-type] # any sequence
    bad = [
        (Record(TOPIC, 0, at, 0, b"k", b"{", ()), BadRecord("invalid_payload", "no JSON")) for at in range(8)
    ]
    await letters.bury(bad)
    assert grave.offsets == [3, 4, 6, 7]
