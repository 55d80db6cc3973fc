"""Make, write and compare all files of one kind of deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.operations.deploying.compose import (
    list_compose_secrets,
    make_compose_files,
    make_own_url,
)
from scripts.operations.deploying.container import DATABASE_FILE, PASSWORD_FILE
from scripts.operations.deploying.facts import Tenant, read_console, read_tenants
from scripts.operations.deploying.files import (
    Comparison,
    SecretFile,
    compare_files,
    read_secrets,
    write_files,
)
from scripts.operations.deploying.kubernetes import (
    SECRET_FILE,
    list_kubernetes_secrets,
    make_kubernetes_files,
    make_secret_manifest,
)
from scripts.operations.deploying.settings import (
    SETTINGS_FILE,
    Settings,
    check_settings,
    format_settings,
)
from scripts.operations.deploying.systemd import list_systemd_secrets, make_systemd_files
from scripts.operations.home import Home, OperationError


@dataclass(frozen=True)
class Deployment:
    """All that is made for one installation."""

    settings: Settings
    tenants: list[Tenant]
    files: Mapping[str, str]
    secrets: Mapping[str, SecretFile]


def make_deployment(
    home: Home, settings: Settings, folder: Path, database_url: str | None
) -> Deployment:
    """What would be written into ``folder``. ``database_url`` is that of a Postgres elsewhere,
    where it is to be set. Raises ``OperationError``."""
    check_settings(settings)
    tenants = read_tenants(home, settings)
    if settings.kind == "compose":
        files = make_compose_files(settings, tenants)
        secrets = list_compose_secrets(settings, database_url)
    elif settings.kind == "kubernetes":
        files = make_kubernetes_files(settings, tenants)
        secrets = list_kubernetes_secrets(settings, database_url)
    else:
        files = make_systemd_files(settings, tenants, folder, read_console(home))
        secrets = list_systemd_secrets(settings, database_url)
    return Deployment(
        settings, tenants, {SETTINGS_FILE: format_settings(settings), **files}, secrets
    )


def write_deployment(deployment: Deployment, folder: Path) -> list[str]:
    """Gives the names of the files that changed. Secrets that are there stay."""
    found = read_secrets(folder, deployment.secrets)
    if not found.get(DATABASE_FILE, "-").strip():
        raise OperationError(
            "The database is elsewhere, and its URL is not known yet: give --database "
            "postgresql://admin:password@db.example.com:5432/postgres once (or MYBIZZ_DATABASE)."
        )
    if PASSWORD_FILE in found:
        found[DATABASE_FILE] = make_own_url(found[PASSWORD_FILE])
    if deployment.settings.kind == "kubernetes":
        found[SECRET_FILE] = make_secret_manifest(deployment.settings, found)
    return write_files(folder, deployment.files, found)


def compare_deployment(deployment: Deployment, folder: Path) -> Comparison:
    secrets = dict(deployment.secrets)
    if PASSWORD_FILE in secrets:
        secrets[DATABASE_FILE] = SecretFile(str)
    if deployment.settings.kind == "kubernetes":
        secrets[SECRET_FILE] = SecretFile(str)
    return compare_files(folder, deployment.files, secrets)
