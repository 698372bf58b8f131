"""A log that is no longer the one the stores were filled from."""

from __future__ import annotations

import random
from abc import abstractmethod

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.chaos.checker import Findings
from tests.chaos.faults.port import Fault
from tests.chaos.world import World
from tests.e2e.members import waits_for
from tests.e2e.pipeline import SINKS, TOPIC


class LogChanged(Fault):
    """Every sink refuses and names the way out; `axiom rebuild --accept-loss` is the way out."""

    code = "F15"

    def run(self, world: World, dice: random.Random) -> Findings:
        """In steps of its own: nothing flows until the stores are rebuilt."""
        world.publish(self.mix, 400)
        world.pipeline.wait_caught_up(*SINKS)
        self.inject(world, dice)
        for sink in SINKS:
            member = world.member(sink)
            waits_for(member, "log_mismatch")
            why = member.health()["not_ready"]["log_mismatch"]
            assert "axiom rebuild --accept-loss" in why, f"{sink} names no way out: {why}"
            world.gone(member)
            member.terminate()
        done = world.axiom("rebuild", "all", "--accept-loss", "--json")
        assert done.returncode == 0, f"axiom rebuild: {done.stderr[-800:]}"
        for sink in SINKS:  # only now: until its swap a store shows what the lost log said
            world.forget(sink)
        world.note("refused, rebuilt")
        world.ensure()
        world.publish(self.mix, 200)
        world.settle()
        found = world.findings()
        return found | {"I8": found["I4"]}

    @abstractmethod
    def inject(self, world: World, dice: random.Random) -> None:
        """Change the log."""


class TopicMadeAnew(LogChanged):
    """Deleted and made again, with other records in it."""

    title = "topic deleted and made again"

    def inject(self, world: World, dice: random.Random) -> None:
        world.new_topic()
        world.publish(self.mix, 500)
        world.note("deleted while the sinks run")


class Truncated(LogChanged):
    """Records are deleted that no store has read yet."""

    title = "log truncated beyond the stored offsets"

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in SINKS:
            member = world.member(sink)
            world.gone(member)
            member.terminate()
        ends = world.pipeline.ends()
        world.publish(self.mix, 500)
        admin = AdminClient({"bootstrap.servers": world.pipeline.bootstrap})
        gone = [TopicPartition(TOPIC, number, end + 1) for number, end in ends.items()]
        for deleted in admin.delete_records(gone).values():
            deleted.result(30)
        for sink in SINKS:
            world.start(sink)
        world.note("truncated while the sinks were away")


class GroupsForgotten(Fault):
    """Kafka's own offsets are deleted with the groups: the stores' offsets are what counts."""

    code = "F15"
    title = "consumer groups and their offsets deleted"

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in SINKS:
            member = world.member(sink)
            world.gone(member)
            assert member.terminate() == 0, member.log_end()
        admin = AdminClient({"bootstrap.servers": world.pipeline.bootstrap})
        groups = [sink.replace("_", "-") for sink in SINKS]
        for deleted in admin.delete_consumer_groups(groups).values():
            deleted.result(30)
        world.note("while the sinks were away")
