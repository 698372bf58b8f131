"""Java programs' jars: locked by sha256, fetched from Maven Central once, kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from axiom.errors import Permanent, Transient
from deploy.embedded.layout import cache_dir

MAVEN_CENTRAL = "https://repo1.maven.org/maven2/"
LOCK = Path(__file__).with_name("jars.lock.json")
DOWNLOADS_AT_ONCE = 8
ATTEMPTS = 4


@dataclass(frozen=True)
class Jar:
    """One file on Maven Central."""

    path: str
    size_bytes: int
    sha256: str

    def cached(self, cache: Path) -> Path:
        """Where the cache keeps it, under its content's name: two versions of a lock never collide."""
        return cache / "jars" / self.sha256[:16] / self.path.rsplit("/", 1)[1]


@cache
def locked(lock: Path = LOCK) -> dict[str, tuple[Jar, ...]]:
    """Program → its jars, in class path order; without `lock` the servers'."""
    return {name: tuple(Jar(**jar) for jar in jars) for name, jars in json.loads(lock.read_text()).items()}


def class_path(program: str, lock: Path = LOCK) -> str:
    """The Java class path of one program, out of the cache."""
    folder = cache_dir()
    return os.pathsep.join(str(jar.cached(folder)) for jar in locked(lock)[program])


def missing(cache: Path, lock: Path = LOCK) -> list[Jar]:
    """What has still to be fetched; a file was checked when it came, so its size suffices here."""
    jars = {jar.sha256: jar for program in locked(lock).values() for jar in program}
    return [jar for jar in jars.values() if not _is_there(jar.cached(cache), jar.size_bytes)]


def fetch(jars: Iterable[Jar], cache: Path, source: str = MAVEN_CENTRAL) -> None:
    """Download and check `jars`, several at once, with a progress bar.

    Raises:
        Transient: Maven Central can't be reached.
        Permanent: it gave other bytes than the lock names.
    """
    wanted = list(jars)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as progress, ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        total = sum(jar.size_bytes for jar in wanted)
        bar = progress.add_task(f"Fetching {len(wanted)} jars", total=total)
        futures = [pool.submit(_fetch_one, jar, cache, source) for jar in wanted]
        try:
            for future in as_completed(futures):
                progress.advance(bar, future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch_one(jar: Jar, cache: Path, source: str) -> int:
    attempts = Retrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=8),
        reraise=True,
    )
    content = attempts(_download, source + jar.path)
    if hashlib.sha256(content).hexdigest() != jar.sha256:
        raise Permanent(
            f"{source}{jar.path} is not the file that its lock names (sha256 differs): "
            "something between here and Maven Central changes downloads"
        )
    target = jar.cached(cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(target)
    return len(content)


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the https constant above
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError) as error:
        raise Transient(f"{url} can't be fetched: {error}. Is the network up? Try again.") from error


def _is_there(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False
