"""Grafana's dashboards: the committed JSON is what the code makes, and asks for what exists."""

from __future__ import annotations

import json
import re

import pytest

from deploy.observability.dashboards.__main__ import BOARDS, files
from deploy.observability.provisioning import DASHBOARDS, DATASOURCE
from tests.unit.deploy.observability.rules_file import records
from tests.unit.deploy.observability.test_metric_names import SUFFIXES, ours

pytestmark = pytest.mark.unit


def test_the_committed_files_are_what_the_code_makes() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}
    assert committed == files(), "run `make dashboards`"


def test_there_are_the_four_groups() -> None:
    assert [board.uid for board in BOARDS] == ["axiom-pipeline", "axiom-graph", "axiom-claude", "axiom-cost"]


def test_every_panel_asks_prometheus_and_lies_on_a_place_of_its_own() -> None:
    for text in files().values():
        places = set()
        for panel in json.loads(text)["panels"]:
            if panel["type"] == "row":
                continue
            assert panel["datasource"] == {"type": "prometheus", "uid": DATASOURCE}
            assert all(target["expr"] for target in panel["targets"])
            places.add((panel["gridPos"]["x"], panel["gridPos"]["y"]))
        assert len(places) == len([one for one in json.loads(text)["panels"] if one["type"] != "row"])


def test_panels_ask_for_metrics_that_exist() -> None:
    names = {metric.name for metric in ours()}
    recorded = {rule["record"] for rule in records()}
    for board in BOARDS:
        for panel in board.panels():
            for expression in panel.lines.values():
                for word in re.findall(r"\baxiom_[a-z0-9_]+", expression):
                    assert {word, re.sub(SUFFIXES, "", word)} & names, word
                assert set(re.findall(r"\baxiom:[a-z0-9_:]+", expression)) <= recorded
