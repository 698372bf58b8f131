"""service.toml files become programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom.errors import Misconfigured
from deploy.embedded.layout import Layout, Ports
from deploy.embedded.services import discover

pytestmark = pytest.mark.unit

LAYOUT = Layout(Path("/srv/axiom"), Ports(31000))


def declare(root: Path, folder: str, offset: int) -> None:
    (root / folder).mkdir()
    (root / folder / "service.toml").write_text(
        f'summary = "does one thing"\nport_offset = {offset}\nneeds = ["kafka"]\n'
    )


def test_every_folder_with_a_service_toml_is_a_service(tmp_path: Path) -> None:
    declare(tmp_path, "redis_sink", 22)
    declare(tmp_path, "price_producer", 11)
    (tmp_path / "no_service").mkdir()
    found = discover(tmp_path)
    assert [service.name for service in found] == ["price-producer", "redis-sink"]
    assert found[1].needs == ("kafka",)


def test_a_service_runs_as_its_module_with_its_port(tmp_path: Path) -> None:
    declare(tmp_path, "redis_sink", 22)
    program = discover(tmp_path)[0].program(LAYOUT)
    assert program.name == "redis-sink"
    assert program.command[1:] == ("-m", "services.redis_sink")
    assert program.environment["AXIOM_HOME"] == "/srv/axiom"
    assert program.environment["AXIOM_SERVICE_HEALTH_PORT"] == "31022"
    assert not any("PASSWORD" in name for name in program.environment)


def test_two_services_at_one_port_are_named(tmp_path: Path) -> None:
    declare(tmp_path, "redis_sink", 22)
    declare(tmp_path, "neo4j_sink", 22)
    with pytest.raises(Misconfigured, match="both have port_offset 22"):
        discover(tmp_path)


@pytest.mark.parametrize("offset", [0, 100])
def test_a_port_outside_the_stack_s_range_is_refused(tmp_path: Path, offset: int) -> None:
    declare(tmp_path, "redis_sink", offset)
    with pytest.raises(Misconfigured, match="port_offset must be"):
        discover(tmp_path)


def test_an_incomplete_declaration_is_named(tmp_path: Path) -> None:
    (tmp_path / "redis_sink").mkdir()
    (tmp_path / "redis_sink" / "service.toml").write_text('summary = "x"\n')
    with pytest.raises(Misconfigured, match=r"redis_sink/service.toml lacks port_offset"):
        discover(tmp_path)


def test_this_repository_s_services_are_complete() -> None:
    assert discover() == sorted(discover(), key=lambda service: service.port_offset)
