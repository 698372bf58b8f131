from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from axiom.backup.folder import being_made, forget, kept, name_of, open_backup
from axiom.errors import AxiomError, Misconfigured, Permanent, Transient
from tests.unit.axiom.backup.samples import MADE_AT, backup_of, broker_of

pytestmark = pytest.mark.unit

NAME = name_of(MADE_AT)


def test_a_backup_is_whole_and_its_sums_are_understood_by_others(tmp_path: Path) -> None:
    backup = backup_of(broker_of(10, 0, 3), tmp_path)
    backup.check()
    assert [one.folder for one in kept(tmp_path)] == [tmp_path / NAME]
    assert backup.manifest.records == 13
    sha256sum = shutil.which("sha256sum")
    if sha256sum:
        subprocess.run([sha256sum, "--quiet", "-c", "SHA256SUMS"], cwd=backup.folder, check=True)


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    broker = broker_of(8)
    del broker.logs["price-updates"][0].records[5]
    with pytest.raises(Permanent):
        backup_of(broker, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_kill_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / f".{NAME}"
    left.mkdir()
    (left / "half").write_text("half")
    assert kept(tmp_path) == []
    backup_of(broker_of(1), tmp_path, MADE_AT + timedelta(hours=1))
    assert not left.exists()


def test_one_at_a_time(tmp_path: Path) -> None:
    with being_made(tmp_path, NAME), pytest.raises(Transient, match="another backup"):
        backup_of(broker_of(1), tmp_path, MADE_AT + timedelta(hours=1))


def test_a_place_that_can_not_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="AXIOM_BACKUP_FOLDER"):
        backup_of(broker_of(1), tmp_path / "file" / "below")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _first(folder: Path, pattern: str) -> Path:
    return next(folder.rglob(pattern))


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda folder: _flip(_first(folder, "*.parquet")), Permanent, "sha256 differs"),
        (lambda folder: _flip(_first(folder, "*.copy.gz")), Permanent, "sha256 differs"),
        (lambda folder: _first(folder, "*.parquet").unlink(), Permanent, "is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), Misconfigured, "has no manifest.json"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), Misconfigured, "has no SHA256SUMS"),
        (lambda folder: _cut(folder / "manifest.json"), Permanent, "manifest"),
        (lambda folder: _cut(folder / "SHA256SUMS"), Permanent, "cut off"),
        (lambda folder: _edit(folder, name="other"), Permanent, "sha256 differs"),
        (lambda folder: _edit(folder, format=99), Misconfigured, "newer one"),
        (lambda folder: _edit(folder, tables=[_table("../../etc/passwd")]), Permanent, "no file of a backup"),
        (lambda folder: _edit(folder, topics=[]), Permanent, "does not name the files"),
    ],
)
def test_what_is_torn_or_changed_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], error: type[AxiomError], words: str
) -> None:
    folder = backup_of(broker_of(10), tmp_path).folder
    damage(folder)
    with pytest.raises(error, match=words):
        open_backup(folder).check()


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _table(path: str) -> dict[str, object]:
    return {"name": "x", "path": path, "columns": ["a"], "rows": 0}


def test_old_ones_are_deleted_but_for_days_and_weeks(tmp_path: Path) -> None:
    for days in range(20):
        backup_of(broker_of(1), tmp_path, MADE_AT - timedelta(days=days))
    gone = forget(tmp_path, daily=3, weekly=3)
    stay = [one.manifest.made_at for one in kept(tmp_path)]
    # Thursday the 26th, Wednesday, Tuesday; the Sundays that end the two weeks before.
    assert [moment.day for moment in stay] == [26, 25, 24, 22, 15]
    assert len(gone) == 15
    assert not any(folder.exists() for folder in gone)


def test_a_damaged_one_is_neither_listed_nor_deleted(tmp_path: Path) -> None:
    torn = backup_of(broker_of(1), tmp_path, MADE_AT - timedelta(days=90)).folder
    (torn / "SHA256SUMS").unlink()
    backup_of(broker_of(1), tmp_path)
    assert forget(tmp_path, daily=1, weekly=0) == []
    assert torn.exists()
    assert len(kept(tmp_path)) == 1
