"""What every test has: the `stack` fixture, and no socket in unit tests."""

from __future__ import annotations

import signal

import hypothesis
import pytest
import pytest_socket

pytest_plugins = ["tests.stack"]
hypothesis.settings.register_profile("quick", max_examples=10)


def pytest_configure() -> None:
    # A shell without job control starts what it puts in the background with SIGINT ignored, and so would be
    # the processes that tests interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("unit"):
        # asyncio's event loops talk to themselves through a Unix socket pair.
        pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    if item.get_closest_marker("unit"):
        pytest_socket.enable_socket()
