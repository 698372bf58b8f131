"""A stop ends a service in time, whatever holds on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

HOLDS_ON = """
import asyncio, sys, threading
from axiom.runtime import service
service._STOP_S = 0.2

def make_work(settings):
    async def work(health, stop):
        print("at work", flush=True)
        await stop.wait()
        await asyncio.to_thread(threading.Event().wait)
    return work

sys.exit(service.run_service("a-service", make_work))
"""


def test_what_does_not_let_go_is_left_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_ON],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "AXIOM_SERVICE_HEALTH_PORT": "0"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while "at work" not in (line := process.stdout.readline()):
            assert line, "it ended by itself"
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        assert process.wait() == 0
    assert "stop_cut_short" in said
