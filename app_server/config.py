"""The configuration of an instance and of the server, typed and checked once, at start."""

from __future__ import annotations

import enum
import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from app_server.errors import StartupError
from app_server.limits import CALL_TIMEOUT_SECONDS, MAX_REQUESTS_PER_SECOND
from app_server.logs import FORMATS
from app_server.options import INTEGRATIONS, OF_THE_SERVER, read_config_file

DEFAULT_PORT = 3030
DEFAULT_IP = "0.0.0.0"
INSTANCE_FILE = "instance.yaml"
SHARED = ("disable-tls", "forward-headers-insecure", "add-hsts-headers", "metrics-token")
NO_DATABASE = "none"
"""``--database none``: for an app that has no tables, users or background tasks."""


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """The SMTP server for outgoing mail."""

    host: str
    port: int
    encryption: Literal["ssl", "starttls"] | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class Proxies(enum.Enum):
    """Whose ``X-Forwarded-For`` is believed."""

    NONE = "nobody's"
    THIS_MACHINE = "that of this machine, where the origin is https"
    THIS_NETWORK = "that of this machine and of private networks"
    ANY = "everybody's"


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """The files of a certificate with its chain and of its key, as PEM."""

    cert_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """One instance: an app with its data.

    ``database`` is None where the embedded Postgres in ``data_dir`` is to be used. ``name`` is
    unique within the server: the folder's name. ``origin`` has no slash at its end.
    ``requests_per_second`` is for each address that asks; 0 is no limit. ``integrations`` are the
    options of log-ins elsewhere, such as ``google-client-id``. ``proxies`` says whose
    ``X-Forwarded-For`` is believed. ``call_seconds``, ``transaction_seconds`` and ``pool_size`` are
    limits of a call to server code, of an idle transaction and of connections to the database; None
    is the usual.
    """

    name: str
    app_folder: Path
    data_dir: Path
    origin: str
    database: str | None = field(default=None, repr=False)
    dep_ids: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    encryption_keys: dict[str, str] = field(default_factory=dict, repr=False)
    uplink_key: str | None = field(default=None, repr=False)
    client_uplink_key: str | None = field(default=None, repr=False)
    smtp: SmtpConfig | None = None
    pdf_browser: str | None = None
    auto_migrate: bool = False
    allow_data_loss: bool = False
    ignore_invalid_schema: bool = False
    requests_per_second: int = MAX_REQUESTS_PER_SECOND
    integrations: dict[str, str] = field(default_factory=dict, repr=False)
    proxies: Proxies = Proxies.THIS_MACHINE
    has_hsts: bool = False
    call_seconds: float = CALL_TIMEOUT_SECONDS
    transaction_seconds: float | None = None
    pool_size: int | None = None
    metrics_token: str | None = field(default=None, repr=False)

    @property
    def host_name(self) -> str:
        return (urlsplit(self.origin).hostname or "").lower()

    @property
    def is_local(self) -> bool:
        """Whether only people at this machine can come, who may be told what is wrong."""
        name = self.host_name
        return name in ("localhost", "127.0.0.1", "::1") or name.endswith(".localhost")

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What to serve and where. Either ``instance`` or ``instances_folder`` is set; ``shared`` are
    options that count for every instance of the folder."""

    ip: str
    port: int
    instance: InstanceConfig | None = None
    instances_folder: Path | None = None
    tls: TlsConfig | None = None
    redirect_port: int | None = None
    smtp_server_port: int | None = None
    has_shell: bool = False
    log_format: str = "text"
    shared: dict[str, Any] = field(default_factory=dict)


def make_server_config(given: dict[str, Any]) -> ServerConfig:
    """From the options of the command line. StartupError says what is wrong with them."""
    if "config-file" in given:
        given = {**read_config_file(Path(given["config-file"])), **given}
    ip = str(given.get("ip", DEFAULT_IP))
    try:
        ipaddress.ip_address(ip)
    except ValueError as error:
        raise StartupError(f"--ip {ip}: this is not an IP address.") from error
    port = check_port(given, "port")
    tls = _make_tls_config(given)
    redirect_port = check_port(given, "http-redirect-port")
    mail_port = check_port(given, "smtp-server-port")
    log_format = str(given.get("log-format", "text"))
    if log_format not in FORMATS:
        raise StartupError(f"--log-format {log_format}: expected 'text' or 'json'.")
    if "instances" in given:
        others = sorted(set(given) - OF_THE_SERVER - {"instances", "config-file"})
        if others:
            raise StartupError(
                f"--{others[0]} does not go together with --instances: it belongs into the "
                f"{INSTANCE_FILE} of each instance."
            )
        folder = Path(given["instances"]).absolute()
        if not folder.is_dir():
            raise StartupError(f"--instances {folder}: there is no such folder.")
        port = DEFAULT_PORT if port is None else port
        shared = {name: given[name] for name in SHARED if name in given}
        if tls is not None:
            shared["manual-cert-file"] = given["manual-cert-file"]
        return ServerConfig(
            ip,
            port,
            instances_folder=folder,
            tls=tls,
            redirect_port=redirect_port,
            smtp_server_port=mail_port,
            log_format=log_format,
            shared=shared,
        )
    has_shell = bool(given.get("shell"))
    if has_shell and not given.get("uplink-key"):
        given = {**given, "uplink-key": secrets.token_urlsafe(32)}
    instance = make_instance_config(given, Path.cwd(), port=port)
    if tls is not None and not instance.is_https:
        raise StartupError(
            "--manual-cert-file is for an app that is reached by https: give its address, such as "
            "--origin https://my-app.com."
        )
    if port is None:
        usual = {"http": 80, "https": 443 if tls is not None else DEFAULT_PORT}
        port = urlsplit(instance.origin).port or usual[urlsplit(instance.origin).scheme]
    return ServerConfig(
        ip,
        port,
        instance=instance,
        tls=tls,
        redirect_port=redirect_port,
        smtp_server_port=mail_port,
        log_format=log_format,
        has_shell=has_shell,
    )


def check_port(options: dict[str, Any], name: str) -> int | None:
    port: int | None = options.get(name)
    if port is not None and port > 65535:
        raise StartupError(f"--{name} {port}: ports end at 65535.")
    return port


def _make_tls_config(options: dict[str, Any]) -> TlsConfig | None:
    """As on Anvil's server, ``disable-tls`` wins, and both files have to be given."""
    cert, key = options.get("manual-cert-file"), options.get("manual-cert-key-file")
    if options.get("disable-tls"):
        return None
    if bool(cert) != bool(key):
        raise StartupError("--manual-cert-file and --manual-cert-key-file have to come together.")
    return TlsConfig(Path(cert).absolute(), Path(key).absolute()) if cert and key else None


