"""docker-compose.yml against the security list and against the services that exist.

Each rule is a function from the parsed file to what it finds wrong; the last test breaks the file in one
way a rule and expects exactly that rule to object.
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Compose = dict[str, Any]
Service = dict[str, Any]
Rule = Callable[[Compose], Iterator[str]]

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
PINNED = re.compile(r"[a-z0-9./-]+:[0-9][A-Za-z0-9.-]*(@sha256:[0-9a-f]{64})?")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_?KEY|_AUTH$|_AUTH_", re.IGNORECASE)
ONE_SHOTS = {"secrets", "topics"}
# Chroma's open-source server has no log-in, so it has no secret.
STORES_WITH_PASSWORD = {"postgres", "redis", "neo4j"}

pytestmark = pytest.mark.unit


def parsed() -> Compose:
    compose: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return compose


def declared() -> dict[str, dict[str, Any]]:
    """The services of the project: public name -> its service.toml."""
    return {
        path.parent.name.replace("_", "-"): tomllib.loads(path.read_text())
        for path in sorted((ROOT / "services").glob("*/service.toml"))
    }


def is_ours(service: Service) -> bool:
    return str(service["image"]).startswith("${AXIOM_IMAGE")


def ours(compose: Compose) -> dict[str, Service]:
    """Everything that runs our image: services, one-shots and the command line."""
    return {name: service for name, service in compose["services"].items() if is_ours(service)}


def running(compose: Compose) -> dict[str, Service]:
    """Our services proper: they run as long as the stack does."""
    return {
        name: service
        for name, service in ours(compose).items()
        if name not in ONE_SHOTS and not service.get("profiles")
    }


def servers(compose: Compose) -> dict[str, Service]:
    return {name: service for name, service in compose["services"].items() if not is_ours(service)}


def module_of(name: str) -> str:
    return f"services.{name.replace('-', '_')}"


def seconds(text: str) -> int:
    """Compose's `90s` or `2m` in seconds."""
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60}[unit]


