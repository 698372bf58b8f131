from __future__ import annotations

from pathlib import Path

import pytest

from axiom.stores.queries import named_queries

pytestmark = pytest.mark.unit


def test_queries_are_told_apart_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("-- take: one\nSELECT 1\n  -- a note\n\n-- load_all: two, three\nSELECT 2;\nSELECT 3\n")
    assert named_queries(file) == {"take": "SELECT 1\n  -- a note", "load_all": "SELECT 2;\nSELECT 3"}


def test_cypher_has_its_own_comments(tmp_path: Path) -> None:
    file = tmp_path / "queries.cypher"
    file.write_text("// a: one\nRETURN 1\n\n// b: two\nRETURN 'http://x'\n")
    assert named_queries(file) == {"a": "RETURN 1", "b": "RETURN 'http://x'"}


def test_a_file_without_names_has_no_queries(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("SELECT 1\n")
    assert named_queries(file) == {}
