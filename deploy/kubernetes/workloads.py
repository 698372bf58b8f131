"""Every object of the manifests: deployments, servers, networks, scalers. Pure."""

from __future__ import annotations

import re
from typing import Any

from deploy.docker.compose import plain
from deploy.kubernetes.pods import (
    CONFIG,
    CPU_OF_OURS,
    CPU_OF_SERVERS,
    DISK,
    HEALTH_PORT,
    container_security,
    environment,
    labels,
    metadata,
    mounts,
    pod_security,
    resources,
    seconds,
    server_probes,
    service_probes,
)

Object = dict[str, Any]
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
ENTRANCE = {"axiom/entrance": "true"}
OUTSIDE = {"axiom/outside": "true"}
SERVER_PORTS = {
    "kafka": (29092,), "postgres": (5432,), "redis": (6379,), "neo4j": (7687, 7474), "chroma": (8000,),
}  # fmt: skip
SCALED = {"postgres-sink": 5000, "redis-sink": 10000, "chroma-sink": 2000, "enricher": 500}
"""Services of which several members are faster than one, and the lag for each that another one is started at.
Neo4j takes one writer: two are slower than one and meet in deadlocks."""
PARTITIONS = 6


def config(common: dict[str, str]) -> Object:
    """What all of ours have in their environment."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(CONFIG, "configuration"),
        "data": dict(sorted(common.items())),
    }


def account() -> Object:
    """An account without rights and without a token: nothing here talks to Kubernetes."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata("axiom", "configuration"),
        "automountServiceAccountToken": False,
    }


def deployment(name: str, service: Object, common: dict[str, str]) -> Object:
    """One of our services."""
    pod = _pod(name, service, common, CPU_OF_OURS)
    _, _, kept = mounts(service)
    pod["volumes"] += [_kept(volume) for volume in kept]
    pod["containers"][0] |= {
        "ports": [{"name": "health", "containerPort": HEALTH_PORT}, *_more_ports(service)],
        **service_probes(),
    }
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, "service"),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": labels(name, "service")},
            "strategy": {"type": "Recreate"} if claims(service) else rolling,
            "template": {"metadata": _pod_metadata(name, service, "service"), "spec": pod},
        },
    }


def claims(service: Object) -> list[Object]:
    """Disks for what one of ours keeps: backups above all. One pod at a time has them."""
    _, _, kept = mounts(service)
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            **_claim(volume),
            "metadata": metadata(volume, "service"),
        }
        for volume in kept
        if volume in DISK
    ]


def _kept(volume: str) -> Object:
    """A claimed disk; other files can be made again: the log is the truth."""
    if volume in DISK:
        return {"name": volume, "persistentVolumeClaim": {"claimName": volume}}
    return {"name": volume, "emptyDir": {"sizeLimit": "1Gi"}}


def monitored(name: str, service: Object) -> Object:
    """The service's address in the cluster: /metrics, and what else it serves."""
    ports = [{"name": "health", "port": HEALTH_PORT, "targetPort": "health"}]
    ports += [{"name": port["name"], "port": port["containerPort"], "targetPort": port["name"]}
              for port in _more_ports(service)]  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, "service"),
        "spec": {"selector": labels(name, "service"), "ports": ports},
    }


def topics_job(service: Object, common: dict[str, str]) -> Object:
    """Makes the topics, once; harmless to run again."""
    pod = _pod("topics", service, common, CPU_OF_OURS)
    pod |= {"restartPolicy": "OnFailure"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata("topics", "one-shot"),
        "spec": {
            "backoffLimit": 20,
            "template": {"metadata": _pod_metadata("topics", service, "one-shot"), "spec": pod},
        },
    }


def server(name: str, service: Object) -> list[Object]:
    """A database or Kafka as one pod with disks of its own, and its address."""
    pod = _pod(name, service, {}, CPU_OF_SERVERS)
    pod["containers"][0] |= {
        "ports": [{"name": f"port-{port}", "containerPort": port} for port in SERVER_PORTS[name]],
        **server_probes(service),
    }
    _, _, kept = mounts(service)
    stateful = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(name, "server"),
        "spec": {
            "serviceName": name,
            "replicas": 1,
            "selector": {"matchLabels": labels(name, "server")},
            "template": {"metadata": _pod_metadata(name, service, "server"), "spec": pod},
            "volumeClaimTemplates": [_claim(volume) for volume in kept],
        },
    }
    address = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, "server"),
        "spec": {
            # Kafka's broker must find itself by this name before it is ready.
            "publishNotReadyAddresses": True,
            "clusterIP": "None",
            "selector": labels(name, "server"),
            "ports": [{"name": f"port-{port}", "port": port} for port in SERVER_PORTS[name]],
        },
    }
    return [address, stateful]


