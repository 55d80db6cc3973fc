"""TLS with a certificate from files, who asks behind a proxy, and the interactive shell."""

from __future__ import annotations

import datetime as dt
import ipaddress
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

from app_server.config import TlsConfig
from app_server.errors import StartupError
from app_server.tls import make_tls_context
from tests.app_server.running import ROOT, RunningServer, start_server, write_files

YAML = "package_name: shop\nruntime_options: {version: 3, server_persist: true}\n"
SERVER = """
import anvil.server

@anvil.server.route("/who")
def who():
    return anvil.server.request.remote_address

@anvil.server.callable
def answer(n):
    print("asked for", n)
    return n + 1
"""


def make_certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    alternatives = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def write_app(folder: Path) -> list[str]:
    write_files(folder / "shop", {"anvil.yaml": YAML, "server_code/main.py": SERVER})
    (folder / "data").mkdir(exist_ok=True)
    return ["--app", str(folder / "shop"), "--data-dir", str(folder / "data"), "--database", "none"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    cert, key = make_certificate(folder / "tls")
    arguments = [
        *write_app(folder),
        "--origin=https://localhost:0",
        f"--manual-cert-file={cert}",
        f"--manual-cert-key-file={key}",
        "--add-hsts-headers",
        "--http-redirect-port=0",
    ]
    running = start_server(arguments)
    try:
        yield running
    finally:
        running.stop()


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "tls" / "cert.pem"))


def test_serves_pages_and_sockets_by_https(server: RunningServer, folder: Path):
    context = trusting(folder)
    url = f"https://localhost:{server.port}"
    with httpx.Client(verify=context) as client:
        answer = client.get(url + "/who")
        assert answer.text == "127.0.0.1"
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        spoofed = client.get(url + "/who", headers={"X-Forwarded-For": "1.2.3.4"})
        assert spoofed.text == "127.0.0.1", "there is no proxy"
    with connect(f"wss://localhost:{server.port}/_/ws", ssl=context) as browser:
        cookie = browser.response.headers["set-cookie"] if browser.response else ""
        assert cookie.startswith("__Host-anvil-session=") and "Secure" in cookie
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://localhost:{server.port}/who")


def test_old_versions_of_tls_are_refused(tmp_path: Path):
    context = make_tls_context(TlsConfig(*make_certificate(tmp_path / "tls")), "http/1.1")
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_those_who_come_by_http_are_sent_on(server: RunningServer):
    line = next(line for line in server.log if "Plain HTTP on port" in line)
    port = int(line.split("port ")[1].split()[0])
    url = f"http://localhost:{port}/app/x?y=1"
    answer = httpx.get(url, follow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["location"] == f"https://localhost:{server.port}/app/x?y=1"
    for request in (
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(request)
            assert raw.recv(1000).startswith(b"HTTP/1.1 404"), request


def test_a_renewed_certificate_is_taken_over(server: RunningServer, folder: Path):
    before = ssl.get_server_certificate(("127.0.0.1", server.port))
    make_certificate(folder / "tls")
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while ssl.get_server_certificate(("127.0.0.1", server.port)) == before:
        assert time.monotonic() < end
        time.sleep(0.1)
    (folder / "tls" / "key.pem").write_text("broken")
    server.process.send_signal(signal.SIGHUP)
    while not any("What was before goes on" in line for line in server.log):
        assert time.monotonic() < end
        time.sleep(0.1)
    url = f"https://localhost:{server.port}/who"
    assert httpx.get(url, verify=trusting(folder)).text == "127.0.0.1"


def test_says_what_is_wrong_with_a_certificate(tmp_path: Path):
    cert, key = make_certificate(tmp_path / "one")
    _, other = make_certificate(tmp_path / "two")
    text = tmp_path / "text.pem"
    text.write_text("hello")
    with pytest.raises(StartupError, match="There is no TLS certificate or key at"):
        make_tls_context(TlsConfig(tmp_path / "none.pem", key))
    for wrong in (TlsConfig(cert, other), TlsConfig(text, key), TlsConfig(cert, text)):
        with pytest.raises(StartupError, match="are not a certificate and its key in PEM"):
            make_tls_context(wrong)
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"word")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    key.write_bytes(loaded.private_bytes(*form))
    with pytest.raises(StartupError, match="encrypted"):
        make_tls_context(TlsConfig(cert, key))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "127.0.0.1"),
        (["--origin=https://shop.example"], "9.9.9.9"),
        (["--disable-tls"], "9.9.9.9"),
        (["--forward-headers-insecure"], "8.8.8.8"),
    ],
)
def test_the_visitors_address_behind_a_proxy(tmp_path: Path, options: list[str], expected: str):
    server = start_server([*write_app(tmp_path), *options])
    try:
        headers = {"X-Forwarded-For": "8.8.8.8, 9.9.9.9"}
        assert server.get("/who", headers=headers).text == expected
    finally:
        server.stop()


def test_a_shell_that_is_connected_to_the_app(tmp_path: Path):
    arguments = [*write_app(tmp_path), "--ip=127.0.0.1", "--port=0", "--shell"]
    commands = "print('the answer is', anvil.server.call('answer', 41))\nexit()\n"
    done = subprocess.run(
        [sys.executable, "-m", "app_server", *arguments],
        input=commands,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert "connected to your Anvil app via the Uplink" in done.stderr
    assert "the answer is 42" in done.stdout
    assert done.returncode == 0 and "the server ends, too" in done.stderr
