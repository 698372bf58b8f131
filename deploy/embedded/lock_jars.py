"""Resolve `NAME.toml` with Maven into `NAME.lock.json`: `make lock-jars`, on a machine with `mvn`.

    python -m deploy.embedded.lock_jars deploy/embedded/jars.toml

The lock names every jar by its path on Maven Central, its size and its sha256, so that a start needs
neither Maven nor trust in the network.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

from axiom.errors import Misconfigured


def pom(roots: list[str]) -> str:
    """A throw-away Maven project that depends on `roots` (`group:artifact:version`)."""
    dependencies = ""
    for root in roots:
        group, artifact, version = (escape(part) for part in root.split(":"))
        dependencies += (
            f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency>"
        )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>axiom</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )


def resolve(roots: list[str], folder: Path) -> list[Path]:
    """Every runtime jar of `roots`, laid out in `folder` as on Maven Central."""
    (folder / "pom.xml").write_text(pom(roots))
    out = folder / "jars"
    mvn = shutil.which("mvn")
    if mvn is None:
        raise Misconfigured("there is no mvn: install Apache Maven to lock jars")
    subprocess.run(
        [mvn, "-q", "-B", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies",
         "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={out}"],
        check=True,
    )  # fmt: skip
    return sorted(out.rglob("*.jar"))


def entry(jar: Path, root: Path) -> dict[str, str | int]:
    content = jar.read_bytes()
    return {
        "path": jar.relative_to(root).as_posix(),
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def main(roots: Path) -> None:
    """Write the lock beside the file that names the roots."""
    wanted = tomllib.loads(roots.read_text())
    lock: dict[str, list[dict[str, str | int]]] = {}
    for name, spec in wanted.items():
        with tempfile.TemporaryDirectory() as folder:
            jars = resolve(spec["roots"], Path(folder))
            entries = [entry(jar, Path(folder) / "jars") for jar in jars]
        lock[name] = [e for e in entries if not any(str(e["path"]).startswith(d) for d in spec["drop"])]
        if not lock[name]:
            raise Misconfigured(f"Maven found no jar for {name}")
        sys.stdout.write(f"{name}: {len(lock[name])} jars\n")
    roots.with_suffix(".lock.json").write_text(json.dumps(lock, indent=1) + "\n")


if __name__ == "__main__":
    for file in sys.argv[1:]:
        main(Path(file))
