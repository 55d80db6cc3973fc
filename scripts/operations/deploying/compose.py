"""A Compose project: server, Postgres, Caddy, and what backs up and proves the backups.

Every container: an account of its own, no capability that it does not need, a read-only root, no
way to more rights, limits. Fields as in https://github.com/compose-spec/compose-spec .
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.operations.deploying import container
from scripts.operations.deploying.caddy import make_caddyfile
from scripts.operations.deploying.container import Addresses
from scripts.operations.deploying.facts import Tenant, choose_memory
from scripts.operations.deploying.files import SECRETS_FOLDER, SecretFile, dump_all
from scripts.operations.deploying.settings import PORT, USER_ID, Settings
from scripts.operations.home import ROOT

POSTGRES_IMAGE = "postgres:18"
POSTGRES_USER = 999
"""Of the account ``postgres`` in Debian's image of it."""
CADDY_IMAGE = "caddy:2"
ROLE = "mybizz"
# The embedded server holds up to 10 connections for each instance that is in use.
CONNECTIONS = 500
Service = dict[str, Any]


def list_compose_secrets(settings: Settings, database_url: str | None) -> dict[str, SecretFile]:
    own = {container.PASSWORD_FILE: SecretFile(lambda: secrets.token_urlsafe(24))}
    return container.list_secrets(settings, database_url, own)


def make_own_url(password: str) -> str:
    """Where our containers find the Postgres that is deployed along."""
    return f"postgresql://{ROLE}:{password}@postgres:5432/postgres\n"


def make_compose_files(settings: Settings, tenants: Sequence[Tenant]) -> dict[str, str]:
    """``compose.yaml`` and ``Caddyfile``."""
    services: dict[str, Service] = {"prepare": _make_prepare(settings)}
    services.update(_make_servers(settings, tenants))
    if settings.has_own_database:
        services["postgres"] = _make_postgres()
    services["caddy"] = _make_caddy([name for name in services if _is_server(name)])
    services.update(_make_helpers(settings))
    names = [container.SERVER_FILE, container.DATABASE_FILE]
    if settings.has_own_database:
        names.append(container.PASSWORD_FILE)
    volumes: dict[str, Any] = {"data": {}, "caddy-data": {}, "caddy-config": {}}
    if not settings.backups:
        volumes["backups"] = {}
    if settings.has_own_database:
        volumes["postgres"] = {}
    document: dict[str, object] = {
        "name": "mybizz",
        "services": services,
        # Nobody outside gets at Postgres; Caddy does not either. Providers of mail and payments
        # are reached from "front".
        "networks": {"front": {}, "back": {"internal": True}},
        "volumes": volumes,
        "secrets": {name: {"file": f"./{SECRETS_FOLDER}/{name}"} for name in names},
        "configs": {"caddyfile": {"file": "./Caddyfile"}},
    }
    upstream = f"server:{PORT}"
    return {
        "compose.yaml": dump_all("compose", [document]),
        "Caddyfile": make_caddyfile(settings, tenants, upstream),
    }


def _is_server(name: str) -> bool:
    return name == "server" or name.startswith("app-")


def _make_ours(settings: Settings, command: list[str]) -> Service:
    """A container of our image."""
    return {
        "image": settings.image_name,
        "build": {
            "context": str(ROOT),
            "dockerfile": "deploy/Containerfile",
            "target": settings.server,
        },
        "command": command,
        "user": f"{USER_ID}:{USER_ID}",
        **_make_locks(),
        "environment": container.make_environment(settings, Addresses()),
        "secrets": [container.SERVER_FILE, container.DATABASE_FILE],
        "volumes": ["data:/data"],
        "networks": ["front", "back"],
        **_make_limits("1024Mi", settings.cpus),
    }


def _make_locks() -> Service:
    """What no container may do. ``init`` ends what a killed program leaves."""
    return {
        "init": True,
        "read_only": True,
        "tmpfs": ["/tmp:mode=1777", f"{container.CACHE}:mode=1777"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
        "logging": {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}},
    }


def _make_limits(memory: str, cpus: str) -> Service:
    """Compose counts in units of 1024, and writes them "m" and "g"."""
    limit = memory.replace("Mi", "m").replace("Gi", "g").replace("Ti", "t")
    limits = {"cpus": cpus, "memory": limit, "pids": container.PIDS}
    return {"deploy": {"resources": {"limits": limits}}}


def _needs_database(settings: Settings) -> Service:
    return {"postgres": {"condition": "service_healthy"}} if settings.has_own_database else {}


def _make_prepare(settings: Settings) -> Service:
    """Runs once before the servers do: folders, and the releases that came with the image."""
    service = _make_ours(settings, container.command_of("deploy", "prepare"))
    return {**service, "restart": "on-failure:5", "depends_on": _needs_database(settings)}


