"""Fetch uv's wheel from PyPI and unpack its program, for a Python without venv and pip.

Usage: `python3 fetch_uv.py VERSION FOLDER`. It runs on any Python 3 with the standard library alone, and
checks the wheel against PyPI's sha256.
"""

from __future__ import annotations

import hashlib
import io
import platform
import re
import sys
import urllib.request
import zipfile
from pathlib import Path

INDEX = "https://pypi.org/simple/uv/"
LINK = re.compile(r'href="([^"#]+)#sha256=([0-9a-f]{64})"')


def platform_tags() -> list[str]:
    """Words of a wheel's name that tell it runs here: the C library or system, and the processor."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return ["macosx", machine]
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return [libc, {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)]


def choose(index: str, version: str, tags: list[str]) -> tuple[str, str]:
    """The address and sha256 of the wheel for this machine, out of the index page.

    Raises:
        SystemExit: there is none.
    """
    for url, sha256 in LINK.findall(index):
        name = url.rsplit("/", 1)[1]
        if name.startswith(f"uv-{version}-") and name.endswith(".whl") and all(tag in name for tag in tags):
            return url, sha256
    raise SystemExit(f"PyPI has no uv {version} for this machine ({' '.join(tags)})")


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
    url, sha256 = choose(fetch(INDEX).decode(), version, platform_tags())
    content = fetch(url)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SystemExit(f"the download of {url} is damaged: try again")
    unpack(content, Path(folder))


if __name__ == "__main__":
    main()
