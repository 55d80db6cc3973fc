"""The releases that this business has, and could have: put here by the platform's operator.

An instance knows nothing of the folder it runs from, and asks nobody: the operator tells it, again
whenever something changes, and each time all of it.
"""

from __future__ import annotations

from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import Actor, current_actor
from ..server_settings.legal_markup import to_html
from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import DeniedError, NotFoundError
from ..server_shared.transactions import in_transaction
from . import upgrade_requests
from .installed_release import forget
from .release_fields import BREAKING, CRITICAL, FIX, KINDS, RELEASES, VERSION, order_of

SEES, STARTS = "settings.view", "settings.manage"
COLUMNS = ("kind", "notes", "guide", "changes", "published_at")


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"installed": VERSION, "releases": RELEASES},
    audit="release.offer",
)
def put_releases(installed: str, releases: list[dict[str, Any]]) -> dict[str, Any]:
    """Tell all there is to know: which version runs here, and the releases that it and the newer
    ones are. What was told before and is not told again is gone. A request for a version that has
    come by another way is done with that. ``{"available": [versions, newest first]}``."""
    return {"available": _put(installed, releases)}


@in_transaction
def _put(installed: str, releases: list[dict[str, Any]]) -> list[str]:
    given = {
        each["version"]: {
            **{name: each[name] for name in COLUMNS},
            "number": order_of(each["version"]),
            "is_installed": each["version"] == installed,
        }
        for each in releases
        if order_of(each["version"]) >= order_of(installed)
    }
    known = {row["version"]: row for row in app_tables.platform_releases.search()}
    before = {version: row["is_installed"] for version, row in known.items()}
    changed = []
    # What was installed first, since there is one at most at any time.
    for version in sorted(known, key=lambda each: not known[each]["is_installed"]):
        row, wanted = known[version], given.get(version)
        if wanted is None:
            forget(row)
            changed.append(version)
        elif any(_differs(row[name], value) for name, value in wanted.items()):
            row.update(**wanted)
            changed.append(version)
    for version, wanted in given.items():
        if version not in known:
            app_tables.platform_releases.add_row(version=version, offered_at=clock.now(), **wanted)
            changed.append(version)
    came = upgrade_requests.settle_arrived(installed)
    if changed or came:
        after = {version: wanted["is_installed"] for version, wanted in given.items()}
        details = {"installed": installed, "before": sorted(before), "after": sorted(after)}
        audit.record("offer", "release", installed, details=details)
    else:
        audit.unchanged()
    newer = [version for version, wanted in given.items() if not wanted["is_installed"]]
    return sorted(newer, key=order_of, reverse=True)


def _differs(kept: Any, wanted: Any) -> bool:
    return bool((list(kept or []) if isinstance(wanted, list) else kept) != wanted)


def _available(*columns: str) -> list[Any]:
    """Rows of the releases that are newer than what runs here, the newest first, with these columns
    (all without any)."""
    wanted = [q.fetch_only("number", *columns)] if columns else []
    return list(
        app_tables.platform_releases.search(
            tables.order_by("number", ascending=False), *wanted, is_installed=False
        )
    )


def gravest(kinds: list[str]) -> str:
    """Of several kinds the one that matters most: who goes from v1 to v3 gets v2's repair too."""
    return min(kinds, key=KINDS.index, default=FIX)


@server_callable(needs=SEES)
def get_updates() -> dict[str, Any]:
    """What the page of updates shows: ``installed`` (a release or None), ``available`` (newest
    first), ``request`` (the newest, see ``upgrade_requests.request_item``, or None),
    ``may_start``, ``night_at`` (when tonight's upgrade would begin).

    A release has ``version``, ``kind``, ``notes_html``, ``guide_html``, ``changes`` (lines),
    ``published_at``, ``is_dismissed``.
    """
    actor = current_actor()
    installed = app_tables.platform_releases.get(is_installed=True)
    dismissed = _dismissed_by(actor)
    return {
        "installed": _item(installed, dismissed) if installed is not None else None,
        "available": [_item(row, dismissed) for row in _available()],
        "request": upgrade_requests.newest_item(),
        "may_start": actor.may(STARTS),
        "night_at": upgrade_requests.next_night(),
    }


def _item(row: Any, dismissed: set[str]) -> dict[str, Any]:
    return {
        "version": row["version"],
        "kind": row["kind"],
        "notes_html": to_html(row["notes"] or "", {}),
        "guide_html": to_html(row["guide"] or "", {}),
        "changes": list(row["changes"] or []),
        "published_at": row["published_at"],
        "is_dismissed": row["version"] in dismissed,
    }


def _dismissed_by(actor: Actor) -> set[str]:
    if actor.row is None:
        return set()
    found = app_tables.release_dismissals.search(
        q.fetch_only(release=q.fetch_only("version")), user=actor.row
    )
    return {each["release"]["version"] for each in found}


def notice_for(actor: Actor) -> dict[str, Any] | None:
    """What the banner above every page tells this person: ``version`` (the newest), ``kind`` (the
    gravest of those to come), ``has_guide``, ``may_dismiss``, ``may_start`` and ``request`` (the
    one that is open). None for whoever may not see the settings, where nothing is newer, or
    everything has been put aside."""
    if actor.kind != "user" or not actor.may(SEES):
        return None
    # Every page asks this, so the notes stay where they are.
    rows = _available("version", "kind")
    if not rows:
        return None
    request = upgrade_requests.open_item()
    is_critical = any(row["kind"] == CRITICAL for row in rows)
    if not is_critical and request is None and rows[0]["version"] in _dismissed_by(actor):
        return None
    return {
        "version": rows[0]["version"],
        "kind": gravest([row["kind"] for row in rows]),
        "has_guide": any(row["kind"] == BREAKING for row in rows),
        "may_dismiss": not is_critical and request is None,
        "may_start": actor.may(STARTS),
        "request": request,
    }


@server_callable(needs=SEES, takes={"release": VERSION}, audit="release.dismiss")
def dismiss_update(release: str) -> dict[str, Any]:
    """Put the notice of a release aside, for the caller alone; a newer one shows again.

    Raises :class:`DeniedError` (``critical_update``) and :class:`NotFoundError`.
    """
    _dismiss(release)
    return {}


@in_transaction
def _dismiss(version: str) -> None:
    actor = current_actor()
    rows = _available("version", "kind")
    row = next((each for each in rows if each["version"] == version), None)
    if row is None:
        raise NotFoundError(f"The release {version} is not on offer any more.")
    if any(each["kind"] == CRITICAL for each in rows):
        raise DeniedError(
            "This update closes a gap that can do harm, so its notice stays until it is installed.",
            code="critical_update",
        )
    if actor.row is None or app_tables.release_dismissals.get(release=row, user=actor.row):
        audit.unchanged()
        return
    app_tables.release_dismissals.add_row(release=row, user=actor.row, dismissed_at=clock.now())
    audit.record("dismiss", "release", version, {"is_dismissed": [False, True]})
