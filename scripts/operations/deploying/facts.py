"""What an installation holds that a deployment has to know: its instances and their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from scripts.operations.addresses import find_console
from scripts.operations.deploying.settings import Settings
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import list_instances

BASE_MEMORY_MIB = 1024
INSTANCE_MEMORY_MIB = 64
"""Of a server with room to print PDFs, and of each of its instances: docs/operating.md, "How many
fit on one machine". Where that is not enough, a process of server code ends first."""


@dataclass(frozen=True)
class Tenant:
    """One instance. ``host`` is the name by which the public reaches it; ``is_moved`` is False
    where its own configuration still says that it is on somebody's machine."""

    name: str
    host: str
    is_moved: bool


@dataclass(frozen=True)
class Console:
    """The founder's console on this machine. ``host`` is '' where only this machine reaches it."""

    host: str
    port: int


def read_console(home: Home) -> Console | None:
    """None where there is none."""
    folder = find_console(home)
    if not folder.exists():
        return None
    config = folder.read_config()
    host = (urlsplit(str(config.get("origin", ""))).hostname or "").lower()
    return Console("" if is_local(host) else host, int(config["port"]))


def read_tenants(home: Home, settings: Settings) -> list[Tenant]:
    """All instances, by name. Raises ``OperationError`` where one has no public address, and where
    two have the same."""
    found = []
    for instance in list_instances(home):
        origin = urlsplit(str(instance.read_config().get("origin", "")))
        host = (origin.hostname or "").lower()
        is_public = bool(host) and not is_local(host)
        if not is_public and not settings.domain and settings.kind != "systemd":
            raise OperationError(
                f"{instance.name} has no public address. Give --domain example.com, so that it is "
                f"{instance.name}.example.com, or set one: scripts/mybizz instance address "
                f"{instance.name} https://..."
            )
        if not is_public and settings.domain:
            host = f"{instance.name}.{settings.domain}"
        found.append(Tenant(instance.name, host, is_public or not settings.domain))
    hosts = [tenant.host for tenant in found]
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise OperationError(f"Two instances have the address {twice[0]}. Give one another.")
    return found


def is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def choose_memory(settings: Settings, tenants: Sequence[Tenant]) -> str:
    """What one server may use: asked for, or by how many instances it serves."""
    if settings.memory:
        return settings.memory
    served = max(len(tenants), 1) if settings.is_embedded else 1
    # A server of Anvil's carries a JVM for each instance.
    base = BASE_MEMORY_MIB if settings.is_embedded else BASE_MEMORY_MIB * 3 // 2
    return f"{base + served * INSTANCE_MEMORY_MIB}Mi"