def read_instance_config(
    folder: Path, port: int, shared: dict[str, Any] | None = None
) -> InstanceConfig:
    """From the ``instance.yaml`` of an instance's folder; relative paths start there. Its ``ip``,
    ``port`` and certificate count only for a server of its own; ``shared`` are the options that
    this server gives to all its instances."""
    options = read_config_file(folder / INSTANCE_FILE)
    options.pop("manual-cert-file", None)
    options.update(shared or {})
    if "app" not in options:
        raise StartupError(f"{folder / INSTANCE_FILE} has to name the app's folder: `app: ...`.")
    options.setdefault("origin", f"http://{folder.name}.localhost:{port}")
    return make_instance_config(options, folder, port=port, name=folder.name)


def make_instance_config(
    options: dict[str, Any], base: Path, *, port: int | None, name: str | None = None
) -> InstanceConfig:
    app_folder = (base / options.get("app", ".")).absolute()
    default_origin = f"http://localhost:{DEFAULT_PORT if port is None else port}"
    origin = str(options.get("origin") or default_origin).rstrip("/")
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise StartupError(
            f"origin {origin}: expected an address like https://my-app.com, without a path."
        )
    return InstanceConfig(
        name=name or app_folder.name,
        app_folder=app_folder,
        data_dir=_make_data_dir(options, base),
        origin=origin,
        database=options.get("database"),
        dep_ids=options.get("dep-id", {}),
        secrets=options.get("secret", {}),
        encryption_keys=options.get("encryption-key", {}),
        uplink_key=_check_key(options, "uplink-key"),
        client_uplink_key=_check_key(options, "client-uplink-key"),
        smtp=_make_smtp_config(options),
        pdf_browser=options.get("pdf-browser"),
        auto_migrate=bool(options.get("auto-migrate")),
        allow_data_loss=bool(options.get("allow-data-loss")),
        ignore_invalid_schema=bool(options.get("ignore-invalid-schema")),
        requests_per_second=options.get("requests-per-second", MAX_REQUESTS_PER_SECOND),
        integrations={name: options[name] for name in INTEGRATIONS if name in options},
        proxies=_choose_proxies(options),
        has_hsts=bool(options.get("add-hsts-headers")) and origin.startswith("https://"),
        call_seconds=options.get("downlink-worker-timeout") or CALL_TIMEOUT_SECONDS,
        transaction_seconds=options.get("data-table-txn-timeout"),
        pool_size=options.get("db-connection-pool-size"),
        metrics_token=_check_key(options, "metrics-token"),
    )


def _choose_proxies(options: dict[str, Any]) -> Proxies:
    """Where this server does TLS itself there is no proxy; else one on this machine is expected for
    an https origin, and with ``disable-tls`` one in the same network."""
    if options.get("forward-headers-insecure"):
        return Proxies.ANY
    if options.get("disable-tls"):
        return Proxies.THIS_NETWORK
    return Proxies.NONE if options.get("manual-cert-file") else Proxies.THIS_MACHINE


def _make_data_dir(options: dict[str, Any], base: Path) -> Path:
    """As on Anvil's server: the default folder is made, one that was named has to be there."""
    folder = (base / str(options.get("data-dir", ".anvil-data"))).absolute()
    if folder.is_dir():
        return folder
    if "data-dir" in options or folder.exists():
        raise StartupError(f"data-dir {folder} is not a folder. Make it first.")
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StartupError(f"Cannot make the data folder {folder}: {error.strerror}.") from error
    return folder


def _check_key(options: dict[str, Any], name: str) -> str | None:
    key = options.get(name)
    if key is not None and not str(key).strip():
        raise StartupError(f"{name} is empty. Leave it out to allow no such uplinks.")
    return key


def _make_smtp_config(options: dict[str, Any]) -> SmtpConfig | None:
    host = options.get("smtp-host")
    if host is None:
        names = set(options) - {"smtp-server-port"}
        lonely = sorted(name for name in names if name.startswith("smtp-"))
        if lonely:
            raise StartupError(f"{lonely[0]} is given without smtp-host.")
        return None
    encryption = options.get("smtp-encryption")
    if encryption not in (None, "ssl", "starttls"):
        raise StartupError(f"smtp-encryption {encryption}: expected 'ssl' or 'starttls'.")
    password = options.get("smtp-password")
    username = options.get("smtp-username") or ("apikey" if password is not None else None)
    return SmtpConfig(
        host=host,
        port=options.get("smtp-port") or (587 if encryption else 25),
        encryption=encryption,
        username=username if password is not None else None,
        password=password,
    )
