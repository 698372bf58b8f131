"""What every test has: the `stack` fixture, and no socket in unit tests."""

from __future__ import annotations

import pytest
import pytest_socket

pytest_plugins = ["tests.stack"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("unit"):
        # asyncio's event loops talk to themselves through a Unix socket pair.
        pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    if item.get_closest_marker("unit"):
        pytest_socket.enable_socket()
