"""Releases of the template: what was published, who runs it, and telling tenants of it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_auth.rbac import current_actor
from master_template.server_settings.legal_markup import to_html
from master_template.server_shared import audit, clock
from master_template.server_shared.errors import NotFoundError
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Choice, Int, Items, Moment, Record, Text

from ..server_console.callables import TRUSTED_ONLY, server_callable
from ..server_console.paging import PAGE_RULES, read_page
from ..server_fleet.fleet_fields import INSTANCE_NAME, Version, release_order
from ..server_jobs.job_service import DONE, REQUEST_KEY, on_job_ended, queue_job

KINDS = ("critical", "fix", "feature", "breaking")
MAX_RELEASES = 200
MAX_TEXT_CHARS = 40_000

VERSION = Version("The release", required=True)
REPORTED = Record(
    "A release",
    {
        "version": VERSION,
        "kind": Choice("Kind", KINDS, default="feature"),
        "published_at": Moment("Publication"),
        "published_by": Text("Publisher", max_chars=200, default=""),
        "notes": Text("Notes", max_chars=MAX_TEXT_CHARS, multiline=True, default=""),
        "guide": Text("Guide", max_chars=MAX_TEXT_CHARS, multiline=True, default=""),
        "changes": Items("Changes", Text("A change", max_chars=500), max_items=500, default=[]),
        "changed_files": Int("Changed files", minimum=0, maximum=100_000, default=0),
    },
)


# No entry in the audit log: this mirrors what is elsewhere.
@server_callable(
    needs=TRUSTED_ONLY,
    takes={"releases": Items("The releases", REPORTED, max_items=MAX_RELEASES, default=[])},
)
def report_releases(releases: list[dict[str, Any]]) -> dict[str, Any]:
    """Take over which releases there are: ``{"releases": how many}``."""
    _take_over(releases)
    return {"releases": len(releases)}


@in_transaction
def _take_over(releases: list[dict[str, Any]]) -> None:
    known = {row["version"]: row for row in app_tables.releases.search()}
    for release in releases:
        row = known.pop(release["version"], None)
        if row is None:
            order = release_order(release["version"])
            app_tables.releases.add_row(**release, release_order=order)
        elif any(row[name] != value for name, value in release.items()):
            row.update(**release)
    for row in known.values():
        row.delete()


def release_item(row: Any, used_by: int) -> dict[str, Any]:
    """A release as the list shows it, without its long texts."""
    names = ("version", "kind", "published_at", "published_by", "changed_files", "notified_at")
    return {
        **{name: row[name] for name in names},
        "used_by": used_by,
        "has_guide": bool(row["guide"]),
        "summary": _first_line(row["notes"] or ""),
    }


def _first_line(notes: str) -> str:
    lines = (line.strip() for line in notes.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def _count_users() -> Counter[str]:
    rows = app_tables.fleet_instances.search(
        q.fetch_only("release"), q.page_size(1_000), removed_at=None
    )
    return Counter(row["release"] for row in rows)


@server_callable(needs="releases.view", takes=PAGE_RULES)
def list_releases(offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """One page of the releases, newest first: ``releases`` (see ``release_item``), ``total``,
    ``offset``."""
    used_by = _count_users()
    rows, total = read_page(
        app_tables.releases, [("release_order", False)], {}, offset=offset, page_size=page_size
    )
    releases = [release_item(row, used_by[row["version"]]) for row in rows]
    return {"releases": releases, "total": total, "offset": offset}


@server_callable(needs="releases.view", takes={"version": VERSION})
def get_release(version: str) -> dict[str, Any]:
    """``{"release": ...}``: what the list shows, and ``notes_html``, ``guide_html``, ``changes``;
    ``instances``: by name, those that run it and those that could come to it, each ``{"name",
    "title", "release"}``."""
    row = app_tables.releases.get(version=version)
    if row is None:
        raise NotFoundError(f"There is no release {version}.")
    running, older = [], []
    for each in app_tables.fleet_instances.search(
        tables.order_by("name"),
        q.fetch_only("name", "title", "release", "release_order"),
        q.page_size(1_000),
        removed_at=None,
    ):
        item = {name: each[name] for name in ("name", "title", "release")}
        if each["release"] == version:
            running.append(item)
        elif int(each["release_order"] or 0) < int(row["release_order"]):
            older.append(item)
    texts = {f"{name}_html": _to_html(row[name] or "") for name in ("notes", "guide")}
    item = {**release_item(row, len(running)), **texts, "changes": row["changes"] or []}
    return {"release": item, "running": running, "older": older}


def _to_html(text: str) -> str:
    """Harmless HTML, without the heading that only says which release it is."""
    return to_html(re.sub(r"\A\s*# .*\n?", "", text), {})


@server_callable(
    needs="releases.manage",
    takes={
        "version": VERSION,
        "names": Items("Businesses", INSTANCE_NAME, max_items=1_000, default=[]),
        "key": REQUEST_KEY,
    },
    audit="job.create",
)
def notify_of_release(version: str, names: list[str], key: str) -> dict[str, Any]:
    """Have a notice of a release shown to the owners of these businesses (all, where none is
    named): ``{"job": ...}``."""
    if app_tables.releases.get(version=version) is None:
        raise NotFoundError(f"There is no release {version}.")
    wanted = f"{current_actor().email}:{key}"
    if app_tables.operator_jobs.get(key=wanted) is not None:
        audit.unchanged()
    return {"job": queue_job("fleet.notify", {"release": version, "names": names}, key=wanted)}


def _note_notice(job: dict[str, Any]) -> None:
    row = app_tables.releases.get(version=job["arguments"].get("release"))
    if row is not None and job["state"] == DONE:
        row.update(notified_at=clock.now())


on_job_ended("fleet.notify", _note_notice)
