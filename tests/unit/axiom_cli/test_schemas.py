"""`axiom topics schemas`: what it says of drift, and what it writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from axiom_cli import main, schemas

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the committed schemas in their place."""
    copy = tmp_path / "schemas"
    shutil.copytree(schemas.FOLDER, copy)
    monkeypatch.setattr(schemas, "FOLDER", copy)
    return copy


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main.build(), ["topics", "schemas", *arguments], env={"COLUMNS": "200"})


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "price-updates.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_without_drift_all_is_well(folder: Path) -> None:
    assert run().exit_code == 0
    assert json.loads(run("--check", "--json").output) == []


def test_drift_is_shown_and_written_when_asked_for(folder: Path) -> None:
    edit(folder, '        "1d"\n', '        "1h"\n')  # as if an interval had been added since
    found = run()
    assert found.exit_code == 1
    assert "compatible: interval: takes ['1d'] too" in found.output
    assert run("--write").exit_code == 0
    assert run().exit_code == 0


def test_an_incompatible_change_is_not_written(folder: Path) -> None:
    edit(folder, '        "1d"\n', '        "1d",\n        "1w"\n')  # as if an interval had been taken away
    before = (folder / "price-updates.json").read_text(encoding="utf-8")
    found = run("--write", "--json")
    assert found.exit_code == 1
    assert json.loads(found.output) == [
        {
            "topic": "price-updates", "path": "interval", "change": "no longer takes ['1w']",
            "compatible": False,
        }
    ]  # fmt: skip
    assert (folder / "price-updates.json").read_text(encoding="utf-8") == before
    assert "raise the topic's version" in run("--write").output
