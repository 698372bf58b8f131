"""The secrets writer: random, once, readable by owner and group alone, whole or absent."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deploy.docker.write_secrets import API_TOKENS, SERVER_FORMS, main, password_file, write_once

pytestmark = pytest.mark.unit


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_every_server_gets_a_password_of_its_own_and_its_forms_carry_it(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    written = contents(tmp_path)
    passwords = [written[f"{server}/{password_file(server)}"] for server in SERVER_FORMS]
    assert len(set(passwords)) == len(SERVER_FORMS)
    assert all(len(password) == 64 and password.isalnum() for password in passwords)
    assert written["neo4j/neo4j_auth"] == f"neo4j/{written['neo4j/axiom_neo4j_password']}"
    assert written["redis/redis.conf"] == f"requirepass {written['redis/axiom_redis_password']}\n"


def test_the_api_gets_two_tokens(tmp_path: Path) -> None:
    main([str(tmp_path)])
    tokens = {(tmp_path / "api" / name).read_text() for name in API_TOKENS}
    assert [len(token) for token in tokens] == [64, 64]


def test_a_second_run_changes_nothing_and_prints_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path)])
    first = contents(tmp_path)
    assert main([str(tmp_path)]) == 0
    assert contents(tmp_path) == first
    printed = capsys.readouterr().out
    assert "password kept" in printed
    assert not [text for text in first.values() if text.strip() in printed]


def test_a_form_lost_half_way_is_made_again_from_the_same_password(tmp_path: Path) -> None:
    main([str(tmp_path)])
    first = contents(tmp_path)
    (tmp_path / "neo4j/neo4j_auth").unlink()
    main([str(tmp_path)])
    assert contents(tmp_path) == first


def test_nobody_else_may_read_and_nobody_may_write(tmp_path: Path) -> None:
    main([str(tmp_path)])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o440}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in files} == {0o750}


def test_write_once_keeps_what_is_there_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert write_once(path, "first")
    assert not write_once(path, "second")
    assert contents(tmp_path) == {"secret": "first"}
