"""Facts about who asks, read from a connection."""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection

from app_server.instance import Instance


def client_ip(connection: HTTPConnection, instance: Instance) -> str:
    """The address of who asks. This server does not do TLS: with an https origin there is a proxy
    before it, and if that is on this machine, what it says last in X-Forwarded-For counts."""
    peer = connection.client.host if connection.client else ""
    # Some proxies add a header of their own after the visitor's, others add to that one.
    forwarded = connection.headers.getlist("x-forwarded-for")
    if forwarded and instance.config.is_https and _is_loopback(peer):
        return forwarded[-1].split(",")[-1].strip()
    return peer


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def request_path(connection: HTTPConnection) -> str:
    """The path as it was asked for, percent-encoded, as Anvil's server gives it to routes."""
    raw = connection.scope.get("raw_path")
    return raw.decode("latin-1") if raw else str(connection.scope["path"])
