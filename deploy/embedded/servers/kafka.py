"""Apache Kafka: one KRaft node that is broker and controller."""

from __future__ import annotations

import socket
import struct
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from axiom.errors import Permanent, StoreDown
from deploy.embedded.java import argument_file, java, share_classes
from deploy.embedded.layout import Ports
from deploy.embedded.servers.port import HOST, JAVA_STOP_WAIT_S, PROBE_TIMEOUT_S, Program
from deploy.embedded.state import Stack

HEAP = "-Xmx448m"

LOG4J = """\
status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class Kafka:
    """`kafka.Kafka` on `$AXIOM_HOME/kafka`."""

    name = "kafka"

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"clients": ports.kafka, "controller": ports.kafka_controller}

    def prepare(self, stack: Stack) -> None:
        folder = stack.layout.data(self.name)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        config = folder / "server.properties"
        config.write_text(properties(folder / "data", stack.layout.ports))
        (folder / "log4j2.properties").write_text(LOG4J)
        options = [
            HEAP,
            "-XX:MaxGCPauseMillis=20",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
            *share_classes(self.name, folder),
        ]
        main = ["kafka.Kafka", str(config)]
        (folder / "java.args").write_text(argument_file(self.name, options, main))
        if not (folder / "data" / "meta.properties").exists():
            _format(folder, config)

    def program(self, stack: Stack) -> Program:
        folder = stack.layout.data(self.name)
        command = (str(java()), f"@{folder / 'java.args'}")
        return Program(self.name, command, directory=folder, stop_wait_s=JAVA_STOP_WAIT_S)

    def probe(self, stack: Stack) -> str:
        """A metadata request: the broker answers it with itself once the controller has admitted it."""
        try:
            brokers = _brokers(stack.layout.ports.kafka)
        except (OSError, struct.error) as error:
            raise StoreDown(f"Kafka does not answer: {error}") from error
        if not brokers:
            raise StoreDown("Kafka is up but its broker is not yet admitted by the controller")
        return "broker admitted"


def properties(data: Path, ports: Ports) -> str:
    """server.properties.

    A dead member of a group (KIP-848) is replaced after 6 s; a broker that was killed gets back in after 4 s,
    when the session of its former life has ended.
    """
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{ports.kafka_controller}",
        "listeners": f"PLAINTEXT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.kafka_controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.kafka}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 10,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 10,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 10,
        "group.initial.rebalance.delay.ms": 0,
        "group.consumer.session.timeout.ms": 6000,
        "group.consumer.min.session.timeout.ms": 6000,
        "group.consumer.heartbeat.interval.ms": 2000,
        "group.consumer.min.heartbeat.interval.ms": 2000,
        "broker.session.timeout.ms": 4000,
        "broker.heartbeat.interval.ms": 1000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 4,
        "log.cleaner.dedupe.buffer.size": 32 * 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _format(folder: Path, config: Path) -> None:
    # It may begin with a dash, so it is passed with an equals sign.
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    args = folder / "format.args"
    args.write_text(
        argument_file(
            "kafka",
            ["-Xmx128m", f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"],
            ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(config)],
        )
    )
    done = subprocess.run([java(), f"@{args}"], capture_output=True, text=True)
    if done.returncode:
        raise Permanent(f"Kafka's storage can't be made in {folder}:\n{done.stdout}{done.stderr}")
    args.unlink()


def _brokers(port: int) -> int:
    """How many brokers the cluster's metadata names (Metadata request, version 4, of no topic)."""
    client = b"axiom-up"
    header = struct.pack(">hhih", 3, 4, 1, len(client)) + client
    request = header + struct.pack(">i?", 0, False)
    with socket.create_connection((HOST, port), PROBE_TIMEOUT_S) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            (size,) = struct.unpack(">i", answer.read(4))
            # correlation id, throttle time, then the array of brokers
            body = answer.read(size)
    count: int = struct.unpack_from(">i", body, 8)[0]
    return count
