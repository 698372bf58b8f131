"""The folder that holds backups: one appears whole or not at all, and is checked before it is used.

.axiom-backups/axiom-20261126T021500Z/   manifest.json SHA256SUMS topics/… control/…
.axiom-backups/.axiom-…                  one that is being made, or was cut off; the next one deletes it
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from axiom.backup.manifest import Manifest, parse
from axiom.backup.retention import to_forget
from axiom.errors import Misconfigured, Permanent, Transient

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
_NAME = re.compile(r"axiom-\d{8}T\d{6}Z")
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")
Checked = Callable[[int, int], None]
"""Told how many of how many files are checked."""


@dataclass(frozen=True)
class Backup:
    """A whole backup: its folder, what it says of itself, and the sha256 of each file."""

    folder: Path
    manifest: Manifest
    sums: dict[str, str]

    @property
    def size_bytes(self) -> int:
        """What its files take; those that it shares with other backups too."""
        return sum((self.folder / path).stat().st_size for path in self.sums)

    def file(self, path: str) -> Path:
        """A file of it."""
        return self.folder / path

    def check(self, checked: Checked | None = None) -> None:
        """Compare every file with its sha256.

        Raises:
            Permanent: one is missing or is not what was written.
        """
        for number, (path, expected) in enumerate(sorted(self.sums.items()), 1):
            found = sha256(self.folder / path)
            if found != expected:
                what = "is missing" if found is None else "was changed or is damaged: its sha256 differs"
                raise Permanent(f"{self.folder / path} {what}; take another backup (`axiom backup list`)")
            if checked:
                checked(number, len(self.sums))


def sha256(path: Path) -> str | None:
    """Of a file's bytes, in hex; None where there is no file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def open_backup(folder: Path) -> Backup:
    """A backup by its folder; its files are compared with their sums by `Backup.check`.

    Raises:
        Misconfigured: there is none, or a newer Axiom made it.
        Permanent: it is not whole.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise Misconfigured(f"{folder} is no backup: it has no {Path(error.filename).name}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Permanent(f"{folder} can't be read: {error}") from error
    manifest = parse(text, str(folder / MANIFEST))
    found = [_SUM.fullmatch(line) for line in lines]
    sums = {match[2]: match[1] for match in found if match}
    if None in found or sums.keys() != {MANIFEST, *manifest.paths()}:
        raise Permanent(f"{folder / SUMS} does not name the files of the backup: it was cut off or changed")
    return Backup(folder, manifest, sums)


def kept(place: Path) -> list[Backup]:
    """The backups of a folder that are whole as far as their lists tell, the newest first."""
    found: list[Backup] = []
    for folder in sorted(place.glob("axiom-*"), reverse=True) if place.is_dir() else ():
        if _NAME.fullmatch(folder.name):
            try:
                found.append(open_backup(folder))
            except (Misconfigured, Permanent):
                continue
    return found


def forget(place: Path, daily: int, weekly: int) -> list[Path]:
    """Delete the backups that need not stay (see `retention`); returns their folders.

    One that is not whole is left to a person.
    """
    by_moment = {one.manifest.made_at: one.folder for one in kept(place)}
    gone = [by_moment[moment] for moment in sorted(to_forget(by_moment, daily, weekly))]
    for folder in gone:
        hidden = folder.with_name(f".{folder.name}")  # never seen half deleted
        folder.rename(hidden)
        shutil.rmtree(hidden)
    return gone


def name_of(moment: datetime) -> str:
    """What a backup of that moment is called."""
    return f"axiom-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@contextmanager
def being_made(place: Path, name: str) -> Iterator[Path]:
    """A folder to fill, that gets its name at the end, or is deleted by an exception.

    Raises:
        Transient: another backup is being made in the same place.
        Misconfigured: the place can't be written to.
    """
    if not _NAME.fullmatch(name):
        raise Misconfigured(f"a backup can't be called {name!r}")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (place / ".lock").open("w")
    except OSError as error:
        raise Misconfigured(
            f"backups can't be kept in {place}: {error.strerror}; choose another folder with --to or "
            f"AXIOM_BACKUP_FOLDER"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Transient(f"another backup is being made in {place}", retry_after_s=60) from error
        for left in place.glob(".axiom-*"):
            shutil.rmtree(left)
        unfinished, finished = place / f".{name}", place / name
        if finished.exists():
            raise Transient(f"there is a backup of this very second: {finished}", retry_after_s=1)
        unfinished.mkdir(mode=0o700)
        try:
            yield unfinished
            _sync(unfinished)
            unfinished.rename(finished)
            _sync_folder(place)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


def seal(folder: Path, manifest: Manifest, sums: dict[str, str]) -> None:
    """Write the manifest, and the sums of every file (`sha256sum -c SHA256SUMS` understands them)."""
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    every = {**sums, MANIFEST: sha256(folder / MANIFEST) or ""}
    lines = "".join(f"{value}  {path}\n" for path, value in sorted(every.items()))
    (folder / SUMS).write_text(lines, encoding="utf-8")


def _sync(folder: Path) -> None:
    """Everything is on the disk before the folder gets its name."""
    for root, _, files in os.walk(folder):
        for name in files:
            with (Path(root) / name).open("rb") as file:
                os.fsync(file.fileno())
        _sync_folder(Path(root))


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
