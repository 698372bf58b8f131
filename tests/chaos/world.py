"""The system under chaos: servers, sinks, a generator, an observer, and what is known of them.

with World(stack, folder) as world:
    world.begin()                      # topics and stores empty, one working member of each sink
    world.generate(Mix(poison=0.1), rate_s=100)
    world.servers.crash("redis")
    ...
    world.settle()
    findings = world.findings()
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import psutil

from axiom.bus.kafka import KafkaAdmin
from axiom_verify import readers
from axiom_verify.readers import Dump
from deploy.embedded.layout import Layout
from deploy.embedded.supervisor import Supervisor
from tests.chaos import checker, journal
from tests.chaos.checker import Evidence, Findings, Sample
from tests.chaos.messages import Made, Mix
from tests.e2e.members import held
from tests.e2e.pipeline import PARTITIONS, SINKS, TOPIC, Pipeline, axiom_env, run_axiom
from tests.stack import ROOT, ServiceProcess, StackUnderTest, wait_until

SERVERS = ("kafka", "postgres", "redis", "neo4j", "chroma")
SETTLE_S = 90.0
MOST_RSS_BYTES = 1_500_000_000


@dataclass
class Member:
    """A sink's process, and whether it may be gone: a fault that ends one says so."""

    process: ServiceProcess
    may_be_gone: bool = False


