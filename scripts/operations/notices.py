"""Tell instances of releases, and carry out the upgrades that their owners ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from app_server.tables.store import libpq_url
from scripts.operations.home import Home, OperationError
from scripts.operations.inside import calling, checked
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import pinned_release
from scripts.operations.release_diff import compare
from scripts.operations.releases import Release, find_release, list_releases

MAX_CHANGES = 200
MAX_CHANGE_CHARS = 300
MESSAGE_CHARS = 900
CONNECT_SECONDS = 10
WAITING = """
    SELECT EXISTS (
        SELECT FROM app.upgrade_requests WHERE is_open AND (
            state = 'requested' AND due_at <= now() OR state = 'running' AND lease_until <= now()
        )
    ),
    (SELECT version FROM app.platform_releases WHERE is_installed),
    (SELECT version FROM app.platform_releases ORDER BY number DESC LIMIT 1)
"""
# A server takes an instance up again within a second or so after it was changed.
SERVED_SECONDS = 60


@dataclass(frozen=True)
class Notified:
    """What an instance was told: the version it runs, and those that it could have."""

    name: str
    installed: str
    available: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "installed": self.installed,
            "available": list(self.available),
        }


@dataclass(frozen=True)
class Request:
    """An upgrade that an owner asked for, taken from the instance for as long as the lease runs."""

    instance: InstanceFolder
    request_id: str
    version: str
    lease: str


def describe_releases(home: Home, installed: Release, newest: Release) -> list[dict[str, Any]]:
    """The installed release and all up to ``newest``, oldest first, as the template's
    ``put_releases`` takes them: ``version``, ``kind``, ``notes``, ``guide``, ``changes`` (of
    tables, services and tasks since the one before, a line each) and ``published_at``."""
    wanted = [each for each in list_releases(home) if installed.order <= each.order <= newest.order]
    described = []
    former: Release | None = None
    for each in wanted:
        described.append(_describe(each, former))
        former = each
    return described


def _describe(release: Release, former: Release | None) -> dict[str, Any]:
    manifest = release.read_manifest()
    title, _, notes = release.read_notes().partition("\n")
    return {
        "version": release.version,
        "kind": manifest.get("kind") or "feature",
        "notes": (notes if title.startswith("# ") else f"{title}\n{notes}").strip(),
        "guide": release.read_guide().strip(),
        "changes": _changes(former, release) if former else [],
        "published_at": manifest["published_at"],
    }


def _changes(former: Release, release: Release) -> list[str]:
    difference = compare(former, release)
    parts = (difference.schema, difference.services, difference.tasks)
    lines = [str(change)[:MAX_CHANGE_CHARS] for part in parts for change in part]
    return lines[:MAX_CHANGES]


def choose_newest(home: Home, version: str | None) -> Release:
    """The newest release that tenants shall be told of."""
    if version:
        return find_release(home, version)
    published = list_releases(home)
    if not published:
        raise OperationError("Nothing is published yet, so there is nothing to tell.")
    return published[-1]


def notify(
    home: Home,
    instance: InstanceFolder,
    newest: Release,
    say: Callable[[str], None] = lambda text: None,
    *,
    served_within: float | None = None,
) -> Notified:
    """Tell an instance what it runs and what it could have. Safe to repeat. Raises
    ``OperationError`` for one that does not know how to be told, or cannot be reached;
    ``served_within`` as for ``inside.calling``."""
    installed = pinned_release(home, instance)
    with calling(instance, say=say, served_within=served_within) as call:
        answer = _call(
            instance,
            call,
            "put_releases",
            installed=installed.version,
            releases=describe_releases(home, installed, newest),
        )
    return Notified(instance.name, installed.version, tuple(answer["available"]))


@dataclass(frozen=True)
class Look:
    """What an instance's database says: whether an upgrade is due, which release it believes to
    run, and the newest that it was told of (None where nobody has told it anything)."""

    is_due: bool
    noted: str | None
    newest: str | None


def look(instance: InstanceFolder) -> Look:
    """Look for a request without a call: that would start the server code of every instance each
    time, and keep those in memory that nobody uses. Raises ``OperationError`` where the database
    cannot be read."""
    url = libpq_url(str(instance.read_config()["database"]))
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            row = connection.execute(WAITING).fetchone()
    except psycopg.errors.UndefinedTable:
        return Look(False, None, None)  # Its release knows no requests.
    except psycopg.Error as error:
        raise OperationError(f"Its database cannot be read: {error}".strip()) from error
    assert row
    return Look(*row)


def correct(home: Home, instance: InstanceFolder, found: Look) -> bool:
    """Tell an instance anew that was upgraded or rolled back since; whether it was."""
    installed = pinned_release(home, instance)
    if found.noted is None or found.noted == installed.version:
        return False
    known = [each for each in list_releases(home) if each.version == found.newest]
    newest = max([installed, *known], key=lambda release: release.order)
    notify(home, instance, newest, served_within=0)
    return True


def take_request(home: Home, instance: InstanceFolder, lease_seconds: int) -> Request | None:
    """The upgrade that is due in an instance, if any. It is told which release it runs."""
    installed = pinned_release(home, instance).version
    with calling(instance, served_within=0) as call:
        answer = _call(
            instance,
            call,
            "take_upgrade_request",
            lease_seconds=lease_seconds,
            installed=installed,
        )
    taken = answer["request"]
    if taken is None:
        return None
    return Request(instance, taken["request_id"], taken["version"], taken["lease"])


def report(request: Request, step: str, lease_seconds: int) -> None:
    """Say what is being done, in words for the owner, and keep the request for longer."""
    with calling(request.instance, served_within=0) as call:
        _call(
            request.instance,
            call,
            "report_upgrade",
            request_id=request.request_id,
            lease=request.lease,
            step=step,
            lease_seconds=lease_seconds,
        )


def finish(home: Home, request: Request, *, is_done: bool, message: str, newest: Release) -> None:
    """Say how it ended, and what the instance runs now."""
    with calling(request.instance, served_within=SERVED_SECONDS) as call:
        _call(
            request.instance,
            call,
            "finish_upgrade",
            request_id=request.request_id,
            lease=request.lease,
            is_done=is_done,
            message=message[:MESSAGE_CHARS],
        )
    notify(home, request.instance, newest, served_within=SERVED_SECONDS)


def _call(
    instance: InstanceFolder, call: Callable[..., Any], name: str, **arguments: Any
) -> dict[str, Any]:
    import anvil.server

    try:
        return checked(call(name, **arguments), f"Asking {instance.name} ({name})")
    except anvil.server.NoServerFunctionError as error:
        raise OperationError(
            f"{instance.name} runs a release that knows no update notices. Upgrade it by "
            f"`mybizz instance upgrade {instance.name}`."
        ) from error
    except anvil.server.AnvilWrappedError as error:
        raise OperationError(f"Asking {instance.name} ({name}) failed: {error}") from error
