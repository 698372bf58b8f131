"""What a compose entry is in Kubernetes: a container, its volumes, its probes. Pure."""

from __future__ import annotations

import re
from typing import Any

from deploy.docker.compose import plain, variable

OURS_UID = 10001
UIDS = {"appuser": 1000, "postgres": 999, "redis": 999, "neo4j": 7474}
"""The numbers behind the users' names in the images: Kubernetes checks runAsNonRoot by number."""
HEALTH_PORT = 8080
KEYS = "axiom-keys"
CONFIG = "axiom-environment"
_IS_SECRET = re.compile(r"_(API_KEY|TOKEN|PASSWORD|SECRET)S?$")
DISK = {
    "kafka-data": "50Gi", "postgres-data": "20Gi", "redis-data": "5Gi", "neo4j-data": "20Gi",
    "chroma-data": "10Gi", "neo4j-logs": "1Gi", "backups": "50Gi", "reports": "1Gi",
}  # fmt: skip
CPU_OF_SERVERS, CPU_OF_OURS = "500m", "100m"


def metadata(name: str, component: str) -> dict[str, Any]:
    """Name and the labels that Kubernetes recommends."""
    return {"name": name, "labels": labels(name, component)}


def labels(name: str, component: str) -> dict[str, str]:
    """Also what selects an object's pods."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "axiom",
    }


def uid(service: dict[str, Any]) -> int:
    """The user's number.

    Raises:
        KeyError: a user's name of which the number is not known.
    """
    user = str(service["user"]).split(":")[0]
    return int(user) if user.isdigit() else UIDS[user]


def memory(text: str) -> str:
    """Compose's `512m` and `1g` as Kubernetes' `512Mi` and `1Gi`."""
    number, unit = re.fullmatch(r"(\d+)([mg])", text).groups()  # type: ignore[union-attr]
    return f"{number}{unit.upper()}i"


def seconds(text: str) -> int:
    """Compose's `90s` or `2m`."""
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60}[unit]


def pod_security(service: dict[str, Any]) -> dict[str, Any]:
    """Not root, files of the pod's group, the runtime's own filter of system calls."""
    own = uid(service)
    groups = [int(group) for group in service.get("group_add", [])]
    return {
        "runAsNonRoot": True,
        "runAsUser": own,
        "runAsGroup": own,
        "fsGroup": own,
        "fsGroupChangePolicy": "OnRootMismatch",
        **({"supplementalGroups": groups} if groups else {}),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(service: dict[str, Any]) -> dict[str, Any]:
    """No new rights, no capabilities; the root file system as compose has it."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": service.get("read_only", False),
    }


def resources(service: dict[str, Any], cpu: str) -> dict[str, Any]:
    """Compose's limit of memory, half of it reserved; processors are reserved but not limited."""
    limit = memory(service["mem_limit"])
    number, unit = int(limit[:-2]), limit[-2:]
    half = f"{number // 2}{unit}" if number % 2 == 0 else f"{number * 1024 // 2}Mi"
    return {"requests": {"cpu": cpu, "memory": half}, "limits": {"memory": limit}}


def environment(service: dict[str, Any], common: dict[str, str]) -> list[dict[str, Any]]:
    """What is not common to all: plain values, and keys that come from a secret, if that is there."""
    found: list[dict[str, Any]] = []
    for name, value in service.get("environment", {}).items():
        if name in common:
            continue
        if variable(value) and _IS_SECRET.search(name):
            source = {"name": KEYS, "key": name, "optional": True}
            found.append({"name": name, "valueFrom": {"secretKeyRef": source}})
        elif plain(value):
            found.append({"name": name, "value": plain(value)})
    return found


def mounts(service: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Mounts of the container, volumes of the pod, and names of the volumes that keep data."""
    mounted, volumes, kept = [], [], []
    for text in service.get("volumes", []):
        name, path, *mode = text.split(":")
        mounted.append({"name": name, "mountPath": path, **({"readOnly": True} if "ro" in mode else {})})
        if name.startswith("secret-"):
            secret = {"secretName": f"axiom-{name.removeprefix('secret-')}", "defaultMode": 0o440}
            volumes.append({"name": name, "secret": secret})
        else:
            kept.append(name)
    for text in service.get("tmpfs", []):
        path, _, options = text.partition(":")
        size = re.search(r"size=(\d+)m", options)
        name = path.strip("/").replace("/", "-")
        mounted.append({"name": name, "mountPath": path})
        volumes.append({"name": name, "emptyDir": {"sizeLimit": f"{size[1]}Mi" if size else "64Mi"}})
    if "shm_size" in service:
        mounted.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108 - the container's
        volumes.append(
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": memory(service["shm_size"])}}
        )
    return mounted, volumes, kept


def server_probes(service: dict[str, Any]) -> dict[str, Any]:
    """Compose's health check: wait for its first answer, then send clients there or not. It never kills."""
    check = service["healthcheck"]
    command = {"exec": {"command": [plain(word) for word in check["test"][1:]]}}
    period, timeout = seconds(check["interval"]), seconds(check["timeout"])
    common = {**command, "periodSeconds": period, "timeoutSeconds": timeout}
    return {
        "startupProbe": {**common, "failureThreshold": 60},
        "readinessProbe": {**common, "failureThreshold": 3},
    }


def service_probes() -> dict[str, Any]:
    """/live says that the event loop turns; /ready, that the service can do its work now."""

    def asked(path: str, period_s: int, failures: int) -> dict[str, Any]:
        return {
            "httpGet": {"path": path, "port": "health"},
            "periodSeconds": period_s,
            "timeoutSeconds": 3,
            "failureThreshold": failures,
        }

    return {
        "startupProbe": asked("/live", 5, 60),
        "readinessProbe": asked("/ready", 5, 3),
        "livenessProbe": asked("/live", 10, 6),
    }
