"""Prometheus' configuration, embedded and in containers: valid, and every service is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.embedded import state
from deploy.embedded.servers.prometheus import Prometheus
from deploy.embedded.services import discover
from deploy.observability import scraping
from tests.unit.deploy.observability.rules_file import run

pytestmark = pytest.mark.unit


def test_the_embedded_one_asks_every_service_at_its_port(tmp_path: Path) -> None:
    stack = state.choose(tmp_path, "31000")
    Prometheus().prepare(stack)
    file = tmp_path / "prometheus/prometheus.yml"
    services, alertmanager = json.loads(file.read_text())["scrape_configs"]
    asked = {one["labels"]["service"]: one["targets"] for one in services["static_configs"]}
    assert asked == {one.name: [f"127.0.0.1:{one.port(stack.layout)}"] for one in discover()}
    assert alertmanager["static_configs"] == [{"targets": ["127.0.0.1:31094"]}]
    run("promtool", "check", "config", str(file))


def test_the_one_for_containers_finds_every_replica(tmp_path: Path) -> None:
    text = scraping.configuration([scraping.services_by_name(["b", "a"], 8080)], "alertmanager:9093")
    for name, content in {**scraping.rules(), "prometheus.yml": text}.items():
        (tmp_path / name).write_text(content)
    [found] = json.loads(text)["scrape_configs"][0]["dns_sd_configs"]
    assert (found["names"], found["port"], found["type"]) == (["a", "b"], 8080, "A")
    run("promtool", "check", "config", str(tmp_path / "prometheus.yml"))
