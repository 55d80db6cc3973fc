"""Manifests as `scripts/mybizz deploy` makes them, for tests: written, read, found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from scripts.operations.deploying.making import Deployment, make_deployment, write_deployment
from scripts.operations.deploying.settings import choose_settings
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder

DOMAIN = "mybizz.example"
ELSEWHERE = "postgresql://admin:s3cret-word@db.example.com:6432/postgres"


def make_instance(home: Home, name: str, origin: str = "") -> InstanceFolder:
    """As far as manifests look at one."""
    instance = InstanceFolder(name, home.instances / name)
    instance.path.mkdir(parents=True)
    instance.write_config({"origin": origin or f"http://{name}.localhost:3030"})
    return instance


def deploy(
    home: Home, folder: Path, kind: str, database_url: str | None = None, **options: Any
) -> Deployment:
    """Write the files of one kind into ``folder``."""
    options.setdefault("domain", DOMAIN)
    if database_url:
        options.setdefault("has_own_database", False)
    settings = choose_settings(kind, folder, options)
    deployment = make_deployment(home, settings, folder, database_url)
    write_deployment(deployment, folder)
    return deployment


def read_manifests(folder: Path) -> list[dict[str, Any]]:
    """All Kubernetes objects of a folder, the Secret too."""
    files = [*sorted(folder.glob("[0-9]*.yaml")), folder / "secrets" / "secret.yaml"]
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]


def read_compose(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((folder / "compose.yaml").read_text())
    return document


def find(manifests: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    found = [
        each
        for each in manifests
        if each["kind"] == kind and name in (None, each["metadata"]["name"])
    ]
    assert len(found) == 1, (kind, name, len(found))
    return found[0]


def list_pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod templates by the name of what makes them."""
    pods = {}
    for each in manifests:
        if each["kind"] == "Deployment":
            pods[each["metadata"]["name"]] = each["spec"]["template"]
        elif each["kind"] == "CronJob":
            pods[each["metadata"]["name"]] = each["spec"]["jobTemplate"]["spec"]["template"]
    return pods
