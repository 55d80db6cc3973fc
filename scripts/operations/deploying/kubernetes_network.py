"""Who may talk with whom, and the way in from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scripts.operations.deploying.facts import Tenant
from scripts.operations.deploying.kubernetes_pods import (
    APP,
    CLUSTER,
    PORT_NAME,
    Manifest,
    make_manifest,
)
from scripts.operations.deploying.settings import PORT, Settings

POSTGRES_PORT = 5432
STATUS_PORT = 8000
"""Of CloudNativePG's instance manager."""
OPERATOR_NAMESPACE = "cnpg-system"
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]
"""RFC 1918, link-local (which cloud providers' metadata use) and RFC 6598. Server code has no
business there."""
OUTSIDE_PORTS = (443, 465, 587)
"""HTTPS of providers, and sending mail."""
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
SERVERS = {APP: "mybizz", "app.kubernetes.io/component": "server"}
JOBS = {APP: "mybizz", "app.kubernetes.io/component": "job"}
BODY_SIZE = "33m"
"""A little over what the server takes, so that it is the server that explains."""


def make_policies(settings: Settings) -> list[Manifest]:
    """Nothing is allowed in the namespace but this."""
    everybody: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    found = [
        _make_policy("default-deny", settings, everybody),
        _make_policy(
            "names",
            settings,
            {"podSelector": {}, "policyTypes": ["Egress"], "egress": [_to_dns()]},
        ),
        _make_policy("server", settings, _make_server_policy(settings)),
        _make_policy(
            "jobs",
            settings,
            {
                "podSelector": {"matchLabels": JOBS},
                "policyTypes": ["Egress"],
                "egress": [_to_database(settings)],
            },
        ),
    ]
    if settings.has_own_database:
        found.append(_make_policy("postgres", settings, _make_database_policy()))
    return found


def _make_policy(name: str, settings: Settings, spec: Manifest) -> Manifest:
    return make_manifest("networking.k8s.io/v1", "NetworkPolicy", name, settings, spec=spec)


def _make_server_policy(settings: Settings) -> Manifest:
    proxy = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: settings.ingress_namespace}}}
    outside = {
        "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE}}],
        "ports": [{"protocol": "TCP", "port": port} for port in OUTSIDE_PORTS],
    }
    return {
        "podSelector": {"matchLabels": SERVERS},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [proxy], "ports": [{"protocol": "TCP", "port": PORT}]}],
        "egress": [_to_database(settings), outside],
    }


def _make_database_policy() -> Manifest:
    """Postgres hears our pods, its own kind and its operator. It has to reach the API server, whose
    address nobody knows here, so what it sends is not held back."""
    port = {"protocol": "TCP", "port": POSTGRES_PORT}
    status = {"protocol": "TCP", "port": STATUS_PORT}
    operator = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: OPERATOR_NAMESPACE}}}
    itself = {"podSelector": {"matchLabels": {"cnpg.io/cluster": CLUSTER}}}
    ours = [{"podSelector": {"matchLabels": labels}} for labels in (SERVERS, JOBS)]
    return {
        "podSelector": {"matchLabels": {"cnpg.io/cluster": CLUSTER}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": ours, "ports": [port]},
            {"from": [operator, itself], "ports": [port, status]},
        ],
        "egress": [{}],
    }


def _to_dns() -> Manifest:
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {"to": [{"namespaceSelector": {}}], "ports": ports}


def _to_database(settings: Settings) -> Manifest:
    """A database elsewhere may have any address."""
    ports = [{"protocol": "TCP", "port": POSTGRES_PORT}]
    if not settings.has_own_database:
        return {"ports": [{"protocol": "TCP", "port": settings.database_port}]}
    return {
        "to": [{"podSelector": {"matchLabels": {"cnpg.io/cluster": CLUSTER}}}],
        "ports": ports,
    }


def make_ingress(settings: Settings, tenants: Sequence[Tenant]) -> Manifest:
    """One rule for each host name, and for the embedded server one for all names below the domain,
    so that a new instance can be reached at once."""
    hosts = [
        (each.host, "server" if settings.is_embedded else f"app-{each.name}") for each in tenants
    ]
    if settings.is_embedded and settings.domain:
        hosts.append((f"*.{settings.domain}", "server"))
    spec: Manifest = {
        "ingressClassName": settings.ingress_class,
        "tls": [{"hosts": [host], "secretName": _name_certificate(host)} for host, _ in hosts],
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": service, "port": {"name": PORT_NAME}}},
                        }
                    ]
                },
            }
            for host, service in hosts
        ],
    }
    if not hosts:
        del spec["tls"], spec["rules"]
        spec["defaultBackend"] = {"service": {"name": "server", "port": {"name": PORT_NAME}}}
    manifest = make_manifest("networking.k8s.io/v1", "Ingress", "mybizz", settings, spec=spec)
    manifest["metadata"]["annotations"] = {
        "cert-manager.io/cluster-issuer": settings.issuer,
        # An open page keeps a WebSocket; ingress-nginx would cut it after a quiet minute.
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
        "nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
        "nginx.ingress.kubernetes.io/proxy-body-size": BODY_SIZE,
    }
    return manifest


def _name_certificate(host: str) -> str:
    """A Secret's name (RFC 1123, section 2.1) that is another for each host."""
    return "tls-" + host.replace("*", "wildcard").replace(".", "-")[:200]
