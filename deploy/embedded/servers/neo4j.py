"""Neo4j Community."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from axiom.errors import Permanent, StoreDown
from deploy.embedded.java import argument_file, java, share_classes
from deploy.embedded.layout import Ports
from deploy.embedded.servers.port import HOST, JAVA_STOP_WAIT_S, PROBE_TIMEOUT_S, Program
from deploy.embedded.state import Stack, write_private

CONFIG = """\
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{bolt}
server.bolt.advertised_address=127.0.0.1:{bolt}
server.http.listen_address=127.0.0.1:{http}
server.http.advertised_address=127.0.0.1:{http}
server.https.enabled=false
server.directories.data={folder}/data
server.directories.logs={folder}/logs
server.directories.import={folder}/import
server.directories.transaction.logs.root={folder}/data/transactions
server.memory.pagecache.size=128m
db.tx_log.rotation.retention_policy=keep_none
dbms.usage_report.enabled=false
internal.server.bolt.connection_shutdown_wait_time=1s
internal.server.bolt.thread_pool_shutdown_wait_time=1s
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
"""

# To the console, which the supervisor writes to a file and rotates; debug.log rotates by itself.
USER_LOG = """\
<Configuration status="ERROR">
  <Appenders>
    <Console name="console" target="SYSTEM_OUT">
      <PatternLayout pattern="%d{yyyy-MM-dd HH:mm:ss.SSS'Z'}{UTC} %-5p %m%n"/>
    </Console>
  </Appenders>
  <Loggers><Root level="INFO"><AppenderRef ref="console"/></Root></Loggers>
</Configuration>
"""

# Netty's and the page cache's access to the JDK's insides, as the published distribution grants it.
JVM = (
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-XX:+ExitOnOutOfMemoryError",
)


class Neo4j:
    """The community server on `$AXIOM_HOME/neo4j`."""

    name = "neo4j"

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"bolt": ports.neo4j_bolt, "http": ports.neo4j_http}

    def prepare(self, stack: Stack) -> None:
        folder, ports = stack.layout.data(self.name), stack.layout.ports
        for part in ("conf", "data", "logs", "import", "plugins"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        config = CONFIG.format(bolt=ports.neo4j_bolt, http=ports.neo4j_http, folder=folder)
        write_private(folder / "conf" / "neo4j.conf", config)
        (folder / "conf" / "user-logs.xml").write_text(USER_LOG)
        (folder / "java.args").write_text(
            argument_file(
                self.name,
                ["-Xmx512m", *share_classes(self.name, folder), *JVM],
                [
                    "org.neo4j.server.CommunityEntryPoint",
                    "--console-mode",
                    f"--home-dir={folder}",
                    f"--config-dir={folder / 'conf'}",
                ],
            )
        )
        if not (folder / "data" / "dbms").exists():
            _set_initial_password(folder, stack.passwords.neo4j)

    def program(self, stack: Stack) -> Program:
        folder = stack.layout.data(self.name)
        return Program(
            self.name,
            (str(java()), f"@{folder / 'java.args'}"),
            directory=folder,
            stop_wait_s=JAVA_STOP_WAIT_S,
            environment={"NEO4J_HOME": str(folder), "NEO4J_CONF": str(folder / "conf")},
        )

    def probe(self, stack: Stack) -> str:
        """A Cypher query through HTTP, which starts after Bolt does."""
        url = f"http://{HOST}:{stack.layout.ports.neo4j_http}/db/neo4j/tx/commit"
        token = base64.b64encode(f"neo4j:{stack.passwords.neo4j}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        query = {"statement": "CALL dbms.components() YIELD versions RETURN versions[0]"}
        body = json.dumps({"statements": [query]}).encode()
        request = urllib.request.Request(url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S) as reply:  # noqa: S310
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(300).decode(errors="replace")
            raise StoreDown(f"Neo4j answers {error.code}: {said}") from error
        except (OSError, ValueError) as error:
            raise StoreDown(f"Neo4j does not answer: {error}") from error
        if answer["errors"]:
            raise StoreDown(f"Neo4j answers {answer['errors'][0]['message']}")
        return f"Neo4j {answer['results'][0]['data'][0]['row'][0]}"


def _set_initial_password(folder: Path, password: str) -> None:
    """`neo4j-admin dbms set-initial-password`, its argument in a private file."""
    secret, args = folder / ".password", folder / "password.args"
    write_private(secret, password)
    main = ["org.neo4j.cli.AdminTool", "dbms", "set-initial-password", f"@{secret}"]
    args.write_text(argument_file("neo4j", ["-Xmx128m"], main))
    environment = {**os.environ, "NEO4J_HOME": str(folder), "NEO4J_CONF": str(folder / "conf")}
    try:
        done = subprocess.run([java(), f"@{args}"], env=environment, capture_output=True, text=True)
    finally:
        secret.unlink()
        args.unlink()
    if done.returncode:
        raise Permanent(f"Neo4j's first password can't be set:\n{done.stdout}{done.stderr}")
