"""Jars are fetched once, and only the locked bytes are kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from axiom.errors import Permanent, Transient
from deploy.embedded import jars
from deploy.embedded.jars import Jar

pytestmark = pytest.mark.unit

CONTENT = b"not really a jar"


@pytest.fixture
def maven(tmp_path: Path) -> str:
    """A Maven repository with one jar, as a URL."""
    file = tmp_path / "maven" / "org" / "one.jar"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return f"{(tmp_path / 'maven').as_uri()}/"


def jar(content: bytes = CONTENT, path: str = "org/one.jar") -> Jar:
    return Jar(path, len(content), hashlib.sha256(content).hexdigest())


def test_a_fetched_jar_is_kept_in_the_cache(tmp_path: Path, maven: str) -> None:
    jars.fetch([jar()], tmp_path / "cache", maven)
    assert jar().cached(tmp_path / "cache").read_bytes() == CONTENT


def test_other_bytes_than_the_lock_s_are_refused_and_not_kept(tmp_path: Path, maven: str) -> None:
    wanted = jar(b"the real content")
    with pytest.raises(Permanent, match="sha256 differs"):
        jars.fetch([wanted], tmp_path / "cache", maven)
    assert not wanted.cached(tmp_path / "cache").exists()


def test_a_repository_that_is_down_is_named(
    tmp_path: Path, maven: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "ATTEMPTS", 1)
    with pytest.raises(Transient, match=r"absent.jar can't be fetched"):
        jars.fetch([jar(path="org/absent.jar")], tmp_path / "cache", maven)


def test_missing_are_those_that_are_absent_or_cut_short(tmp_path: Path) -> None:
    everything = jars.missing(tmp_path)
    assert {one.sha256 for one in everything} == {
        one.sha256 for group in jars.locked().values() for one in group
    }
    cut = everything[0].cached(tmp_path)
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"x")
    assert everything[0] in jars.missing(tmp_path)


def test_the_lock_has_what_the_servers_start_from() -> None:
    names = {server: {one.path for one in group} for server, group in jars.locked().items()}
    assert any("kafka_2.13-4.3.1.jar" in path for path in names["kafka"])
    assert any("log4j-slf4j-impl" in path for path in names["kafka"])
    assert any("neo4j-server-5.26.30.jar" in path for path in names["neo4j"])
