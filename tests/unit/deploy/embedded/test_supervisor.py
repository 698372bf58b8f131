"""supervisord's configuration."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from deploy.embedded.layout import Layout, Ports
from deploy.embedded.servers.port import Program
from deploy.embedded.supervisor import Supervisor, render

pytestmark = pytest.mark.unit


def rendered(layout: Layout, *programs: Program) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read_string(render(layout, programs))
    return parser


def test_each_program_is_kept_with_a_rotated_log(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Ports())
    program = Program("redis", ("/opt/with space/redis-server", "redis.conf"), tmp_path, {"A": "b c"})
    section = rendered(layout, program)["program:redis"]
    assert section["command"] == "'/opt/with space/redis-server' redis.conf"
    assert section["environment"] == 'A="b c"'
    assert section["stdout_logfile"] == str(tmp_path / "logs" / "redis.log")
    assert section["stdout_logfile_maxbytes"] == "10MB"
    assert section["autorestart"] == "true"
    assert "user" not in section


def test_a_program_may_run_as_another_user_and_stop_its_own_way(tmp_path: Path) -> None:
    program = Program("postgres", ("postgres",), tmp_path, user="nobody", stop_signal="INT", stop_wait_s=7)
    section = rendered(Layout(tmp_path, Ports()), program)["program:postgres"]
    assert (section["user"], section["stopsignal"], section["stopwaitsecs"]) == ("nobody", "INT", "7")


def test_only_the_owner_may_talk_to_it(tmp_path: Path) -> None:
    assert rendered(Layout(tmp_path, Ports()))["unix_http_server"]["chmod"] == "0700"


def test_without_a_socket_it_is_not_running(tmp_path: Path) -> None:
    assert not Supervisor(Layout(tmp_path, Ports())).running()


def test_its_configuration_is_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Ports())
    Supervisor(layout).configure([])
    assert layout.supervisor_config.stat().st_mode & 0o777 == 0o600
