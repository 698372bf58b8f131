"""deploy/kubernetes and three-brokers.yml against docker-compose.yml and Kubernetes' own types."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.docker import compose, three_brokers
from deploy.kubernetes import workloads
from deploy.kubernetes.__main__ import files
from tests.architecture import compose_rules
from tests.architecture.kubernetes_rules import (
    FOLDER,
    RULES,
    Object,
    Rule,
    bounded,
    closed,
    every_service_is_there,
    every_setting_is_passed,
    least_privilege,
    mounts_have_volumes,
    named,
    no_password,
    objects,
    pods,
    probed,
    selectors_meet_pods,
)
from topics import all_topics

pytestmark = pytest.mark.unit
MADE_ANEW = "docker-compose.yml has changed: run `make manifests`"


def test_the_manifests_are_made_of_the_compose_file() -> None:
    for path, text in files().items():
        assert (FOLDER / path).read_text(encoding="utf-8") == text, MADE_ANEW


def test_three_brokers_are_made_of_the_compose_file() -> None:
    assert three_brokers.FILE.read_text(encoding="utf-8") == three_brokers.text(), MADE_ANEW


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_manifests_keep_every_rule(rule: Rule) -> None:
    assert list(rule(objects("base", "servers"))) == []


def _without(name: str) -> Any:
    def change(found: list[Object]) -> None:
        found[:] = [one for one in found if one["metadata"]["name"] != name]

    return change


def _pod(name: str, part: str, value: Any) -> Any:
    """Set a part of the pod, or `container.part` of its container."""

    def change(found: list[Object]) -> None:
        [(pod, container)] = [(pod, container) for own, pod, container in pods(found) if own == name]
        target, *path = [pod, *part.split(".")]
        if path[0] == "container":
            target, path = container, path[1:]
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


def _add_secret(found: list[Object]) -> None:
    found.append({"kind": "Secret", "metadata": {"name": "axiom-postgres"}, "data": {}})


def _open_service(found: list[Object]) -> None:
    named(found, "Service")["redis"]["spec"]["type"] = "LoadBalancer"


def _other_label(found: list[Object]) -> None:
    named(found, "Service")["redis"]["spec"]["selector"]["app.kubernetes.io/name"] = "rediss"


BREAKS: tuple[tuple[Rule, Any], ...] = (
    (every_service_is_there, _without("redis-sink")),
    (
        every_service_is_there,
        _pod("redis-sink", "container.command", ["python", "-m", "services.neo4j_sink"]),
    ),
    (every_service_is_there, _pod("redis-sink", "container.volumeMounts", [])),
    (every_setting_is_passed, _pod("redis-sink", "container.env", [])),
    (
        every_setting_is_passed,
        _pod("enricher", "container.env", [{"name": "AXIOM_SECRETS_DIR", "value": "/x"}]),
    ),
    (least_privilege, _pod("kafka", "securityContext.runAsUser", 0)),
    (least_privilege, _pod("enricher", "container.securityContext.readOnlyRootFilesystem", False)),
    (least_privilege, _pod("enricher", "container.securityContext.capabilities", {"add": ["NET_RAW"]})),
    (least_privilege, _pod("enricher", "automountServiceAccountToken", True)),
    (least_privilege, _pod("neo4j", "volumes", [{"name": "x", "hostPath": {"path": "/"}}])),
    (bounded, _pod("postgres", "container.resources", {})),
    (bounded, _pod("enricher", "volumes", [{"name": "tmp", "emptyDir": {}}])),
    (probed, _pod("enricher", "container.livenessProbe.httpGet.path", "/ready")),
    (no_password, _add_secret),
    (no_password, _pod("enricher", "container.env", [{"name": "AXIOM_CLAUDE_API_KEY", "value": "x"}])),
    (closed, _without("nothing")),
    (closed, _open_service),
    (selectors_meet_pods, _other_label),
    (mounts_have_volumes, _pod("redis-sink", "volumes", [])),
)


@pytest.mark.parametrize(("rule", "change"), BREAKS, ids=lambda part: getattr(part, "__name__", None))
def test_a_rule_notices_when_it_is_broken(rule: Rule, change: Any) -> None:
    broken = objects("base", "servers")
    change(broken)
    assert list(rule(broken)) != []


def strict(value: Any, kind: str, where: str) -> list[str]:
    """Fields that Kubernetes' type does not have, by the types of its own Python client."""
    models = pytest.importorskip("kubernetes.client.models")
    if kind.lower().startswith("list["):
        return [wrong for n, one in enumerate(value) for wrong in strict(one, kind[5:-1], f"{where}[{n}]")]
    if kind.lower().startswith("dict(") or not hasattr(models, kind):
        return []
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    model = getattr(models, kind)
    names = {written: name for name, written in model.attribute_map.items()}
    wrong = [f"{where}.{field}: {kind} has no such field" for field in value.keys() - names.keys()]
    for field in value.keys() & names.keys():
        wrong += strict(value[field], model.openapi_types[names[field]], f"{where}.{field}")
    return wrong


