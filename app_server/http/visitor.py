"""Facts about who asks, read from a connection."""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection

from app_server.config import Proxies
from app_server.instance import Instance


def client_ip(connection: HTTPConnection, instance: Instance) -> str:
    """The address of who asks: the connection's, or what a proxy that is believed says last in
    X-Forwarded-For. With ``--forward-headers-insecure`` it is what stands there first, as on
    Anvil's server: any visitor may have written that."""
    peer = connection.client.host if connection.client else ""
    # Some proxies add a header of their own after the visitor's, others add to that one.
    forwarded = connection.headers.getlist("x-forwarded-for")
    if not forwarded or not _is_believed(peer, instance):
        return peer
    if instance.config.proxies is Proxies.ANY:
        return forwarded[0].split(",")[0].strip()
    return forwarded[-1].split(",")[-1].strip()


def _is_believed(peer: str, instance: Instance) -> bool:
    proxies = instance.config.proxies
    if proxies in (Proxies.ANY, Proxies.NONE):
        return proxies is Proxies.ANY
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if proxies is Proxies.THIS_NETWORK:
        return address.is_loopback or address.is_private
    return address.is_loopback and instance.config.is_https


def request_path(connection: HTTPConnection) -> str:
    """The path as it was asked for, percent-encoded, as Anvil's server gives it to routes."""
    raw = connection.scope.get("raw_path")
    return raw.decode("latin-1") if raw else str(connection.scope["path"])
