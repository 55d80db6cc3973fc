"""How an installation is to be deployed: what was asked for, kept beside what was made of it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.operations.home import ROOT, OperationError
from scripts.operations.releases import project_version

SETTINGS_FILE = "mybizz-deploy.yaml"
KINDS = ("compose", "kubernetes", "systemd")
SERVERS = ("embedded", "anvil")
PORT = 3030
USER_ID = 10001
"""Of the account in the container; nobody else's on common images."""

HOST_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}")
QUANTITY = re.compile(r"[1-9][0-9]*(Mi|Gi|Ti)")
CPUS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]*")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,30}")

SETTINGS: dict[str, tuple[re.Pattern[str], str]] = {
    "domain": (HOST_NAME, "a domain such as mybizz.example"),
    "email": (EMAIL, "an e-mail address"),
    "image": (IMAGE, "an image such as registry.example.com/mybizz:1.0"),
    "namespace": (LABEL, "a name of lower-case letters, digits and hyphens"),
    "ingress_class": (LABEL, "a name of lower-case letters, digits and hyphens"),
    "ingress_namespace": (LABEL, "a name of lower-case letters, digits and hyphens"),
    "issuer": (LABEL, "a name of lower-case letters, digits and hyphens"),
    "storage_class": (HOST_NAME, "the name of a storage class"),
    "snapshot_class": (HOST_NAME, "the name of a volume snapshot class"),
    "storage": (QUANTITY, "a size such as 20Gi"),
    "database_storage": (QUANTITY, "a size such as 50Gi"),
    "memory": (QUANTITY, "a size such as 4Gi"),
    "cpus": (CPUS, "a number of processors such as 2 or 0.5"),
    "account": (ACCOUNT, "the name of an account"),
}
"""What a text has to look like, and how that is said. Names of classes may also be one label."""
ALSO_LABELS = {"storage_class", "snapshot_class"}


@dataclass(frozen=True)
class Settings:
    """What was asked for; '' where the usual is meant. Nothing secret stands here.

    ``has_own_database``: Postgres is deployed along; else its URL is among the secrets, and
    ``database_port`` is where it listens. Folders of one machine: ``project`` (this checkout),
    ``data`` ('' in the checkout itself) and ``backups``.
    """

    kind: str
    server: str = "embedded"
    domain: str = ""
    email: str = ""
    image: str = ""
    port: int = PORT
    has_own_database: bool = True
    database_port: int = 5432
    memory: str = ""
    cpus: str = "2"
    backups: str = ""
    # Kubernetes
    namespace: str = "mybizz"
    ingress_class: str = "nginx"
    ingress_namespace: str = "ingress-nginx"
    issuer: str = "letsencrypt"
    storage_class: str = ""
    snapshot_class: str = ""
    storage: str = "20Gi"
    database_storage: str = "50Gi"
    database_copies: int = 3
    # One machine
    account: str = "mybizz"
    project: str = str(ROOT)
    data: str = ""

    @property
    def image_name(self) -> str:
        suffix = "-anvil" if self.server == "anvil" else ""
        return self.image or f"mybizz:{project_version().removeprefix('v')}{suffix}"

    @property
    def is_embedded(self) -> bool:
        return self.server == "embedded"


def check_settings(settings: Settings) -> None:
    """Raise ``OperationError`` at the first value that can't be."""
    for name, (pattern, expected) in SETTINGS.items():
        value = str(getattr(settings, name))
        if not value or pattern.fullmatch(value):
            continue
        if name in ALSO_LABELS and LABEL.fullmatch(value):
            continue
        option = name.replace("_", "-")
        raise OperationError(f"--{option} expects {expected}; this is {value!r}.")
    if settings.kind not in KINDS or settings.server not in SERVERS:
        raise OperationError(f"There is no {settings.server} server for {settings.kind}.")
    for name in ("backups", "project", "data"):
        value = getattr(settings, name)
        if value and (not Path(value).is_absolute() or re.search(r"[\s%'\"\\:]", value)):
            raise OperationError(
                f"--{name} expects the full path of a folder, without spaces, quotes, colons and "
                f"percent signs; this is {value!r}."
            )


def choose_settings(kind: str, folder: Path, given: Mapping[str, Any]) -> Settings:
    """What is given counts, then what the folder remembers, then the usual."""
    known = {field.name for field in dataclasses.fields(Settings)} - {"kind"}
    remembered = {
        name: value for name, value in read_remembered(folder, kind).items() if name in known
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(kind, **{**remembered, **chosen})
        check_settings(settings)
    except TypeError as error:
        raise OperationError(f"{folder / SETTINGS_FILE} can't be used: {error}") from error
    return settings


def read_remembered(folder: Path, kind: str) -> dict[str, Any]:
    """What was asked for at the last time; empty where there is nothing yet."""
    file = folder / SETTINGS_FILE
    try:
        content = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        raise OperationError(f"{file} can't be read: {error}") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        other = content.get("kind") if isinstance(content, dict) else "something else"
        raise OperationError(f"{folder} holds the files of {other}. Give another folder by --out.")
    return content


def format_settings(settings: Settings) -> str:
    """The settings that are not the usual ones, as ``choose_settings`` reads them."""
    chosen = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if field.name == "kind" or getattr(settings, field.name) != field.default
    }
    head = (
        "# What these files were made with. `scripts/mybizz deploy` reads it; nothing is secret.\n"
    )
    return head + yaml.safe_dump(chosen, sort_keys=False)