def ports_on_loopback_only(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            if not re.fullmatch(r"127\.0\.0\.1:\$\{AXIOM_[A-Z0-9_]+:-\d+\}:\d+", str(port)):
                yield f"{name}: port {port} is not 127.0.0.1:${{AXIOM_…_HOST_PORT:-default}}:port"


def least_privilege(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
            yield f"{name}: does not drop all capabilities"
        if service.get("security_opt") != ["no-new-privileges:true"]:
            yield f"{name}: lacks no-new-privileges"
        if str(service.get("user", "root")).split(":")[0] in {"root", "0"}:
            yield f"{name}: runs as root"
        for key in ("privileged", "pid", "ipc", "userns_mode", "devices"):
            if service.get(key):
                yield f"{name}: asks for {key}"
        if service.get("network_mode", "none") != "none":
            yield f"{name}: leaves its networks by network_mode"


def bounded(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for key in ("mem_limit", "pids_limit"):
            if not service.get(key):
                yield f"{name}: no {key}"
        if "max-size" not in service.get("logging", {}).get("options", {}):
            yield f"{name}: its log may fill the disk"


def images_pinned(compose: Compose) -> Iterator[str]:
    for name, service in servers(compose).items():
        if not PINNED.fullmatch(service["image"]):
            yield f"{name}: image {service['image']} has no version"


def one_build(compose: Compose) -> Iterator[str]:
    for name, service in ours(compose).items():
        if service.get("pull_policy") != "never":
            yield f"{name}: would look for our image in a public registry"
    builders = [name for name, service in compose["services"].items() if "build" in service]
    if builders != ["secrets"]:
        yield f"built by {builders}: one service builds the image that all of ours run"


def no_password(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if not SECRET_NAME.search(key):
                continue
            if not (key.endswith(("_FILE", "_SECRETS_DIR")) and str(value).startswith("/run/axiom")):
                yield f"{name}: {key} carries a value, not the path of a file"
        if re.search(r"requirepass|--password|PASSWORD=(?!\$)", str(service.get("command", ""))):
            yield f"{name}: a password on the command line"


def nothing_to_prepare(compose: Compose) -> Iterator[str]:
    """A fresh clone comes up: no file to make, no variable to set, nothing of the host mounted."""
    for variable in re.findall(r"(?<!\$)\$\{([^}]+)\}", yaml.safe_dump(compose)):
        if ":-" not in variable:
            yield f"${{{variable}}} has no default"
    for name, service in compose["services"].items():
        if service.get("env_file") or service.get("secrets") or service.get("configs"):
            yield f"{name}: needs a file that a clone may not have"
        for volume in service.get("volumes", []):
            if str(volume).split(":")[0] not in compose["volumes"]:
                yield f"{name}: mounts {volume}, which is no named volume"


def ours_confined(compose: Compose) -> Iterator[str]:
    for name, service in ours(compose).items():
        if service.get("read_only") is not True:
            yield f"{name}: its root file system is writable"
        if not any(str(mount).startswith("/tmp:size=") for mount in service.get("tmpfs", [])):  # noqa: S108
            yield f"{name}: no bounded /tmp"
        if service.get("init") is not True:
            yield f"{name}: Python as process 1 would not get SIGTERM's default"
        if seconds(service.get("stop_grace_period", "0s")) < 10:
            yield f"{name}: has no ten seconds to stop in"
        if "container_name" in service or service.get("ports"):
            yield f"{name}: can't be scaled with a fixed name or port"


def healthy_before_use(compose: Compose) -> Iterator[str]:
    for name, service in (running(compose) | servers(compose)).items():
        if not service.get("healthcheck", {}).get("test"):
            yield f"{name}: no health check"
        if service.get("restart") != "unless-stopped":
            yield f"{name}: stays down after a crash"
    for name, service in compose["services"].items():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in ONE_SHOTS else "service_healthy"
            if how["condition"] != wanted:
                yield f"{name}: waits for {needed} with {how['condition']}"


def secrets_by_need(compose: Compose) -> Iterator[str]:
    """Only the writer may write a secret, and only who needs a store sees that store's password."""
    for name, service in compose["services"].items():
        mounts = [str(mount) for mount in service.get("volumes", []) if str(mount).startswith("secret-")]
        if name == "secrets":
            continue
        for mount in mounts:
            if not mount.endswith(":ro"):
                yield f"{name}: may write {mount}"
        seen = {mount.split(":")[0].removeprefix("secret-") for mount in mounts}
        if name == "cli":
            needed = STORES_WITH_PASSWORD
        elif name in servers(compose):
            needed = {name} & STORES_WITH_PASSWORD
        else:
            needed = set(declared().get(name, {}).get("needs", [])) & STORES_WITH_PASSWORD
        if seen != needed:
            yield f"{name}: sees the passwords of {sorted(seen)}, needs {sorted(needed)}"


def closed_networks(compose: Compose) -> Iterator[str]:
    networks = compose["networks"]
    if networks["stores"].get("internal") is not True:
        yield "network stores has a way out"
    if networks["host-ports"]["driver_opts"].get("com.docker.network.bridge.enable_ip_masquerade") != "false":
        yield "network host-ports has a way out"
    for name, service in compose["services"].items():
        if "outside" in service["networks"] and name != "price-producer":
            yield f"{name}: may reach the outside"


def every_service_has_an_entry(compose: Compose) -> Iterator[str]:
    entries, folders = running(compose), declared()
    for name in sorted(set(folders) - set(entries)):
        yield f"services/{name.replace('-', '_')} has no entry"
    for name in sorted(set(entries) - set(folders)):
        yield f"entry {name} has no services/{name.replace('-', '_')}/service.toml"
    for name in sorted(set(entries) & set(folders)):
        command = entries[name].get("command")
        if command != ["python", "-m", module_of(name)]:
            yield f"{name}: runs {command}, not python -m {module_of(name)}"
        for server in folders[name]["needs"]:
            if server not in entries[name]["depends_on"]:
                yield f"{name}: needs {server} but does not wait for it"


RULES: tuple[Rule, ...] = (
    ports_on_loopback_only,
    least_privilege,
    bounded,
    images_pinned,
    one_build,
    no_password,
    nothing_to_prepare,
    ours_confined,
    healthy_before_use,
    secrets_by_need,
    closed_networks,
    every_service_has_an_entry,
)


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
