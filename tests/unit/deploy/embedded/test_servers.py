"""The servers' configuration files: what must stand in them, without starting anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.embedded import state
from deploy.embedded.layout import Ports
from deploy.embedded.servers import MONITORS, SERVERS
from deploy.embedded.servers import kafka as kafka_server
from deploy.embedded.servers.postgres import drop_stale_pid_file
from deploy.embedded.servers.redis import Redis

pytestmark = pytest.mark.unit


def test_no_two_servers_share_a_port() -> None:
    servers = (*SERVERS, *MONITORS)
    ports = [port for server in servers for port in server.ports(Ports(31000)).values()]
    assert sorted(ports) == [31054, 31063, 31074, 31080, 31087, 31090, 31092, 31093, 31094]


def test_kafka_listens_on_loopback_and_makes_no_topic_by_itself(tmp_path: Path) -> None:
    lines = kafka_server.properties(tmp_path, Ports(31000)).splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:31092,CONTROLLER://127.0.0.1:31093" in lines
    assert "auto.create.topics.enable=false" in lines
    assert "group.consumer.session.timeout.ms=6000" in lines


def test_the_pid_file_of_a_dead_postgres_goes_when_another_program_has_its_number(tmp_path: Path) -> None:
    file = tmp_path / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n/some/data\n")
    drop_stale_pid_file(file)
    assert not file.exists()


def test_the_pid_file_of_a_postgres_that_is_gone_is_left_to_it(tmp_path: Path) -> None:
    file = tmp_path / "postmaster.pid"
    file.write_text("999999999\n/some/data\n")
    drop_stale_pid_file(file)
    assert file.exists()
    drop_stale_pid_file(tmp_path / "absent")


def test_redis_s_password_stands_in_a_private_file_and_not_on_its_command_line(tmp_path: Path) -> None:
    stack = state.choose(tmp_path, "31000")
    Redis().prepare(stack)
    config = tmp_path / "redis" / "redis.conf"
    assert f"requirepass {stack.passwords.redis}\n" in config.read_text()
    assert "appendonly yes\n" in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o600
    assert stack.passwords.redis not in " ".join(Redis().program(stack).command)
