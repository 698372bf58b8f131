"""What the project is built of: locked, hashed, from one registry, and told by a bill of materials."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT

pytestmark = pytest.mark.unit

LOCK: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
FOREIGN = [package for package in LOCK["package"] if "editable" not in package["source"]]


def uv(*arguments: str) -> str:
    """Run uv as the Makefile does, without the network.

    Raises:
        AssertionError: it fails; with what it says.
    """
    program = ROOT / ".uv/bin/uv"
    found = str(program) if program.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("uv is not installed: `make ready` gets it")
    done = subprocess.run([found, *arguments, "--offline"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lock_file_says_what_the_project_asks_for() -> None:
    uv("lock", "--check")


def test_every_locked_file_has_a_hash_and_comes_from_the_registry() -> None:
    assert len(FOREIGN) > 100
    for package in FOREIGN:
        assert package["source"] == {"registry": "https://pypi.org/simple"}, package["name"]
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, f"{package['name']}: nothing to install"
        for file in files:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]), f"{package['name']}: {file}"


def test_an_export_can_be_installed_with_hashes_demanded() -> None:
    """`pip install --require-hashes` refuses a file with one line that has none."""
    exported = uv(
        "export", "--frozen", "--no-default-groups", "--no-emit-project", "--format", "requirements.txt"
    )
    joined = exported.replace("\\\n", " ")
    requirements = [line for line in joined.splitlines() if re.match(r"[a-zA-Z0-9]", line)]
    assert len(requirements) > 50
    for line in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,0-9-]+\])?==\S+", line), line
        assert "--hash=sha256:" in line, line


def test_the_bill_of_materials_names_every_locked_package(tmp_path: Path) -> None:
    """The command of `make sbom`, to another file."""
    [command] = re.findall(r"uv (export .*cyclonedx1\.5.*?) --output-file", (ROOT / "Makefile").read_text())
    uv(*command.split(), "--output-file", str(tmp_path / "sbom.json"))
    sbom = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    told = {(component["name"], component["version"]) for component in sbom["components"]}
    assert told >= {(package["name"], package["version"]) for package in FOREIGN}
    assert all(component["purl"].startswith("pkg:pypi/") for component in sbom["components"])


def test_the_java_servers_jars_are_locked_with_hashes() -> None:
    jars = json.loads((ROOT / "deploy/embedded/jars.lock.json").read_text(encoding="utf-8"))
    hashes = re.findall(r"\b[0-9a-f]{64}\b", json.dumps(jars))
    assert len(hashes) > 50


def test_no_secret_is_committed() -> None:
    """Names and shapes of keys, in every file that git keeps."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    files = [ROOT / name for name in kept.decode().split("\0") if name]
    assert not [file for file in files if file.name in {".env", "stack.env"}]
    shape = re.compile(rb"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{40,}|AKIA[0-9A-Z]{16}|-{5}BEGIN [A-Z ]*PRIVATE KEY")
    assert not [file.name for file in files if file.is_file() and shape.search(file.read_bytes())]