def networks(api: Object) -> list[Object]:
    """Nothing is reached or reaches out, but for what is named: as the networks of docker-compose.yml.

    `api` is control-api's entry there, whose port an Ingress may reach.
    """
    everybody = {"matchLabels": {"app.kubernetes.io/part-of": "axiom"}}
    service = {"matchLabels": {"app.kubernetes.io/component": "service"}}
    dns = {
        "to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)],
    }
    public = {
        "ipBlock": {
            "cidr": "0.0.0.0/0",
            "except": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8"],
        }
    }
    return [
        _policy("nothing", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        _policy("among-ourselves", {
            "podSelector": everybody, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": everybody}]}],
            "egress": [{"to": [{"podSelector": everybody}]}, dns],
        }),
        # Where they are elsewhere: a managed PostgreSQL, Kafka in a namespace of its own.
        _policy("to-servers", {
            "podSelector": service, "policyTypes": ["Egress"],
            "egress": [{"ports": [_tcp(port) for ports in SERVER_PORTS.values() for port in ports]}],
        }),
        _policy("to-the-api", {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "control-api"}},
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{"namespaceSelector": {"matchLabels": ENTRANCE}}],
                "ports": [_tcp(port["containerPort"]) for port in _more_ports(api)],
            }],
        }),
        _policy("outside", {
            "podSelector": {"matchLabels": OUTSIDE}, "policyTypes": ["Egress"],
            "egress": [{"to": [public], "ports": [_tcp(443), _tcp(80)]}],
        }),
        _policy("prometheus", {
            "podSelector": service,
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{"namespaceSelector": {"matchLabels": MONITORING}}],
                "ports": [_tcp(HEALTH_PORT)],
            }],
        }),
    ]  # fmt: skip


def scaler(name: str) -> Object:
    """KEDA: one more member for each `SCALED` records of lag, at most one for each partition.

    The lag is that of Kafka's committed offsets, which sinks write for tools like this one. `minReplicaCount`
    is 1: a service that keeps a store must notice that its log or store was changed, also when nothing flows.
    """
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(name, "scaler"),
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": 1,
            "maxReplicaCount": PARTITIONS,
            "pollingInterval": 15,
            # A member that comes or goes stops all of them for a moment: leave slowly.
            "cooldownPeriod": 300,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {
                        "scaleDown": {
                            "stabilizationWindowSeconds": 300,
                            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
                        },
                        "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 30}]},
                    }
                }
            },
            "triggers": [
                {
                    "type": "kafka",
                    "metadata": {
                        # No topic is named: the lag of all that the group has read counts. KEDA is in another
                        # namespace, so what our pods are told of Kafka must be a name that holds there too.
                        "bootstrapServersFromEnv": "AXIOM_KAFKA_BOOTSTRAP",
                        "consumerGroup": name,
                        "lagThreshold": str(SCALED[name]),
                        "offsetResetPolicy": "earliest",
                        "allowIdleConsumers": "false",
                    },
                }
            ],
        },
    }


def _pod(name: str, service: Object, common: dict[str, str], cpu: str) -> Object:
    mounted, volumes, _ = mounts(service)
    own = environment(service, common)
    container: Object = {
        "name": name,
        "image": plain(service["image"]),
        "imagePullPolicy": "IfNotPresent",
        **_command(service, server=not common),
        **({"envFrom": [{"configMapRef": {"name": CONFIG}}]} if common else {}),
        **({"env": own} if own else {}),
        "resources": resources(service, cpu),
        "securityContext": container_security(service),
        "volumeMounts": mounted,
    }
    return {
        "serviceAccountName": "axiom",
        "automountServiceAccountToken": False,
        # Kubernetes would add variables such as KAFKA_PORT, which Kafka's image takes for settings.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": seconds(service["stop_grace_period"]),
        "securityContext": pod_security(service),
        "containers": [container],
        "volumes": volumes,
    }


def _command(service: Object, *, server: bool) -> Object:
    """Compose's command; of a server it is the arguments of the image's own entry point."""
    words = [plain(word) for word in service.get("command", [])]
    return {"args" if server else "command": words} if words else {}


def _pod_metadata(name: str, service: Object, component: str) -> Object:
    outside = OUTSIDE if "outside" in service["networks"] else {}
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/port": str(HEALTH_PORT)}
    return {
        "labels": labels(name, component) | outside,
        **({"annotations": scrape} if component == "service" else {}),
    }


def _more_ports(service: Object) -> list[Object]:
    """Ports that compose publishes of a service of ours, such as the control plane's."""
    found = []
    for text in service.get("ports", []):
        number = int(re.findall(r":(\d+)$", text)[0])
        if number != HEALTH_PORT:
            found.append({"name": f"port-{number}", "containerPort": number})
    return found


def _tcp(port: int) -> Object:
    return {"protocol": "TCP", "port": port}


def _policy(name: str, spec: Object) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(name, "network"),
        "spec": spec,
    }


def _claim(volume: str) -> Object:
    return {
        "metadata": {"name": volume},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": DISK[volume]}}},
    }
