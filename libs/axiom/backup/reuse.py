"""What a backup need not write again: whole chunks that the one before it has already."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from axiom.backup.folder import Backup, kept, sha256
from axiom.backup.manifest import Chunk
from axiom.contracts.record import TopicPartition


@dataclass(frozen=True)
class Earlier:
    """The newest backup of a place, if there is one, by where its whole chunks begin.

    The last chunk of a partition is not whole: more records belong in it by now.
    """

    backup: Backup | None
    chunks: dict[tuple[str, TopicPartition, int], Chunk]

    @classmethod
    def of(cls, place: Path) -> Earlier:
        """What there is in a place."""
        newest = next(iter(kept(place)), None)
        topics = newest.manifest.topics if newest else ()
        return cls(
            newest,
            {
                (topic.topic_id, TopicPartition(topic.name, partition.number), chunk.start): chunk
                for topic in topics
                for partition in topic.partitions
                for chunk in partition.chunks[:-1]
            },
        )

    def share(
        self, topic_id: str, part: TopicPartition, start: int, most: int, folder: Path
    ) -> tuple[Chunk, str] | None:
        """Put the chunk that begins at an offset into `folder` too; returns it and its sha256.

        None where there is none, where it ends beyond `most`, or is not what was written any more.
        """
        chunk = self.chunks.get((topic_id, part, start))
        if self.backup is None or chunk is None or chunk.end > most:
            return None
        there, expected = self.backup.file(chunk.path), self.backup.sums[chunk.path]
        if sha256(there) != expected:  # damaged since: written anew while the log still has it
            return None
        try:
            os.link(there, folder / chunk.path)
        except OSError:  # a file system without hard links
            shutil.copyfile(there, folder / chunk.path)
        return chunk, expected
