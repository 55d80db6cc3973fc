"""Serves one instance to the browser that prints, on a loopback port of its own.

The page has the instance's real address (its cookies and scripts depend on that); the browser is
told to find that address here. So printing needs neither DNS nor a way out and back in again, and
works behind any proxy.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import socket
import tempfile
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app_server.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from app_server.instance import Instance


@contextlib.asynccontextmanager
async def serve_to_browser(instance: Instance) -> AsyncIterator[list[str]]:
    """While the block runs, a Chromium with these flags finds the instance at its origin."""
    from app_server.hosting import Hosting
    from app_server.server import QuietServer

    hosting = Hosting()
    hosting.serve_only(instance)
    options: dict[str, Any] = {}
    flags = []
    with tempfile.TemporaryDirectory(prefix="anvil-pdf-", ignore_cleanup_errors=True) as folder:
        if instance.config.is_https:
            key, certificate, fingerprint = await asyncio.to_thread(make_certificate)
            paths = [Path(folder, name) for name in ("key.pem", "certificate.pem")]
            for path, content in zip(paths, (key, certificate), strict=True):
                path.write_bytes(content)
            options = {"ssl_keyfile": paths[0], "ssl_certfile": paths[1]}
            flags.append(f"--ignore-certificate-errors-spki-list={fingerprint}")
        config = uvicorn.Config(
            hosting,
            loop="none",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE_BYTES,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            **options,
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            parts = urlsplit(instance.origin)
            their_port = parts.port or (443 if instance.config.is_https else 80)
            rule = f"MAP {parts.hostname}:{their_port} 127.0.0.1:{port}"
            server = QuietServer(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield [f"--host-resolver-rules={rule}", *flags]
            finally:
                server.should_exit = server.force_exit = True
                await serving


@cache
def make_certificate() -> tuple[bytes, bytes, str]:
    """Key and certificate (PEM) for any name, and the key's fingerprint, which is what the browser
    goes by. They never leave this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "printing")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    fingerprint = base64.b64encode(hashlib.sha256(public).digest()).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM), fingerprint
