"""Instance folders: what stands in ``client_instances/<name>/`` and how it is read and written."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from app_server.apps.folder import read_yaml
from app_server.files import replace_file
from scripts.operations.command_log import read_operator
from scripts.operations.encryption_keys import make_secrets
from scripts.operations.home import Home, OperationError
from scripts.operations.releases import Release

TEMPLATE_ID = "MYBIZZTEMPLATE01"
M3_ID = "4UK6WHQ6UX7AKELK"
# A DNS label that is also a sensible database and Python name.
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
NAME_LENGTH = range(2, 41)
RESERVED = {"www", "api", "app", "admin", "mail", "management", "localhost", "static", "status"}


@dataclass(frozen=True)
class InstanceFolder:
    """One tenant's folder. Nothing is read until asked for."""

    name: str
    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "instance.yaml"

    @property
    def package_name(self) -> str:
        return "client_" + self.name.replace("-", "_")

    @property
    def database_name(self) -> str:
        return "mybizz_" + self.name.replace("-", "_")

    @property
    def unfinished_marker(self) -> Path:
        """Stands there from the folder's first moment until its first set-up is complete."""
        return self.path / "provisioning"

    @property
    def clone_marker(self) -> Path:
        """Stands in the folder of a copy for staging, and says of what: nothing happens there by
        itself."""
        return self.path / "clone.json"

    @property
    def log_ins_file(self) -> Path:
        return self.path / "log-ins.json"

    @property
    def destroying_marker(self) -> Path:
        """Its former configuration, from the first moment of its destruction on."""
        return self.path / "destroying.yaml"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    def exists(self) -> bool:
        return self.config_file.exists()

    @property
    def title(self) -> str:
        """The business's name as it was given when the instance was made."""
        app = read_yaml(self.path / self.package_name / "anvil.yaml")
        return str(app.get("name") or self.name)

    def read_history(self) -> list[dict[str, Any]]:
        """What was done to it, oldest first: ``at``, ``by``, ``action`` and what belongs to it."""
        file = self.path / "history.jsonl"
        if not file.exists():
            return []
        return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]

    def read_config(self) -> dict[str, Any]:
        loaded = yaml.safe_load(self.config_file.read_text())
        if not isinstance(loaded, dict):
            raise OperationError(f"{self.config_file} should be a YAML map of options.")
        return loaded

    def write_config(self, config: Mapping[str, Any]) -> None:
        replace_file(self.config_file, yaml.safe_dump(dict(config), sort_keys=False))

    def log(self, action: str, **facts: object) -> None:
        """Append a line to ``history.jsonl``: when, who, what."""
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": read_operator(),
            "action": action,
            **facts,
        }
        with (self.path / "history.jsonl").open("a") as history:
            history.write(json.dumps(entry) + "\n")


def list_instances(home: Home) -> list[InstanceFolder]:
    """All instances, by name; also those whose first set-up is not complete."""
    if not home.instances.exists():
        return []
    found = (InstanceFolder(path.name, path) for path in sorted(home.instances.iterdir()))
    return [each for each in found if NAME.fullmatch(each.name) and each.exists()]


def require_instance(home: Home, name: str) -> InstanceFolder:
    """An instance that is there."""
    instance = find_instance(home, name)
    if not instance.exists():
        known = [each.name for each in list_instances(home)]
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise OperationError(f"There is no instance {name!r} in {home.instances}.{hint}")
    return instance


def check_name(name: str) -> None:
    if not NAME.fullmatch(name) or len(name) not in NAME_LENGTH:
        raise OperationError(
            f"{name!r} can't be an instance's name: use 2 to 40 lower-case letters, digits and "
            "single hyphens, starting with a letter, as in 'yogastudio' or 'sea-view-inn'."
        )
    if name in RESERVED:
        raise OperationError(f"{name!r} is reserved; choose another name for the instance.")


def find_instance(home: Home, name: str) -> InstanceFolder:
    check_name(name)
    return InstanceFolder(name, home.instances / name)


def origin_of(name: str, port: int) -> str:
    """Where a new instance is reached: below the installation's domain, where it has one
    (``MYBIZZ_DOMAIN``), else on this machine. Browsers resolve every ``*.localhost`` name to it
    (RFC 6761, section 6.3)."""
    domain = os.environ.get("MYBIZZ_DOMAIN")
    if domain:
        return f"https://{name}.{domain}"
    return f"http://{name}.localhost" + ("" if port == 80 else f":{port}")


def jdbc_url(host: str, port: int, database: str, user: str, password: str) -> str:
    """The form in which Anvil's own server wants ``database``; the embedded one reads it too."""
    return (
        f"jdbc:postgresql://{host}:{port}/{database}"
        f"?user={quote(user, safe='')}&password={quote(password, safe='')}"
    )


def make_config(instance: InstanceFolder, database: str, port: int) -> dict[str, Any]:
    """A fresh ``instance.yaml``: keys are options of ``anvil-app-server``, secrets are new."""
    return {
        "app": instance.package_name,
        "dep-id": {TEMPLATE_ID: "master_template", M3_ID: "m3"},
        "database": database,
        "data-dir": "data",
        "origin": origin_of(instance.name, port),
        "port": port,
        "uplink-key": "server_" + secrets.token_urlsafe(24),
        "client-uplink-key": "client_" + secrets.token_urlsafe(24),
        # Standard base64, as both servers read it for anvil.secrets.encrypt_with_key.
        "secret": make_secrets(),
        "encryption-key": {"fields": base64.b64encode(secrets.token_bytes(32)).decode()},
        "auto-migrate": True,
    }


def make_app(instance: InstanceFolder, release: Release, title: str) -> dict[str, Any]:
    """The tenant's own ``anvil.yaml``.

    Anvil takes ``db_schema``, ``services`` and ``scheduled_tasks`` from the app that is served and
    never from a dependency, so they are copied here from the pinned release.
    """
    template = yaml.safe_load((release.folder / "master_template" / "anvil.yaml").read_text())
    dependencies = [
        {
            # No "dep_id": the real server then looks the app id up in the options' dep-id map.
            "app_id": app_id,
            "version": {"version_tag": release.version} if release.is_published else {"dev": True},
            "resolution_hints": {"package_name": package, "app_id": app_id},
        }
        for package, app_id in (("master_template", TEMPLATE_ID), ("m3", M3_ID))
    ]
    copied = ["services", "db_schema", "scheduled_tasks", "runtime_options"]
    if instance.clone_marker.exists():
        copied.remove("scheduled_tasks")
    return {
        "name": title,
        "package_name": instance.package_name,
        "allow_embedding": False,
        "dependencies": dependencies,
        **{key: template[key] for key in copied if key in template},
        "metadata": {"title": title},
    }
