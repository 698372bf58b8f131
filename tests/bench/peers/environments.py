"""Each peer's own environment, Python or Java, made from its locked list of packages."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from axiom.errors import Misconfigured
from deploy.embedded import jars
from deploy.embedded.java import java
from deploy.embedded.layout import cache_dir
from tests.stack import ROOT

LOCKED = Path(__file__).parent / "locked"
CONNECT = "connect"
_JARS = LOCKED / f"{CONNECT}.lock.json"
_DONE = "axiom-complete"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment; the first call makes it in the cache.

    `locked/<peer>.in` names the packages; `uv pip compile locked/<peer>.in -o locked/<peer>.txt
    --python-version 3.11 --no-annotate --no-header` locks them anew.

    Kafka Connect is Java: any Python can watch it.

    Raises:
        Misconfigured: it can't be made here.
    """
    if peer == CONNECT:
        return Path(sys.executable)
    locked = LOCKED / f"{peer}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = hashlib.blake2b(locked.read_bytes() + version.encode(), digest_size=6).hexdigest()
    home = cache_dir() / "peers" / f"{peer}-{mark}"
    python = home / "bin" / "python"
    if not (home / _DONE).exists():
        uv = _uv()
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), "--requirement", str(locked))
        (home / _DONE).touch()
    return python


def variables_of(peer: str) -> dict[str, str]:
    """What its script has to be told of the environment; the first call fetches Kafka Connect's jars."""
    if peer != CONNECT:
        return {}
    if absent := jars.missing(cache_dir(), _JARS):
        jars.fetch(absent, cache_dir())
    return {"CONNECT_JAVA": str(java()), "CONNECT_CLASS_PATH": jars.class_path(CONNECT, _JARS)}


def version_of(peer: str, package: str) -> str:
    """The locked version of one of its packages."""
    if peer == CONNECT:
        paths = [jar.path for jar in jars.locked(_JARS)[CONNECT]]
        [version] = [found[1] for path in paths if (found := re.search(rf"/{package}/([^/]+)/", path))]
        return version
    for line in (LOCKED / f"{peer}.txt").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version
    raise Misconfigured(f"{package} is not locked for {peer}")


def _uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        raise Misconfigured("uv is not here: run `make ready`")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Misconfigured(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
