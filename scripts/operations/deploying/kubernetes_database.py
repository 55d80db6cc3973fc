"""Postgres by the operator CloudNativePG (https://cloudnative-pg.io, API postgresql.cnpg.io/v1).

The operator makes the role ``mybizz`` with a password of its own choice, keeps copies, replaces a
primary that fails, and takes snapshots of the volumes.
"""

from __future__ import annotations

from typing import Any

from scripts.operations.deploying.kubernetes_pods import CLUSTER, Manifest, make_manifest
from scripts.operations.deploying.settings import Settings

VERSION = "postgresql.cnpg.io/v1"
IMAGE = "ghcr.io/cloudnative-pg/postgresql:18"
ROLE = "mybizz"
CONNECTIONS = 500
# Seconds first, unlike a CronJob's.
SNAPSHOT_SCHEDULE = "0 30 2 * * *"


def make_database(settings: Settings) -> list[Manifest]:
    """The cluster, and a snapshot of it every night. Backups of each business are made by the
    CronJob ``backup``, every hour."""
    storage: Manifest = {"size": settings.database_storage}
    if settings.storage_class:
        storage["storageClass"] = settings.storage_class
    snapshot: dict[str, Any] = {"snapshotOwnerReference": "none"}
    if settings.snapshot_class:
        snapshot["className"] = settings.snapshot_class
    cluster = {
        "description": "The databases of all instances",
        "imageName": IMAGE,
        "instances": settings.database_copies,
        "primaryUpdateStrategy": "unsupervised",
        "enablePDB": settings.database_copies > 1,
        "enableSuperuserAccess": False,
        "bootstrap": {
            "initdb": {
                "database": ROLE,
                "owner": ROLE,
                "encoding": "UTF8",
                "localeCollate": "C.UTF-8",
                "localeCType": "C.UTF-8",
                "dataChecksums": True,
                # Each instance gets a database and a role of its own; no more right than that.
                "postInitSQL": [f"ALTER ROLE {ROLE} CREATEDB CREATEROLE"],
            }
        },
        "postgresql": {
            "parameters": {
                "max_connections": str(CONNECTIONS),
                "shared_buffers": "512MB",
                "password_encryption": "scram-sha-256",
            }
        },
        "storage": storage,
        "backup": {"volumeSnapshot": snapshot, "target": "prefer-standby"},
        "affinity": {
            "enablePodAntiAffinity": True,
            "podAntiAffinityType": "preferred",
            "topologyKey": "kubernetes.io/hostname",
        },
        "resources": {
            "requests": {"cpu": "250m", "memory": "2Gi"},
            "limits": {"cpu": "2", "memory": "2Gi"},
        },
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    nightly = {
        "schedule": SNAPSHOT_SCHEDULE,
        "cluster": {"name": CLUSTER},
        "method": "volumeSnapshot",
        "backupOwnerReference": "self",
        "immediate": True,
    }
    return [
        make_manifest(VERSION, "Cluster", CLUSTER, settings, spec=cluster),
        make_manifest(VERSION, "ScheduledBackup", f"{CLUSTER}-nightly", settings, spec=nightly),
    ]
