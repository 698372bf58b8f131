"""The rules for deploy/kubernetes: each a function from all objects to what it finds wrong with them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import yaml

from tests.architecture.compose_rules import ROOT, declared, parsed, running

FOLDER = ROOT / "deploy/kubernetes"
Object = dict[str, Any]
Rule = Callable[[list[Object]], Iterator[str]]


def objects(*folders: str) -> list[Object]:
    """Every object of the files in these folders, kustomizations aside; the caller's own copy."""
    return copy.deepcopy([one for folder in folders for one in _read(folder)])


@cache
def _read(folder: str) -> list[Object]:
    files = [path for path in sorted((FOLDER / folder).glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [one for path in files for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def pods(found: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, pod and its one container, of every workload."""
    for one in found:
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}:
            pod = one["spec"]["template"]["spec"]
            yield one["metadata"]["name"], pod, pod["containers"][0]


def named(found: list[Object], kind: str) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def every_service_is_there(found: list[Object]) -> Iterator[str]:
    deployments, addresses = named(found, "Deployment"), named(found, "Service")
    if set(deployments) != set(declared()):
        yield f"deployments and services/*/service.toml differ: {sorted(set(deployments) ^ set(declared()))}"
    for name, one in deployments.items():
        container = one["spec"]["template"]["spec"]["containers"][0]
        if container["command"] != ["python", "-m", f"services.{name.replace('-', '_')}"]:
            yield f"{name}: runs {container['command']}"
        if name not in addresses or addresses[name]["spec"]["ports"][0]["targetPort"] != "health":
            yield f"{name}: Prometheus can't reach its health server"
        for server in declared().get(name, {}).get("needs", []):
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            if server in {"postgres", "redis", "neo4j"} and f"secret-{server}" not in mounted:
                yield f"{name}: has no password for {server}"


def every_setting_is_passed(found: list[Object]) -> Iterator[str]:
    """A variable of the compose entry reaches the pod: from the common map, as a value, or from a secret."""
    common = set(named(found, "ConfigMap")["axiom-environment"]["data"])
    containers = {name: container for name, _, container in pods(found)}
    for name, service in running(parsed()).items():
        has = common | {one["name"] for one in containers[name].get("env", [])}
        for variable, value in service["environment"].items():
            if variable not in has and not re.fullmatch(r"\$\{[A-Z0-9_]+:-\}", str(value)):
                yield f"{name}: {variable} is lost"
        has_keys = {one["name"] for one in containers[name].get("env", []) if "valueFrom" in one}
        keys = {variable for variable in service["environment"] if variable.endswith("_API_KEY")}
        if keys != has_keys:
            yield f"{name}: keys {sorted(keys ^ has_keys)} do not come from the secret"


def least_privilege(found: list[Object]) -> Iterator[str]:
    for name, pod, container in pods(found):
        security, own = pod["securityContext"], container["securityContext"]
        if not security.get("runAsNonRoot") or not security.get("runAsUser"):
            yield f"{name}: may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: no seccomp profile"
        if own.get("capabilities") != {"drop": ["ALL"]} or own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: keeps capabilities or may get new rights"
        if name in declared() and own.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: its root file system is writable"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name}: gets a token for Kubernetes"
        if pod.get("hostNetwork") or pod.get("hostPID") or any("hostPath" in one for one in pod["volumes"]):
            yield f"{name}: reaches into the node"


def bounded(found: list[Object]) -> Iterator[str]:
    for name, pod, container in pods(found):
        resources = container.get("resources", {})
        if not resources.get("limits", {}).get("memory") or not resources.get("requests", {}).get("cpu"):
            yield f"{name}: no limit of memory or no request"
        for volume in pod["volumes"]:
            if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
                yield f"{name}: {volume['name']} may fill the node's disk"


def probed(found: list[Object]) -> Iterator[str]:
    for name, _, container in pods(found):
        if name == "topics":
            continue
        wanted = {"startupProbe", "readinessProbe"} | ({"livenessProbe"} if name in declared() else set())
        if missing := wanted - set(container):
            yield f"{name}: no {', '.join(sorted(missing))}"
        if name in declared() and container["livenessProbe"]["httpGet"]["path"] != "/live":
            yield f"{name}: is killed while a server that it needs is down"


def no_password(found: list[Object]) -> Iterator[str]:
    for one in found:
        if one["kind"] == "Secret":
            yield f"{one['metadata']['name']}: a secret in the repository"
    for name, _, container in pods(found):
        for one in container.get("env", []):
            secret = re.search(r"PASSWORD|TOKEN|API_KEY|SECRET|AUTH", one["name"])
            if secret and "value" in one and not str(one["value"]).startswith("/run/axiom"):
                yield f"{name}: {one['name']} carries a value"


def closed(found: list[Object]) -> Iterator[str]:
    policies = named(found, "NetworkPolicy")
    nothing = policies.get("nothing", {}).get("spec", {})
    if nothing != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield "what no policy names is allowed"
    outside = {name for name, service in running(parsed()).items() if "outside" in service["networks"]}
    for one in named(found, "Deployment").values():
        labelled = one["spec"]["template"]["metadata"]["labels"].get("axiom/outside") == "true"
        if labelled != (one["metadata"]["name"] in outside):
            yield f"{one['metadata']['name']}: may reach the outside: {labelled}"
    for one in named(found, "Service").values():
        if one["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"{one['metadata']['name']}: is reachable from outside the cluster"


def selectors_meet_pods(found: list[Object]) -> Iterator[str]:
    for kind in ("Deployment", "StatefulSet"):
        for name, one in named(found, kind).items():
            labels = one["spec"]["template"]["metadata"]["labels"].items()
            for selector in (
                one["spec"]["selector"]["matchLabels"],
                named(found, "Service")[name]["spec"]["selector"],
            ):
                if not selector.items() <= labels:
                    yield f"{name}: a selector misses its pods"


def mounts_have_volumes(found: list[Object]) -> Iterator[str]:
    claims = {
        name: {claim["metadata"]["name"] for claim in one["spec"]["volumeClaimTemplates"]}
        for name, one in named(found, "StatefulSet").items()
    }
    for name, pod, container in pods(found):
        volumes = {volume["name"] for volume in pod["volumes"]} | claims.get(name, set())
        if lost := {mount["name"] for mount in container["volumeMounts"]} - volumes:
            yield f"{name}: nothing to mount for {sorted(lost)}"


RULES: tuple[Rule, ...] = (
    every_service_is_there,
    every_setting_is_passed,
    least_privilege,
    bounded,
    probed,
    no_password,
    closed,
    selectors_meet_pods,
    mounts_have_volumes,
)
