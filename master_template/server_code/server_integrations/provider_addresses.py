"""Where the outside services are. Only the instance's operator can say otherwise.

The secret ``provider_addresses`` is JSON, ``{"stripe": "http://127.0.0.1:4242"}``: for a proxy, or
for tests against a local server. An owner must not be able to: they could make this server ask
addresses that only it can reach. For the same reason mail servers in private networks are refused
unless the operator names them: ``{"smtp": "mail.internal"}``.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import socket

import anvil.secrets
import anvil.server

from ..server_shared.errors import ProviderError

SECRET = "provider_addresses"

log = logging.getLogger("mybizz.integrations")


def base_url(name: str, usual: str) -> str:
    """The address of a service."""
    return operator_addresses().get(name, usual)


def operator_addresses() -> dict[str, str]:
    """What the operator has set."""
    try:
        text: str = anvil.secrets.get_secret(SECRET) or ""
    except anvil.server.AnvilWrappedError:
        return {}
    try:
        given = json.loads(text or "{}")
    except ValueError:
        log.error("the secret %s is no JSON", SECRET)
        return {}
    return {str(name): str(address) for name, address in given.items()}


def find_public_address(host: str, port: int) -> str:
    """The IP address to connect to. Raises :class:`ProviderError` where there is none, or where
    it is not one of the public internet and the operator has not allowed it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ProviderError(
            f"There is no server called {host}.", code="provider_unreachable"
        ) from error
    addresses = [str(each[4][0]) for each in found]
    if operator_addresses().get("smtp") == host:
        return addresses[0]
    public = [each for each in addresses if ipaddress.ip_address(each.split("%")[0]).is_global]
    if not public:
        raise ProviderError(
            f"{host} is not a server of the public internet. Who runs this instance can allow it.",
            permanent=True,
        )
    return public[0]
