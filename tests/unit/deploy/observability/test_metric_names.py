"""The names of all metrics keep Prometheus' conventions, and rules ask for no others.

Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

import pytest
from prometheus_client import REGISTRY
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from tests.unit.deploy.observability.rules_file import ROOT, alerts, records, run

pytestmark = pytest.mark.unit

# A gauge ends in its unit, in what it counts, or says what is so while it is 1.
UNITS = {"seconds", "bytes", "ratio", "usd", "records"}
SUFFIXES = r"_(total|bucket|sum|count|created)$"


def ours() -> Iterable[Metric]:
    """Every metric that the library and the services declare."""
    for path in [*(ROOT / "libs").rglob("metrics.py"), *(ROOT / "services").rglob("metrics.py")]:
        parts = path.with_suffix("").relative_to(ROOT).parts
        importlib.import_module(".".join(parts[1:] if parts[0] == "libs" else parts))
    return [metric for metric in REGISTRY.collect() if metric.name.startswith("axiom_")]


def test_names_are_plain_and_have_help() -> None:
    for metric in ours():
        assert re.fullmatch(r"axiom(_[a-z0-9]+)+", metric.name)
        assert metric.documentation.strip()
        assert not metric.documentation.endswith(".")


def test_a_histogram_ends_in_its_unit() -> None:
    for metric in ours():
        if metric.type == "histogram":
            assert metric.name.rpartition("_")[2] in UNITS, metric.name


def test_no_name_says_a_unit_that_is_not_a_base_unit() -> None:
    wrong = {
        "ms",
        "milliseconds",
        "minutes",
        "hours",
        "days",
        "percent",
        "kb",
        "mb",
        "cents",
        "counter",
        "gauge",
    }
    for metric in ours():
        assert not wrong & set(metric.name.split("_")), metric.name


def test_promtool_finds_nothing_to_complain_about() -> None:
    list(ours())
    lines = generate_latest(REGISTRY).decode().splitlines(keepends=True)
    run("promtool", "check", "metrics", read="".join(line for line in lines if "axiom_" in line))


def test_rules_ask_for_metrics_that_exist() -> None:
    names = {metric.name for metric in ours()}
    for rule in [*alerts(), *records()]:
        for word in re.findall(r"\baxiom_[a-z0-9_]+", rule["expr"]):
            assert {word, re.sub(SUFFIXES, "", word)} & names, word
    recorded = {rule["record"] for rule in records()}
    for rule in alerts():
        assert set(re.findall(r"\baxiom:[a-z0-9_:]+", rule["expr"])) <= recorded
