"""The rules for docker-compose.yml: each a function from the parsed file to what it finds wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

Compose = dict[str, Any]
Service = dict[str, Any]
Rule = Callable[[Compose], Iterator[str]]

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
PINNED = re.compile(r"[a-z0-9./-]+:v?[0-9][A-Za-z0-9.-]*(@sha256:[0-9a-f]{64})?")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_?KEY|_AUTH$|_AUTH_", re.IGNORECASE)
ONE_SHOTS = {"secrets", "topics", "monitoring-files"}
# Chroma's open-source server has no log-in, so it has no secret.
API = "control-api"
SHOW_TOKENS = {API, "cli"}
TALK_TO_THE_OUTSIDE = {"price-producer", "news-producer", "fundamentals-producer", "enricher", "alertmanager"}
STORES_WITH_PASSWORD = {"postgres", "redis", "neo4j"}
SERVERS_WITH_PASSWORD = STORES_WITH_PASSWORD | {"grafana"}


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
            if not SECRET_NAME.search(key) or value == f"${{{key}:-}}":
                continue  # a user's own key, passed through from where compose was called; absent by default
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
        if "container_name" in service or (service.get("ports") and name != API):
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
            needed = {name} & SERVERS_WITH_PASSWORD
        else:
            needed = set(declared().get(name, {}).get("needs", [])) & STORES_WITH_PASSWORD
        if name in SHOW_TOKENS:
            needed = needed | {"api"}
        if seen != needed:
            yield f"{name}: sees the passwords of {sorted(seen)}, needs {sorted(needed)}"


def closed_networks(compose: Compose) -> Iterator[str]:
    networks = compose["networks"]
    if networks["stores"].get("internal") is not True:
        yield "network stores has a way out"
    if networks["host-ports"]["driver_opts"].get("com.docker.network.bridge.enable_ip_masquerade") != "false":
        yield "network host-ports has a way out"
    for name, service in compose["services"].items():
        if "outside" in service["networks"] and name not in TALK_TO_THE_OUTSIDE:
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
