"""The alerting rules and their tests as plain data."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[4]
PROMETHEUS = ROOT / "deploy/observability/prometheus"
RULE_TESTS = sorted((Path(__file__).parent / "rules").glob("*.yml"))


def alerts() -> list[dict[str, Any]]:
    """Every alerting rule."""
    return [rule for group in _groups("alerts.yml") for rule in group["rules"]]


def records() -> list[dict[str, Any]]:
    """Every recording rule."""
    return [rule for group in _groups("records.yml") for rule in group["rules"]]


def checks() -> Iterator[dict[str, Any]]:
    """Every check of every rule test."""
    for file in RULE_TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            yield from test["alert_rule_test"]


def run(program: str, *arguments: str, read: str | None = None) -> str:
    """What a program of Prometheus or Alertmanager prints; the test is skipped where there is none.

    `read` is what it finds on its standard input.
    """
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine (Debian: prometheus, prometheus-alertmanager)")
    command = [program, *arguments]
    done = subprocess.run(command, input=read, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _groups(name: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / name).read_text())["groups"]
    return groups
