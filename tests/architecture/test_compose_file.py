"""docker-compose.yml against the security list and against the services that exist.

The rules are in compose_rules.py; a test breaks the file in one way a rule and expects that rule to object.
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.architecture.compose_rules import (
    DOCKERFILE,
    ROOT,
    RULES,
    Rule,
    bounded,
    closed_networks,
    every_service_has_an_entry,
    healthy_before_use,
    images_pinned,
    least_privilege,
    no_password,
    nothing_to_prepare,
    one_build,
    ours_confined,
    parsed,
    ports_on_loopback_only,
    running,
    secrets_by_need,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_file_keeps_every_rule(rule: Rule) -> None:
    assert list(rule(parsed())) == []


BREAKS: tuple[tuple[Rule, str, Any], ...] = (
    (ports_on_loopback_only, "services.kafka.ports", ["9092:9092"]),
    (ports_on_loopback_only, "services.redis.ports", ["0.0.0.0:${AXIOM_REDIS_HOST_PORT:-6379}:6379"]),
    (least_privilege, "services.redis.cap_drop", []),
    (least_privilege, "services.postgres.cap_add", ["SYS_ADMIN"]),
    (least_privilege, "services.neo4j.user", "0:0"),
    (least_privilege, "services.chroma.security_opt", []),
    (least_privilege, "services.redis-sink.privileged", True),
    (bounded, "services.kafka.mem_limit", None),
    (bounded, "services.postgres-sink.pids_limit", None),
    (images_pinned, "services.redis.image", "redis"),
    (images_pinned, "services.redis.image", "redis:latest"),
    (one_build, "services.postgres-sink.build", "."),
    (one_build, "services.topics.pull_policy", "missing"),
    (no_password, "services.postgres.environment.POSTGRES_PASSWORD", "axiom"),
    (no_password, "services.neo4j.environment.NEO4J_AUTH", "neo4j/axiom"),
    (no_password, "services.news-producer.environment.AXIOM_FINNHUB_API_KEY", "abc"),
    (
        no_password,
        "services.news-producer.environment.AXIOM_FINNHUB_API_KEY",
        "${AXIOM_FINNHUB_API_KEY:-abc}",
    ),
    (no_password, "services.redis.command", ["redis-server", "--requirepass", "axiom"]),
    (nothing_to_prepare, "services.topics.env_file", [".env"]),
    (nothing_to_prepare, "services.redis.environment", {"A": "${A}"}),
    (ours_confined, "services.redis-sink.read_only", False),
    (ours_confined, "services.neo4j-sink.init", False),
    (ours_confined, "services.postgres-sink.container_name", "postgres-sink"),
    (healthy_before_use, "services.postgres.healthcheck", {}),
    (healthy_before_use, "services.redis-sink.depends_on.redis.condition", "service_started"),
    (secrets_by_need, "services.redis-sink.volumes", ["secret-redis:/run/axiom/redis"]),
    (secrets_by_need, "services.redis-sink.volumes", ["secret-neo4j:/run/axiom/neo4j:ro"]),
    (closed_networks, "networks.stores.internal", False),
    (closed_networks, "services.chroma-sink.networks", ["stores", "outside"]),
    (every_service_has_an_entry, "services.redis-sink.command", ["python", "-m", "services.neo4j_sink"]),
)


@pytest.mark.parametrize(("rule", "path", "value"), BREAKS, ids=lambda part: getattr(part, "__name__", None))
def test_a_rule_notices_when_it_is_broken(rule: Rule, path: str, value: object) -> None:
    broken = copy.deepcopy(parsed())
    *parents, last = path.split(".")
    place = broken
    for part in parents:
        place = place[part]
    place[last] = value
    assert set(rule(broken)) - set(rule(parsed()))


def test_a_new_service_without_an_entry_is_noticed() -> None:
    compose = parsed()
    name, *_ = running(compose)
    del compose["services"][name]
    assert set(every_service_has_an_entry(compose)) - set(every_service_has_an_entry(parsed()))


def test_the_dockerfile_needs_no_buildkit_and_ends_unprivileged() -> None:
    lines = [line.split("#")[0].strip() for line in DOCKERFILE.read_text().splitlines()]
    assert not [line for line in lines if re.search(r"--(mount|chmod|link|parents)\b|<<", line)]
    users = [line.removeprefix("USER ") for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] == "${AXIOM_UID}:${AXIOM_UID}"
    assert "ARG AXIOM_UID=10001" in lines
    assert not [line for line in lines if re.match(r"FROM\s+\S+:latest|FROM\s+[a-z/]+\s*$", line)]


def test_the_build_context_is_an_allow_list() -> None:
    patterns = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert patterns[0] == "*"
    let_in = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    assert let_in == {"pyproject.toml", "uv.lock", "topics", "libs", "services", "deploy"}


def test_our_services_import_no_package_that_the_image_leaves_out() -> None:
    [left_out] = re.findall(r'ARG LEFT_OUT="([^"]+)"', DOCKERFILE.read_text())
    modules = {name.replace("-", "_") for name in left_out.split()}
    services = sorted(path.parent.name for path in (ROOT / "services").glob("*/service.toml"))
    program = "import sys\n" + "".join(
        f"import services.{name}.sink\n" for name in services if "sink" in name
    )
    program += "import chromadb\nchromadb.AsyncHttpClient\nprint(*sys.modules)"
    ran = subprocess.run(  # a fresh interpreter: this one may have imported anything
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "libs")])},
    )
    assert set(ran.stdout.split()) & modules == set()


def test_the_image_does_not_need_what_its_context_leaves_out() -> None:
    """A command for the embedded stack alone belongs into .dockerignore too, beside `deploy/embedded`."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    left_out = [ROOT / line for line in ignored if re.match(r"(libs|deploy)/", line)]
    assert ROOT / "deploy/embedded" in left_out
    kept = [
        path
        for folder in ("topics", "libs", "services", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if not any(path.is_relative_to(place) for place in left_out)
    ]
    names = [path.relative_to(ROOT).with_suffix("").as_posix().removeprefix("libs/") for path in left_out]
    wanting = "|".join(
        rf"^\s*(?:from|import) {package}\.{module}\b|^\s*from {package} import .*\b{module}\b"
        for package, _, module in (name.replace("/", ".").rpartition(".") for name in names)
    )
    assert [str(path) for path in kept if re.search(wanting, path.read_text(), re.MULTILINE)] == []
