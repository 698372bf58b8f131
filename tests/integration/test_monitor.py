"""`axiom monitor` on a real stack: once, as JSON, and live in a terminal until Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from axiom.bus.kafka import KafkaAdmin
from axiom_cli import main
from tests.stack import ROOT, WAIT_S, StackUnderTest, wait_until
from topics import all_topics

pytestmark = pytest.mark.integration
OTHER_SCREEN, FIRST_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.fixture
def env(stack: StackUnderTest) -> Mapping[str, str]:
    """A stack whose topics are there."""
    KafkaAdmin(stack.env["AXIOM_KAFKA_BOOTSTRAP"]).create(all_topics().values())
    return stack.env


def once() -> tuple[int, Any]:
    """Exit code and facts of `axiom monitor --once --json`; in this process, as loading it takes seconds."""
    done = CliRunner().invoke(main.build("monitor"), ["monitor", "--once", "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_once_as_json_tells_servers_and_topics(env: Mapping[str, str]) -> None:
    # Servers that another test has killed may still be coming up.
    wait_until("every server is healthy", lambda: once()[0] == 0, 2 * WAIT_S)
    code, found = once()
    assert (code, found["healthy"], found["problems"]) == (0, True, {})
    assert {part["name"] for part in found["parts"]} >= {"kafka", "postgres", "redis", "neo4j", "chroma"}
    assert {flow["topic"] for flow in found["flows"]} == set(all_topics())
    assert all(flow["records_per_s"] is not None for flow in found["flows"])
    assert found["budget"]["day"]["cap_usd"]


def test_without_a_stack_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXIOM_HOME", str(tmp_path))
    monkeypatch.setenv("AXIOM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("AXIOM_POSTGRES_PORT", "1")
    monkeypatch.setenv("AXIOM_POSTGRES_PASSWORD", "x")
    code, found = once()
    assert (code, found["parts"], found["flows"]) == (1, [], [])
    assert "is not up: run `axiom up`" in found["problems"]["health"]
    assert "127.0.0.1:1 does not answer" in found["problems"]["Kafka"]
    assert "PostgreSQL at 127.0.0.1:1" in found["problems"]["budget"]


def test_live_in_a_terminal_until_ctrl_c(env: Mapping[str, str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "axiom_cli.main", "monitor", "--every", "0.5"],
        env={**os.environ, **env, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
        cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = _read_until(ours, 2, b"healthy")
        assert OTHER_SCREEN in shown
        process.send_signal(signal.SIGINT)
        rest = _read_until(ours, 1, FIRST_SCREEN)
        assert process.wait(WAIT_S) == 0
        assert b"Traceback" not in shown + rest
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(terminal: int, times: int, word: bytes) -> bytes:
    """What the program draws until `word` came `times`."""
    shown, deadline = b"", time.monotonic() + 2 * WAIT_S
    while shown.count(word) < times:
        assert time.monotonic() < deadline, shown[-2000:]
        if select.select([terminal], [], [], 1.0)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError as error:  # Linux's way to say that the other side is closed
                raise AssertionError(shown[-2000:]) from error
    return shown
