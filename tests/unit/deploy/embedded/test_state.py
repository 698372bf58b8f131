"""Ports, passwords and the file that keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom.errors import Misconfigured
from axiom.settings import KafkaSettings, PostgresSettings, RedisSettings, load
from deploy.embedded import state
from deploy.embedded.layout import SOCKET_PATH_LIMIT, Layout, Ports

pytestmark = pytest.mark.unit


def test_a_new_stack_has_passwords_of_its_own_and_default_ports(tmp_path: Path) -> None:
    first, second = state.choose(tmp_path, None), state.choose(tmp_path, None)
    assert first.layout.ports == Ports(19000)
    assert first.passwords != second.passwords
    assert len(set(vars(first.passwords).values())) == 6


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    saved = state.choose(tmp_path, "31000")
    state.save(saved)
    assert state.find(tmp_path) == saved
    assert state.choose(tmp_path, None) == saved
    assert (tmp_path / "stack.env").stat().st_mode & 0o777 == 0o600


def test_a_kept_stack_moves_when_another_base_is_asked_for(tmp_path: Path) -> None:
    saved = state.choose(tmp_path, "31000")
    state.save(saved)
    moved = state.choose(tmp_path, "32000")
    assert moved.layout.ports.kafka == 32092
    assert moved.passwords == saved.passwords


@pytest.mark.parametrize("base", ["", "abc", "80", "65500", "-1", "1e4"])
def test_a_base_without_room_is_refused(base: str) -> None:
    with pytest.raises(Misconfigured, match="AXIOM_PORT_BASE"):
        state.parse_base(base)


def test_data_without_its_passwords_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(Misconfigured, match="passwords are lost"):
        state.choose(tmp_path, None)


def test_an_incomplete_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text("AXIOM_PORT_BASE=31000\n")
    with pytest.raises(Misconfigured, match="lacks AXIOM_POSTGRES_PASSWORD"):
        state.find(tmp_path)


def test_a_stack_from_before_the_api_gets_tokens(tmp_path: Path) -> None:
    state.save(state.choose(tmp_path, "31000"))
    file = tmp_path / "stack.env"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "_API_" not in line))
    found = state.choose(tmp_path, None)
    assert len(found.passwords.api_viewer) == 40
    assert found.passwords.api_viewer != found.passwords.api_operator


def test_services_read_the_saved_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = state.choose(tmp_path, "31000")
    state.save(stack)
    for name in stack.settings():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AXIOM_HOME", str(tmp_path))
    assert load(KafkaSettings).bootstrap == "127.0.0.1:31092"
    assert load(PostgresSettings).password.get_secret_value() == stack.passwords.postgres
    assert load(RedisSettings).port == 31063


def test_passwords_are_not_printed(tmp_path: Path) -> None:
    stack = state.choose(tmp_path, None)
    assert stack.passwords.postgres not in repr(stack)


def test_a_deep_home_has_its_socket_elsewhere(tmp_path: Path) -> None:
    shallow, deep = Layout(Path("/srv/axiom"), Ports()), Layout(tmp_path / ("x" * 90), Ports())
    assert shallow.socket == Path("/srv/axiom/supervisor.sock")
    assert len(str(deep.socket)) <= SOCKET_PATH_LIMIT
    assert deep.socket != Layout(tmp_path / ("y" * 90), Ports()).socket