class World:
    """One system; not for two faults at once.

    Attributes:
        members: of each sink, the processes that should be running.
        command: how a sink is started, where it is not `python -m services.<sink>`.
        suspect: nobody knows what state it is in: nothing was begun, or a fault broke an invariant.
    """

    def __init__(self, stack: StackUnderTest, folder: Path, seed: int = 1) -> None:
        self.servers = stack
        self.pipeline = Pipeline(stack)
        self.members: dict[str, list[Member]] = {sink: [] for sink in SINKS}
        self.command: Callable[[str], Sequence[str]] | None = None
        self.notes: list[str] = []
        self.suspect = True
        self._folder = folder
        self._seed = seed
        self._era = 0
        self._generator: subprocess.Popen[bytes] | None = None
        self._observer: subprocess.Popen[bytes] | None = None
        self._forgotten: dict[str, float] = {}
        self._letters_again = 0

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._generator, self._observer):
            if process is not None:
                process.kill()
                process.wait()
        self._end_members()  # the next test's would share the group with them
        self.pipeline.close()

    # From the beginning

    def begin(self, sinks: Iterable[str] = SINKS) -> None:
        """Everything empty, and one working member of each of `sinks`."""
        self.stop_generator()
        self._end_members()
        self.pipeline.reset()
        self._letters_again = 0
        self.new_era()
        self.ensure(sinks)
        self.observe()

    def _end_members(self) -> None:
        for members in self.members.values():
            for member in members:
                member.process.kill()
            members.clear()

    def new_era(self) -> None:
        """The log begins anew: a new journal, and samples of before count no more."""
        self._era += 1
        for sink in SINKS:
            self.forget(sink)

    def forget(self, sink: str) -> None:
        """The store was emptied on purpose: readers may see older prices from here on."""
        self._forgotten[sink] = time.monotonic()

    def forget_if_it_may_lose(self, sink: str) -> None:
        """Before a kill -9 of its store: Redis syncs every second; data and offset may go back together."""
        if sink == "redis_sink":
            self.forget(sink)

    def port_of(self, store: str) -> int:
        """Where a store listens."""
        ports = self.servers.ports
        return {
            "postgres": ports.postgres,
            "redis": ports.redis,
            "neo4j": ports.neo4j_bolt,
            "chroma": ports.chroma,
        }[store]

    @property
    def journal_file(self) -> Path:
        """The journal of this era."""
        return self._folder / f"journal-{self._era}.jsonl"

    # The sinks

    def start(self, sink: str, command: Sequence[str] | None = None, **env: str) -> ServiceProcess:
        """One more member of a sink; does not wait. `env`: whole names, `AXIOM_SERVICE_CRASHPOINT="…"`."""
        own = command or (self.command(sink) if self.command else None)
        process = self.servers.start_service(sink, env, own)
        self.members[sink].append(Member(process))
        return process

    def running(self, sink: str) -> list[ServiceProcess]:
        """The members of a sink that still run, the oldest first."""
        return [one.process for one in self.members[sink] if one.process.process.poll() is None]

    def member(self, sink: str) -> ServiceProcess:
        """The oldest of them."""
        return self.running(sink)[0]

    def kill(self, process: ServiceProcess) -> None:
        """kill -9 of a sink's member; it is not missed."""
        self.gone(process)
        process.kill()

    def gone(self, process: ServiceProcess) -> None:
        """The member is gone, or will be, as a fault wants it."""
        for members in self.members.values():
            for member in members:
                member.may_be_gone |= member.process is process

    def ensure_servers(self) -> None:
        """Bring up the servers that are down, and wait for all."""
        for server in SERVERS:
            self.servers.start(server) if self.servers.pid(server) is None else self.servers.wait(server)

    def start_server(self, server: str) -> None:
        """Start one that is down; does not wait."""
        Supervisor(Layout(self.servers.home, self.servers.ports)).start(server)

    def working_sinks(self) -> list[str]:
        """The sinks that have a member."""
        return [sink for sink, members in self.members.items() if members]

    def ensure(self, sinks: Iterable[str] = SINKS) -> None:
        """Bring up what is down: servers, and a member of each sink; wait until they have all partitions."""
        sinks = list(sinks)
        self.ensure_servers()
        for sink in sinks:
            kept = [
                one for one in self.members[sink] if not one.may_be_gone or one.process.process.poll() is None
            ]
            self.members[sink][:] = kept
            if not any(one.process.process.poll() is None for one in kept):
                self.start(sink)
        for sink in sinks:
            self.wait_working(sink)

    def one_member_each(self) -> None:
        """As `ensure`, and no sink has a second member that the fault before has left, such as a zombie's
        successor: whoever is asked about a sink has all of its partitions."""
        for sink in SINKS:
            for process in self.running(sink)[1:]:
                self.gone(process)
                assert process.terminate() == 0, process.log_end()
        self.ensure()

    def wait_working(self, sink: str) -> None:
        """Wait until the members of a sink are ready and have all partitions between them."""
        running = self.running(sink)

        def all_held() -> bool:
            return set().union(*(held(process) for process in running)) == PARTITIONS

        try:
            wait_until(f"{sink} has all partitions", all_held, 60)
        except AssertionError as late:
            ends = "\n".join(f"{one.pid} {one.process.poll()}: {one.log_end(40)}" for one in running)
            raise AssertionError(f"{late}\n{ends}") from None

    def wait_held(self, process: ServiceProcess) -> None:
        """Wait until one member has all partitions."""
        try:
            wait_until(f"{process.name} has all partitions", lambda: held(process) == PARTITIONS)
        except AssertionError as late:
            raise AssertionError(
                f"{late}\n{process.process.poll()} {process.health()}: {process.log_end(15)}"
            ) from None

    # Traffic

    def generate(self, mix: Mix, rate_s: float = 100, records: int = 0) -> None:
        """Start the generator; it goes on with the seqs of this era's journal."""
        settings = {
            "bootstrap": self.pipeline.bootstrap, "journal": str(self.journal_file),
            "seed": self._seed + len(journal.read(self.journal_file).entries), "rate_s": rate_s,
            "mix": asdict(mix), "records": records,
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.chaos.generator", json.dumps(settings)]
        with (self._folder / "generator.log").open("ab") as log:
            self._generator = subprocess.Popen(
                command, cwd=ROOT, env=axiom_env(self.servers.env),
                stdout=log, stderr=log,
            )  # fmt: skip

    def stop_generator(self) -> None:
        """Let it end, with an answer for each record that it sent.

        Raises:
            AssertionError: it failed.
        """
        generator, self._generator = self._generator, None
        if generator is not None:
            generator.send_signal(signal.SIGTERM)
            code = generator.wait(90)
            assert code in (0, -signal.SIGTERM), f"the generator exited with {code}: {self._folder}"

    def wait_generated(self) -> None:
        """Wait for a generator that was given a number of records."""
        assert self._generator is not None
        assert self._generator.wait(90) == 0
        self._generator = None

    def publish(self, mix: Mix, records: int) -> None:
        """So many records as fast as they go, all answered."""
        self.generate(mix, rate_s=1e9, records=records)
        self.wait_generated()

    def publish_again(self) -> None:
        """Send the log's records once more, backwards, but for the newest of each key; and journal them."""
        before = journal.read(self.journal_file)
        known = {one.sha256: one for one in before.having("ok")}
        log = self.pipeline.log()
        newest = {record.key: record for record in log}
        older = [record for record in log if record is not newest[record.key]]
        backwards = sorted(older, key=lambda record: -record.offset)
        with closing(journal.Writer(self.journal_file, len(before.entries))) as writer:
            for placed in self.pipeline.send(record[2:] for record in backwards).ok:
                old = known[journal.digest(placed.value)]
                made = Made("duplicate", old.key, old.seq, old.event_id, *placed[2:])
                writer.ok(writer.invoke(made), placed.partition, placed.offset)

    def chroma_collection(self, name: str) -> str:
        """The id of a collection, which is in the paths of its requests."""
        return str(readers.connect_chroma(self.servers.env).get_collection(name).id)

    def wait_acknowledged(self, more: int, timeout_s: float = 60) -> None:
        """Wait until Kafka has confirmed that many more records."""
        before = journal.read(self.journal_file).acknowledged
        wait_until(
            f"{more} more records are confirmed",
            lambda: journal.read(self.journal_file).acknowledged >= before + more,
            timeout_s,
        )

    def observe(self) -> None:
        """Start reading the stores, if nobody does."""
        if self._observer is not None and self._observer.poll() is None:
            return
        command = [sys.executable, "-m", "tests.chaos.observer", str(self._folder / "samples.jsonl")]
        with (self._folder / "observer.log").open("ab") as log:
            self._observer = subprocess.Popen(
                command, cwd=ROOT, env=axiom_env(self.servers.env),
                stdout=log, stderr=log,
            )  # fmt: skip

    # The end of a fault

    def settle(self, sinks: Iterable[str] = SINKS) -> None:
        """Stop the traffic and wait, not for ever, until every store has the whole log.

        Raises:
            AssertionError: I10 is broken.
        """
        self.stop_generator()
        self.ensure(sinks)
        self.pipeline.wait_caught_up(*sinks, timeout_s=SETTLE_S)

    def findings(self, sinks: Sequence[str] = tuple(SINKS), rewritten: int = 2000) -> Findings:
        """Read everything and check every invariant."""
        evidence = self.evidence(sinks)
        found = checker.check(evidence)
        found["I10"] = [one for sink in sinks for one in self._unwell(sink)]
        found["I12"] = [one for sink in sinks for one in self._swollen(sink)]
        before, self._letters_again = self._letters_again, checker.repeated_letters(evidence)
        if (again := self._letters_again - before) > rewritten:  # not without end
            found["I12"].append(f"{again} dead letters were written again")
        return found

    def evidence(self, sinks: Sequence[str]) -> Evidence:
        """The journal, the log, the stores, the dead letters and the samples as they are now."""
        log = self.pipeline.log()
        [described] = KafkaAdmin(self.pipeline.bootstrap).describe([TOPIC])
        return Evidence(
            journal.read(self.journal_file), log, {sink: self.dump(sink) for sink in sinks},
            [letter for _, letter in self.pipeline.all_dead_letters()],
            {number: kept.start for number, kept in described.ranges.items()},
            [one for one in self.samples() if one.sink in sinks],
        )  # fmt: skip

    def dump(self, sink: str) -> Dump:
        """What a sink's store holds."""
        return self.pipeline.dump(sink)

    def samples(self) -> list[Sample]:
        """The readings since each store was last emptied."""
        file = self._folder / "samples.jsonl"
        found = []
        for line in file.read_text().splitlines() if file.exists() else ():
            with suppress(json.JSONDecodeError):
                row = json.loads(line)
                if "error" not in row and row["begun"] > self._forgotten[row["sink"]]:
                    offsets = {int(number): offset for number, offset in row["offsets"].items()}
                    found.append(Sample(row["sink"], row["begun"], offsets, row["latest"]))
        return found

    def _unwell(self, sink: str) -> list[str]:
        problems = []
        for member in self.members[sink]:
            code = member.process.process.poll()
            if code is not None and not member.may_be_gone:
                problems.append(
                    f"{sink} {member.process.pid} exited with {code}\n{member.process.log_end(5)}"
                )
            elif code is None:
                with suppress(AssertionError):
                    wait_until("it is ready", member.process.ready, 20)
                    continue
                problems.append(f"{sink} {member.process.pid} is not ready: {member.process.log_end(5)}")
        return problems

    def _swollen(self, sink: str) -> list[str]:
        problems = []
        for member in self.members[sink]:
            with suppress(psutil.NoSuchProcess):
                size = psutil.Process(member.process.pid).memory_info().rss
                if size > MOST_RSS_BYTES:
                    problems.append(f"{sink} holds {size / 1e6:.0f} MB")
        return problems

    # Help for faults

    def note(self, what: str) -> None:
        """Say what was done; it is printed."""
        self.notes.append(what)

    def axiom(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The `axiom` command on this system."""
        return run_axiom(self.servers.env, *arguments, timeout_s=170)

    def new_topic(self) -> None:
        """Delete the topics and make them again; a new era."""
        self.pipeline.make_topics_anew()
        self.new_era()

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def env_of(server: str, port: int) -> Mapping[str, str]:
    """The setting that makes a sink go to another port for its store."""
    if server == "neo4j":
        return {"AXIOM_NEO4J_URI": f"bolt://127.0.0.1:{port}"}
    return {f"AXIOM_{server.upper()}_PORT": str(port)}
