"""What runs in a container, the same for Compose and Kubernetes: programs, folders, limits."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.operations.deploying.files import SecretFile
from scripts.operations.deploying.settings import PORT, Settings

PROJECT = "/srv/mybizz"
PYTHON = f"{PROJECT}/.venv/bin/python"
DATA = "/data"
BACKUPS = "/backups"
CACHE = "/cache"
TEMPORARY = "/tmp"
SECRETS = "/run/secrets"
SERVER_FILE = "server.yaml"
DATABASE_FILE = "database-url"
PASSWORD_FILE = "postgres-password"

HEALTH = "/_/health"
READY = "/_/ready"

STOP_SECONDS = 30
"""A server that is told to stop lets calls end for 6 s and closes within a few more."""
BACKUP_EVERY_SECONDS = 3600
DRILL_EVERY_SECONDS = 7 * 24 * 3600
RETRY_SECONDS = 900
PIDS = 2048
COMPANION_MEMORY = "512Mi"


@dataclass(frozen=True)
class Addresses:
    """Where a container finds its secrets: ``database`` and ``server`` are paths of files."""

    database: str = f"{SECRETS}/{DATABASE_FILE}"
    server: str = f"{SECRETS}/{SERVER_FILE}"


def make_environment(settings: Settings, addresses: Addresses) -> dict[str, str]:
    """The environment of every container of ours. What is secret comes in files."""
    environment = {
        "HOME": TEMPORARY,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "MYBIZZ_DATA_DIR": DATA,
        "MYBIZZ_CACHE_DIR": CACHE,
        "MYBIZZ_DATABASE_FILE": addresses.database,
    }
    if settings.domain:
        environment["MYBIZZ_DOMAIN"] = settings.domain
    return environment


def command_of(*words: str) -> list[str]:
    """A command of ``scripts/mybizz``, without what that prepares: the image has it."""
    return [PYTHON, "-m", "scripts.commands.mybizz", *words]


def server_command(addresses: Addresses) -> list[str]:
    """The embedded server on all instances, behind a proxy that does TLS."""
    return [
        *(PYTHON, "-m", "app_server"),
        *("--instances", f"{DATA}/client_instances"),
        *("--ip", "0.0.0.0", "--port", str(PORT)),
        *("--disable-tls", "--log-format", "json"),
        *("--config-file", addresses.server),
    ]


def anvil_command(name: str) -> list[str]:
    """Anvil's own server on one instance. What stands here goes before ``instance.yaml``."""
    return [
        f"{PROJECT}/.venv/bin/anvil-app-server",
        *("--config-file", f"{DATA}/client_instances/{name}/instance.yaml"),
        *("--ip", "0.0.0.0", "--port", str(PORT), "--disable-tls"),
    ]


def repeat(every_seconds: int, *words: str) -> list[str]:
    """A command again and again, sooner where it failed. The container ends at once when it is told
    to, also while it waits."""
    wait = f'if "$@"; then next=$0; else next={RETRY_SECONDS}; fi'
    loop = f"trap 'exit 0' TERM; while :; do {wait}; sleep \"$next\" & wait $!; done"
    return ["sh", "-c", loop, str(every_seconds), *command_of(*words)]


def companions() -> dict[str, list[str]]:
    """Commands that always run beside the embedded server, and reach it as on one machine."""
    return {
        "watch": command_of("fleet", "watch", "--log-format", "json"),
        "requests": command_of("fleet", "serve-requests"),
    }


def make_server_file() -> str:
    """Options that every instance's server has and nobody may read."""
    return f"metrics-token: {secrets.token_urlsafe(32)}\n"


def list_secrets(
    settings: Settings, database_url: str | None, own: Mapping[str, SecretFile]
) -> dict[str, SecretFile]:
    """What is kept below ``secrets/``; ``own`` where Postgres is deployed along."""
    found = {SERVER_FILE: SecretFile(make_server_file)}
    if settings.has_own_database:
        return {**found, **own}
    given = f"{database_url}\n" if database_url else None
    return {**found, DATABASE_FILE: SecretFile(lambda: "", given)}