def test_every_object_has_the_fields_of_its_type_alone() -> None:
    for one in objects("base", "servers"):
        assert strict(one, f"V1{one['kind']}", one["metadata"]["name"]) == []
    typo = {"spec": {"template": {"spec": {"containers": [{"name": "x", "imagePullPolcy": "Always"}]}}}}
    assert strict(typo, "V1Deployment", "x") == [
        "x.spec.template.spec.containers[0].imagePullPolcy: V1Container has no such field"
    ]


def test_scalers_fit_their_deployments_and_topics() -> None:
    deployments = named(objects("base"), "Deployment")
    scalers = named(objects("scaling"), "ScaledObject")
    configuration = named(objects("base"), "ConfigMap")[workloads.CONFIG]["data"]
    assert scalers.keys() == workloads.SCALED.keys()
    assert "neo4j-sink" not in scalers, "Neo4j takes one writer"
    for name, one in scalers.items():
        assert one["spec"]["scaleTargetRef"]["name"] in deployments
        [trigger] = one["spec"]["triggers"]
        assert trigger["metadata"]["consumerGroup"] == name
        assert trigger["metadata"]["bootstrapServersFromEnv"] in configuration
        most = max(topic.partitions for topic in all_topics().values())
        assert 1 == one["spec"]["minReplicaCount"] < one["spec"]["maxReplicaCount"] <= most
    patched = (FOLDER / "scaling/kustomization.yaml").read_text(encoding="utf-8")
    assert f"name: {'|'.join(workloads.SCALED)}}}" in patched, "a scaler and `replicas` would fight"


@pytest.mark.parametrize("folder", ["base", "servers", "scaling", "trial"])
def test_a_kustomization_names_files_that_exist(folder: str) -> None:
    found = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text(encoding="utf-8"))
    there = {path.name for path in (FOLDER / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert {name for name in found["resources"] if name.endswith(".yaml")} == there
    assert all((FOLDER / folder / name).exists() for name in found["resources"])


@pytest.mark.parametrize("folder", ["scaling", "trial"])
def test_kustomize_builds_it(folder: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed; the test above looks at the files")
    done = subprocess.run(["kubectl", "kustomize", str(FOLDER / folder)], capture_output=True, text=True)  # noqa: S607
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert all(one["metadata"].get("namespace", "axiom") == "axiom" for one in built)
    replicas = {name: one["spec"].get("replicas") for name, one in named(built, "Deployment").items()}
    assert {name for name, count in replicas.items() if count is None} == (
        set(workloads.SCALED) if folder == "scaling" else set()
    )


def merged() -> dict[str, Any]:
    """docker-compose.yml with three-brokers.yml over it, as `docker compose -f … -f …` merges them."""
    both = compose_rules.parsed()
    over = three_brokers.made()
    for name, entry in over["services"].items():
        service = both["services"].setdefault(name, {})
        for key, value in entry.items():
            service[key] = service[key] | value if isinstance(service.get(key), dict) else value
    both["volumes"] |= over["volumes"]
    return both


@pytest.mark.parametrize("rule", compose_rules.RULES, ids=lambda rule: rule.__name__)
def test_three_brokers_keep_the_compose_rules(rule: compose_rules.Rule) -> None:
    assert list(rule(merged())) == []


def test_three_brokers_know_each_other_and_every_service_knows_them() -> None:
    services = merged()["services"]
    brokers = [services[name] for name in three_brokers.BROKERS]
    assert [one["environment"]["KAFKA_NODE_ID"] for one in brokers] == ["1", "2", "3"]
    assert len({one["environment"]["KAFKA_CONTROLLER_QUORUM_VOTERS"] for one in brokers}) == 1
    assert len({one["environment"]["CLUSTER_ID"] for one in brokers}) == 1
    assert len({str(one["ports"]) for one in brokers}) == len({str(one["volumes"]) for one in brokers}) == 3
    for one in brokers:
        listeners = one["environment"]["KAFKA_ADVERTISED_LISTENERS"]
        assert one["environment"]["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "3"
        assert one["environment"]["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert compose.plain(one["ports"][0]).rpartition(":")[0] in compose.plain(listeners)
    for name, service in services.items():
        if compose.is_ours(service) and name != "secrets":
            assert service["environment"]["AXIOM_KAFKA_BOOTSTRAP"] == three_brokers.BOOTSTRAP, name