def _make_servers(settings: Settings, tenants: Sequence[Tenant]) -> dict[str, Service]:
    memory = choose_memory(settings, tenants)
    ready = {"prepare": {"condition": "service_completed_successfully"}}
    common = {
        "depends_on": {**_needs_database(settings), **ready},
        "stop_grace_period": f"{container.STOP_SECONDS}s",
        **_make_limits(memory, settings.cpus),
    }
    if settings.is_embedded:
        service = _make_ours(settings, container.server_command(Addresses()))
        health = _make_health(f"http://127.0.0.1:{PORT}{container.READY}")
        return {"server": {**service, **common, "healthcheck": health}}
    servers = {}
    for tenant in tenants:
        service = _make_ours(settings, container.anvil_command(tenant.name))
        servers[f"app-{tenant.name}"] = {
            **service,
            **common,
            "working_dir": f"{container.DATA}/client_instances/{tenant.name}",
            # It says nothing of its health: that it serves its own page has to do.
            "healthcheck": _make_health(f"http://127.0.0.1:{PORT}/", tenant.host),
        }
    return servers


def _make_health(url: str, host: str = "") -> Service:
    headers = f", headers={{'Host': '{host}'}}" if host else ""
    program = (
        f"import urllib.request as r; r.urlopen(r.Request('{url}'{headers}), timeout=4).close()"
    )
    return {
        "test": ["CMD", container.PYTHON, "-c", program],
        "interval": "10s",
        "timeout": "5s",
        "retries": 6,
        "start_period": "120s",
    }


def _make_postgres() -> Service:
    return {
        "image": POSTGRES_IMAGE,
        "command": ["postgres", "-c", f"max_connections={CONNECTIONS}"],
        "user": f"{POSTGRES_USER}:{POSTGRES_USER}",
        **_make_locks(),
        "tmpfs": ["/tmp:mode=1777", "/var/run/postgresql:mode=1777"],
        "environment": {
            "POSTGRES_USER": ROLE,
            "POSTGRES_DB": "postgres",
            "POSTGRES_PASSWORD_FILE": f"{container.SECRETS}/{container.PASSWORD_FILE}",
            "POSTGRES_INITDB_ARGS": "--auth-host=scram-sha-256 --data-checksums",
        },
        "secrets": [container.PASSWORD_FILE],
        "volumes": ["postgres:/var/lib/postgresql"],
        "networks": ["back"],
        "shm_size": "256m",
        # It writes what is under way to the disk before it ends.
        "stop_grace_period": "60s",
        "stop_signal": "SIGINT",
        "healthcheck": {
            "test": ["CMD", "pg_isready", "-q", "-U", ROLE, "-d", "postgres"],
            "interval": "5s",
            "timeout": "5s",
            "retries": 12,
            "start_period": "30s",
        },
        **_make_limits("2048Mi", "2"),
    }


def _make_caddy(servers: Sequence[str]) -> Service:
    return {
        "image": CADDY_IMAGE,
        **_make_locks(),
        "cap_add": ["NET_BIND_SERVICE"],
        "tmpfs": ["/tmp:mode=1777"],
        "ports": ["80:80", "443:443", "443:443/udp"],
        "configs": [{"source": "caddyfile", "target": "/etc/caddy/Caddyfile"}],
        "volumes": ["caddy-data:/data", "caddy-config:/config"],
        "networks": ["front"],
        # Not until they are healthy: visitors shall hear why something is not there.
        "depends_on": {name: {"condition": "service_started"} for name in servers},
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:2019/config/"],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
        },
        **_make_limits("256Mi", "1"),
    }


def _make_helpers(settings: Settings) -> dict[str, Service]:
    """What is done by the clock."""
    place = f"{settings.backups or 'backups'}:{container.BACKUPS}"
    ready = {"prepare": {"condition": "service_completed_successfully"}}
    commands: Mapping[str, list[str]] = {
        "backup": container.repeat(
            container.BACKUP_EVERY_SECONDS,
            *("instance", "backup", "--all", "--to", container.BACKUPS),
        ),
        "drill": container.repeat(
            container.DRILL_EVERY_SECONDS,
            *("instance", "drill", "--all", "--from", container.BACKUPS),
        ),
    }
    helpers = {
        name: {
            **_make_ours(settings, command),
            "volumes": ["data:/data", place],
            "depends_on": {**_needs_database(settings), **ready},
        }
        for name, command in commands.items()
    }
    for name, command in container.companions().items() if settings.is_embedded else ():
        service = _make_ours(settings, command)
        del service["networks"]
        helpers[name] = {
            **service,
            # On the server's own network interface: 127.0.0.1 is the server.
            "network_mode": "service:server",
            "depends_on": {"server": {"condition": "service_started"}},
            **_make_limits(container.COMPANION_MEMORY, "1"),
        }
    return helpers
