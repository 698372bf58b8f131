"""Fetch uv's wheel from PyPI and unpack its program, for a Python without venv and pip.

Usage: `python3 fetch_uv.py VERSION FOLDER`. It runs on any Python 3 with the standard library alone, and
checks the wheel against PyPI's sha256.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

INDEX = "https://pypi.org/pypi/uv/{}/json"


def platform_tags() -> list[str]:
    """Words of a wheel's name that tell it runs here: the C library or system, and the processor."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return ["macosx", machine]
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return [libc, {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)]


def choose(files: list[dict[str, Any]], tags: list[str]) -> dict[str, Any]:
    """The wheel for this machine.

    Raises:
        SystemExit: there is none.
    """
    for file in files:
        if file["filename"].endswith(".whl") and all(tag in file["filename"] for tag in tags):
            return file
    raise SystemExit("PyPI has no uv for this machine ({})".format(" ".join(tags)))


def unpack(wheel: bytes, folder: Path) -> None:
    """Write the wheel's programs into `folder`, ready to run."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name in archive.namelist():
            if ".data/scripts/" in name:
                target = folder / name.rsplit("/", 1)[1]
                target.write_bytes(archive.read(name))
                target.chmod(0o700)


def fetch(url: str) -> bytes:
    """The content of a page of PyPI."""
    with urllib.request.urlopen(url, timeout=300) as answer:  # noqa: S310 - https addresses of PyPI
        content: bytes = answer.read()
        return content


def main() -> None:
    """Fetch, check, unpack."""
    version, folder = sys.argv[1:]
    wheel = choose(json.loads(fetch(INDEX.format(version)))["urls"], platform_tags())
    content = fetch(wheel["url"])
    if hashlib.sha256(content).hexdigest() != wheel["digests"]["sha256"]:
        raise SystemExit("the download of {} is damaged: try again".format(wheel["filename"]))
    unpack(content, Path(folder))


if __name__ == "__main__":
    main()
