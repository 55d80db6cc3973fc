"""The command line and the config file: anvil-app-server's options, with the same meaning.

Source: ``COMMAND-LINE-OPTIONS`` and ``handle-basic-config`` in anvil.app-server.run. A config file
is YAML with the options' names as keys; what stands on the command line wins.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app_server.apps.folder import read_yaml
from app_server.errors import StartupError


class Kind(enum.Enum):
    TEXT = "VALUE"
    NUMBER = "NUMBER"
    FLAG = ""
    MAP = "NAME=VALUE"


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    kind: Kind
    help: str


INTEGRATIONS = {
    "google-client-id": "Client ID for Google log-ins",
    "google-client-secret": "Client secret for Google log-ins",
    "google-api-key": "API key for Google Maps",
    "google-refresh-token": "Refresh token for access to Google on the app's own behalf",
    "facebook-app-id": "App ID for Facebook log-ins",
    "facebook-app-secret": "App secret for Facebook log-ins",
    "microsoft-app-id": "App ID for Microsoft log-ins",
    "microsoft-app-secret": "App secret for Microsoft log-ins",
    "microsoft-tenant-id": "Tenant ID for Microsoft log-ins",
}

OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("app", Kind.TEXT, "Folder of the app to serve (default: the current one)"),
        Option("instances", Kind.TEXT, "Serve every instance found in this folder, by host name"),
        Option("config-file", Kind.TEXT, "Read options from this YAML file"),
        Option("dep-id", Kind.MAP, "Folder, beside the app, of the dependency with this id"),
        Option(
            "database",
            Kind.TEXT,
            "URL of the Postgres database (default: an embedded one), or none",
        ),
        Option("data-dir", Kind.TEXT, "Folder for secrets, sessions and data (.anvil-data)"),
        Option("secret", Kind.MAP, "An app secret"),
        Option("encryption-key", Kind.MAP, "An app encryption key"),
        Option("uplink-key", Kind.TEXT, "Key of server (trusted) uplinks"),
        Option("client-uplink-key", Kind.TEXT, "Key of client (not trusted) uplinks"),
        Option("origin", Kind.TEXT, "The app's address, such as https://my-app.com"),
        Option("ip", Kind.TEXT, "Address to listen on (default: 0.0.0.0)"),
        Option("port", Kind.NUMBER, "Port to listen on (default: that of the origin, or 3030)"),
        Option("auto-migrate", Kind.FLAG, "Change the tables to fit the app's schema"),
        Option("allow-data-loss", Kind.FLAG, "Migrate though values do not fit their new type"),
        Option("ignore-invalid-schema", Kind.FLAG, "Start although tables and schema differ"),
        Option(
            "requests-per-second",
            Kind.NUMBER,
            "HTTP requests to the app from one address, on average (default: 50; 0: no limit)",
        ),
        Option(
            "downlink-worker-timeout",
            Kind.NUMBER,
            "Seconds that a call to server code may take (default: 30)",
        ),
        Option(
            "data-table-txn-timeout",
            Kind.NUMBER,
            "Seconds after which a transaction left idle is rolled back (default: 10)",
        ),
        Option(
            "db-connection-pool-size",
            Kind.NUMBER,
            "Connections to the database, at most (default: 10)",
        ),
        Option("shell", Kind.FLAG, "Open a Python shell that is connected by an uplink"),
        Option(
            "metrics-token",
            Kind.TEXT,
            "Whoever sends it may read /_/metrics (default: only programs on this machine)",
        ),
        Option("log-format", Kind.TEXT, "text (default) or json: one object a line"),
        Option("disable-tls", Kind.FLAG, "A proxy before this server does TLS; believe it"),
        Option("manual-cert-file", Kind.TEXT, "TLS certificate (with its chain), as PEM"),
        Option("manual-cert-key-file", Kind.TEXT, "Private key of that certificate, as PEM"),
        Option(
            "http-redirect-port",
            Kind.NUMBER,
            "Send those who ask by plain HTTP on this port to the HTTPS address",
        ),
        Option("add-hsts-headers", Kind.FLAG, "Tell browsers to come by HTTPS only"),
        Option(
            "forward-headers-insecure",
            Kind.FLAG,
            "Believe X-Forwarded-For whoever sends it",
        ),
        Option(
            "pdf-browser", Kind.TEXT, "Chromium or Chrome for anvil.pdf (default: if installed)"
        ),
        Option("smtp-server-port", Kind.NUMBER, "Receive e-mail on this port (default: do not)"),
        Option("smtp-host", Kind.TEXT, "SMTP server for outgoing mail"),
        Option("smtp-port", Kind.NUMBER, "Its port (25, or 587 with --smtp-encryption)"),
        Option("smtp-encryption", Kind.TEXT, "ssl or starttls"),
        Option("smtp-username", Kind.TEXT, "User name at the SMTP server (default: apikey)"),
        Option("smtp-password", Kind.TEXT, "Password at the SMTP server"),
        *(Option(name, Kind.TEXT, help) for name, help in INTEGRATIONS.items()),
    )
}

OWN_PROCESSES = "server code runs in processes that this server starts itself."
NO_CERTIFICATES = (
    "this server gets no certificates by itself. Give it one with --manual-cert-file and "
    "--manual-cert-key-file, or put a proxy that does TLS before it (--disable-tls)."
)

LACKING: dict[str, str] = {
    "downlink-key": OWN_PROCESSES,
    "letsencrypt-storage": NO_CERTIFICATES,
    "letsencrypt-staging": NO_CERTIFICATES,
}
"""Options of anvil-app-server that this server has not, with the reason."""

ON_COMMAND_LINE_ONLY = frozenset({"instances", "config-file"})
OF_THE_SERVER = frozenset(
    (
        "ip",
        "port",
        "disable-tls",
        "manual-cert-file",
        "manual-cert-key-file",
        "http-redirect-port",
        "add-hsts-headers",
        "forward-headers-insecure",
        "smtp-server-port",
        "metrics-token",
        "log-format",
    )
)
"""Those that also go together with --instances."""
NAME_AND_VALUE = re.compile(r"(.*?)=(.*)", re.DOTALL)


def usage() -> str:
    lines = ["usage: python -m app_server [options]", ""]
    for option in OPTIONS.values():
        head = f"  --{option.name} {option.kind.value}".rstrip()
        lines.append(f"{head:<40} {option.help}")
    return "\n".join(lines)


def parse_arguments(arguments: Sequence[str]) -> dict[str, Any]:
    """Options by name as given on the command line: ``--name value`` or ``--name=value``.
    StartupError for one that is unknown, lacking or incomplete."""
    given: dict[str, Any] = {}
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--"):
            raise StartupError(f"Unknown argument: {word}. Run with --help for the options.")
        name, has_value, value = word[2:].partition("=")
        option = find_option(name, "--")
        if option.kind is Kind.FLAG:
            if has_value:
                raise StartupError(f"--{name} takes no value.")
            given[name] = True
            continue
        if not has_value:
            if not waiting:
                raise StartupError(f"--{name} needs a value ({option.kind.value}).")
            value = waiting.pop(0)
        if option.kind is Kind.MAP:
            match = NAME_AND_VALUE.fullmatch(value)
            if match is None:
                raise StartupError(f"--{name} {value}: expected NAME=VALUE.")
            given.setdefault(name, {})[match[1]] = match[2]
        else:
            given[name] = check_value(option, value, f"--{name}")
    return given


def read_config_file(path: Path) -> dict[str, Any]:
    """Options by name from a YAML file. StartupError as for the command line."""
    if not path.is_file():
        raise StartupError(f"There is no config file at {path}.")
    content = read_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise StartupError(f"{path} has to be a mapping of option names to values.")
    options: dict[str, Any] = {}
    for key, value in content.items():
        name = str(key)
        option = find_option(name, f"{path}: ")
        if name in ON_COMMAND_LINE_ONLY:
            raise StartupError(f"{path}: {name} can only stand on the command line.")
        if value is not None:
            options[name] = check_value(option, value, f"{path}: {name}")
    return options


def find_option(name: str, where: str) -> Option:
    if name in OPTIONS:
        return OPTIONS[name]
    if name in LACKING:
        raise StartupError(
            f"{where}{name} is an option of anvil-app-server that this server does not have: "
            f"{LACKING[name]}"
        )
    raise StartupError(f"{where}{name} is not an option. Run with --help for the options.")


def check_value(option: Option, value: Any, where: str) -> Any:
    """The value in the option's kind. StartupError where it is of another."""
    if option.kind is Kind.MAP:
        if not isinstance(value, dict):
            raise StartupError(f"{where}: expected a mapping of names to values.")
        return {str(key): str(item) for key, item in value.items()}
    if option.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise StartupError(f"{where}: expected true or false, got {value!r}.")
        return value
    if option.kind is Kind.NUMBER:
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,5}", str(value)):
            raise StartupError(f"{where}: expected a number, got {value!r}.")
        return int(value)
    if isinstance(value, dict | list):
        raise StartupError(f"{where}: expected a text, got {type(value).__name__}.")
    return str(value)
