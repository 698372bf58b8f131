from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from axiom.errors import Misconfigured
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, home, load

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine's own; the current folder and AXIOM_HOME are empty ones."""
    for name in list(os.environ):
        if name.startswith("AXIOM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("AXIOM_HOME", str(tmp_path / "home"))


def test_defaults_are_those_of_the_embedded_stack() -> None:
    assert load(KafkaSettings).bootstrap == "127.0.0.1:19092"


def test_each_place_goes_before_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AXIOM_KAFKA_BOOTSTRAP=of-dotenv:1\n")
    assert load(KafkaSettings).bootstrap == "of-dotenv:1"
    (tmp_path / "home" / "stack.env").write_text("AXIOM_KAFKA_BOOTSTRAP=of-the-stack:1\nOTHER=1\n")
    assert load(KafkaSettings).bootstrap == "of-the-stack:1"
    monkeypatch.setenv("AXIOM_KAFKA_BOOTSTRAP", "of-the-environment:1")
    assert load(KafkaSettings).bootstrap == "of-the-environment:1"
    monkeypatch.setenv("AXIOM_KAFKA_BOOTSTRAP", "")
    assert load(KafkaSettings).bootstrap == "of-the-stack:1", "an empty variable is none"


def test_a_password_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "two" / "axiom_postgres_password").write_text("from a file")
    monkeypatch.setenv("AXIOM_SECRETS_DIR", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    assert load(PostgresSettings).password.get_secret_value() == "from a file"


def test_there_is_no_default_password() -> None:
    with pytest.raises(Misconfigured, match="AXIOM_POSTGRES_PASSWORD: Field required"):
        load(PostgresSettings)


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXIOM_SERVICE_HEALTH_PORT", "99999")
    monkeypatch.setenv("AXIOM_SERVICE_WATCHDOG_S", "soon")
    with pytest.raises(Misconfigured) as said:
        load(ServiceSettings)
    assert "AXIOM_SERVICE_HEALTH_PORT" in str(said.value)
    assert "AXIOM_SERVICE_WATCHDOG_S" in str(said.value)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXIOM_POSTGRES_PASSWORD", "hunter2")
    assert "hunter2" not in repr(load(PostgresSettings))


def test_settings_do_not_change() -> None:
    settings = load(KafkaSettings)
    with pytest.raises(ValidationError):
        settings.bootstrap = "elsewhere:1"


def test_home_is_where_it_is_said_or_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert home() == tmp_path / "home"
    monkeypatch.delenv("AXIOM_HOME")
    assert home() == tmp_path / ".axiom"
