"""What the containers of the profile observability find: every service is asked, no file is open to all."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from deploy.docker.write_monitoring import files, main, write
from deploy.observability.alerting import AlertsSettings
from tests.architecture.compose_rules import declared, parsed
from tests.unit.deploy.observability.rules_file import run

pytestmark = pytest.mark.unit


def test_the_files_are_valid_and_name_every_service(tmp_path: Path) -> None:
    write(tmp_path, files(AlertsSettings()))
    config = tmp_path / "prometheus/prometheus.yml"
    [found] = json.loads(config.read_text())["scrape_configs"][0]["dns_sd_configs"]
    assert found["names"] == sorted(declared())
    run("promtool", "check", "config", str(config))
    run("amtool", "check-config", str(tmp_path / "alertmanager/alertmanager.yml"))


def test_writing_again_replaces_everything_and_nobody_else_reads_it(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path)]) == 0
    assert not (tmp_path / "old").exists()
    for path in tmp_path.rglob("*"):
        assert not path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP), path


def test_servers_are_told_paths_that_are_written() -> None:
    there = {f"/etc/axiom/{name}" for name in files(AlertsSettings())}
    monitors = {
        name: one for name, one in parsed()["services"].items() if "observability" in one.get("profiles", [])
    }
    assert set(monitors) == {"monitoring-files", "prometheus", "alertmanager", "grafana", "jaeger"}
    for name in ("prometheus", "alertmanager"):
        [flag] = [word for word in monitors[name]["command"] if word.startswith("--config.file=")]
        assert flag.partition("=")[2] in there
    provisioning = monitors["grafana"]["environment"]["GF_PATHS_PROVISIONING"]
    assert f"{provisioning}/datasources/axiom.yml" in there
