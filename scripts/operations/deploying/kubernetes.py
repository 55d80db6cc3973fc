"""Kubernetes: all manifests of an installation, in the order in which they are applied.

The pods keep to the level "restricted" of the Pod Security Standards, which the namespace enforces.
One server pod holds the volume with the instances' folders: a new one starts when the old one has
ended (``Recreate``), and visitors wait at the ingress meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.operations.deploying import kubernetes_database, kubernetes_jobs, kubernetes_network
from scripts.operations.deploying.container import (
    COMPANION_MEMORY,
    DATABASE_FILE,
    READY,
    SERVER_FILE,
    anvil_command,
    command_of,
    companions,
    list_secrets,
    make_environment,
    server_command,
)
from scripts.operations.deploying.facts import Tenant, choose_memory
from scripts.operations.deploying.files import SECRETS_FOLDER, SecretFile, dump_all
from scripts.operations.deploying.kubernetes_pods import (
    ADDRESSES,
    APP,
    CONFIG,
    PORT_NAME,
    SECRET,
    Manifest,
    make_claim,
    make_container,
    make_manifest,
    make_pod,
)
from scripts.operations.deploying.settings import PORT, Settings

SECRET_FILE = "secret.yaml"
STOP_SECONDS = 45
"""5 s until nobody is sent here any more, then what ``container.STOP_SECONDS`` allows."""


def list_kubernetes_secrets(settings: Settings, database_url: str | None) -> dict[str, SecretFile]:
    # The operator of the database makes that one's password itself.
    return list_secrets(settings, database_url, {})


def make_secret_manifest(settings: Settings, secrets: Mapping[str, str]) -> str:
    """The Secret, for ``secrets/``: it is applied and never committed."""
    names = {SERVER_FILE, DATABASE_FILE}
    data = {name: text for name, text in secrets.items() if name in names}
    manifest = make_manifest("v1", "Secret", SECRET, settings, type="Opaque", stringData=data)
    return dump_all("kubernetes", [manifest])


def make_kubernetes_files(settings: Settings, tenants: Sequence[Tenant]) -> dict[str, str]:
    """File names begin with numbers: ``kubectl apply -f`` goes by them."""
    groups: dict[str, list[Manifest]] = {
        "00-namespace.yaml": [_make_namespace(settings)],
        "10-config.yaml": [_make_config(settings)],
        "20-storage.yaml": [make_claim("data", settings), make_claim("backups", settings)],
        "50-server.yaml": _make_servers(settings, tenants),
        "60-jobs.yaml": kubernetes_jobs.make_jobs(settings),
        "70-network.yaml": kubernetes_network.make_policies(settings),
        "80-ingress.yaml": [kubernetes_network.make_ingress(settings, tenants)],
    }
    if settings.has_own_database:
        groups["30-database.yaml"] = kubernetes_database.make_database(settings)
    return {name: dump_all("kubernetes", documents) for name, documents in sorted(groups.items())}


def _make_namespace(settings: Settings) -> Manifest:
    level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    manifest = make_manifest("v1", "Namespace", settings.namespace, settings)
    del manifest["metadata"]["namespace"]
    manifest["metadata"]["labels"].update(level)
    return manifest


def _make_config(settings: Settings) -> Manifest:
    return make_manifest(
        "v1", "ConfigMap", CONFIG, settings, data=make_environment(settings, ADDRESSES)
    )


def _make_servers(settings: Settings, tenants: Sequence[Tenant]) -> list[Manifest]:
    found = []
    for name, host, command in _list_servers(settings, tenants):
        found += [
            _make_deployment(settings, tenants, name, host, command),
            make_manifest(
                "v1",
                "Service",
                name,
                settings,
                name,
                spec={
                    "selector": {APP: "mybizz", "app.kubernetes.io/name": name},
                    "ports": [{"name": PORT_NAME, "port": 80, "targetPort": PORT_NAME}],
                },
            ),
        ]
    budget = {
        # Nodes can be emptied, one server after the other.
        "maxUnavailable": 1,
        "selector": {"matchLabels": {APP: "mybizz", "app.kubernetes.io/component": "server"}},
    }
    return [
        *found,
        make_manifest("policy/v1", "PodDisruptionBudget", "server", settings, spec=budget),
    ]


def _list_servers(
    settings: Settings, tenants: Sequence[Tenant]
) -> list[tuple[str, str, list[str]]]:
    """Name, host name that it is asked for ('': any) and command of each server."""
    if settings.is_embedded:
        return [("server", "", server_command(ADDRESSES))]
    return [(f"app-{each.name}", each.host, anvil_command(each.name)) for each in tenants]


def _make_deployment(
    settings: Settings, tenants: Sequence[Tenant], name: str, host: str, command: list[str]
) -> Manifest:
    server = {
        **make_container("server", settings, command, choose_memory(settings, tenants)),
        "ports": [{"name": PORT_NAME, "containerPort": PORT}],
        **_make_probes(host),
        # Whoever spreads visitors hears late that this one ends: until then it answers.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
    }
    if host:
        server["workingDir"] = command[2].rpartition("/")[0]
    prepare = make_container("prepare", settings, command_of("deploy", "prepare"), "512Mi")
    beside = [
        make_container(each, settings, words, COMPANION_MEMORY)
        for each, words in (companions().items() if settings.is_embedded else ())
    ]
    pod = make_pod(settings, [server, *beside], before=[prepare])
    pod["terminationGracePeriodSeconds"] = STOP_SECONDS
    labels = {APP: "mybizz", "app.kubernetes.io/name": name}
    return make_manifest(
        "apps/v1",
        "Deployment",
        name,
        settings,
        name,
        spec={
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "revisionHistoryLimit": 5,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, "app.kubernetes.io/component": "server"}},
                "spec": pod,
            },
        },
    )


def _make_probes(host: str) -> dict[str, Any]:
    """The embedded server is asked by its address: it answers for itself, not for an instance. Of
    Anvil's is asked whether it takes connections, and whether it serves its start page."""
    if host:
        header = [{"name": "Host", "value": host}]
        alive: dict[str, Any] = {"tcpSocket": {"port": PORT_NAME}}
        ready: dict[str, Any] = {"httpGet": {"path": "/", "port": PORT_NAME, "httpHeaders": header}}
    else:
        alive = {"httpGet": {"path": "/_/health", "port": PORT_NAME}}
        ready = {"httpGet": {"path": READY, "port": PORT_NAME}}
    return {
        # The first start migrates every instance: ten minutes.
        "startupProbe": {**alive, "periodSeconds": 5, "failureThreshold": 120},
        "livenessProbe": {
            **alive,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "readinessProbe": {**ready, "periodSeconds": 5, "timeoutSeconds": 4},
    }


def secret_path() -> str:
    return f"{SECRETS_FOLDER}/{SECRET_FILE}"
