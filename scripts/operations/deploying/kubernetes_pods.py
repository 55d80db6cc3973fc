"""What every manifest and every pod of an installation has: names, labels, locks, volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scripts.operations.deploying.container import (
    BACKUPS,
    CACHE,
    DATA,
    DATABASE_FILE,
    SERVER_FILE,
    TEMPORARY,
    Addresses,
)
from scripts.operations.deploying.settings import USER_ID, Settings

Manifest = dict[str, Any]

APP = "app.kubernetes.io/part-of"
CONFIG = "mybizz"
SECRET = "mybizz"
PORT_NAME = "http"
CLUSTER = "postgres"
DATABASE_SECRET = f"{CLUSTER}-app"
"""Made by CloudNativePG; its key ``uri`` is the address with name and password."""
# Folders of their own: Kubernetes keeps what is mounted up to date only as a folder.
ADDRESSES = Addresses("/run/secrets/database/url", f"/run/secrets/server/{SERVER_FILE}")


def make_manifest(
    version: str, kind: str, name: str, settings: Settings, label: str = "", **content: Any
) -> Manifest:
    """One object of the installation."""
    labels = {
        APP: "mybizz",
        "app.kubernetes.io/name": label or name,
        "app.kubernetes.io/managed-by": "mybizz-deploy",
    }
    metadata = {"name": name, "namespace": settings.namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def make_claim(name: str, settings: Settings) -> Manifest:
    """A volume. Anvil's servers are several pods that share it, maybe on several nodes."""
    mode = "ReadWriteOnce" if settings.is_embedded else "ReadWriteMany"
    spec: dict[str, Any] = {
        "accessModes": [mode],
        "resources": {"requests": {"storage": settings.storage}},
    }
    if settings.storage_class:
        spec["storageClassName"] = settings.storage_class
    return make_manifest("v1", "PersistentVolumeClaim", name, settings, spec=spec)


def make_container(name: str, settings: Settings, command: list[str], memory: str) -> Manifest:
    return {
        "name": name,
        "image": settings.image_name,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "envFrom": [{"configMapRef": {"name": CONFIG}}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "100m", "memory": memory, "ephemeral-storage": "256Mi"},
            "limits": {"cpu": settings.cpus, "memory": memory, "ephemeral-storage": "4Gi"},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": DATA},
            {"name": "temporary", "mountPath": TEMPORARY},
            {"name": "cache", "mountPath": CACHE},
            {"name": "database", "mountPath": "/run/secrets/database", "readOnly": True},
            {"name": "server", "mountPath": "/run/secrets/server", "readOnly": True},
        ],
    }


def make_pod(
    settings: Settings, containers: Sequence[Manifest], before: Sequence[Manifest] = ()
) -> Manifest:
    """A pod's ``spec``, with the installation's volume and secrets."""
    if settings.has_own_database:
        database = _make_secret_volume(DATABASE_SECRET, "uri", "url")
    else:
        database = _make_secret_volume(SECRET, DATABASE_FILE, "url")
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # The pod's first process takes leave of what ended programs left, such as Chromium's.
        "shareProcessNamespace": True,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "temporary", "emptyDir": {"sizeLimit": "2Gi"}},
            {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "database", **database},
            {"name": "server", **_make_secret_volume(SECRET, SERVER_FILE, SERVER_FILE)},
        ],
    }
    if before:
        spec["initContainers"] = list(before)
    return spec


def add_backups(pod: Manifest) -> None:
    """Let the pod's containers write and read backups."""
    pod["volumes"].append({"name": "backups", "persistentVolumeClaim": {"claimName": "backups"}})
    for each in pod["containers"]:
        each["volumeMounts"].append({"name": "backups", "mountPath": BACKUPS})


def _make_secret_volume(name: str, key: str, path: str) -> Manifest:
    # Readable by the pod's group (fsGroup), by nobody else.
    return {
        "secret": {"secretName": name, "defaultMode": 0o440, "items": [{"key": key, "path": path}]}
    }
