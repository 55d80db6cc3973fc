"""Releases on offer and requested upgrades, as the platform's operator and an owner make them."""

from __future__ import annotations

from typing import Any

from tests.product.studio import Caller, Studio

INSTALLED = "v1.0.0"
NOTES = "Customers can **move** their bookings.\n\n## Changes since v1.0.0\n\n- Bookings: Move them"


def release(version: str, kind: str = "feature", **more: Any) -> dict[str, Any]:
    """One release as ``put_releases`` takes it."""
    return {
        "version": version,
        "kind": kind,
        "notes": NOTES,
        "guide": "1. Tell your staff." if kind == "breaking" else "",
        "changes": ["+ column bookings.moved_at"],
        "published_at": "2026-11-20T08:00:00+00:00",
        **more,
    }


def offer(studio: Studio, *releases: dict[str, Any], installed: str = INSTALLED) -> dict[str, Any]:
    """What the operator tells: ``installed`` and these."""
    with studio.uplink() as script:
        return script.call(
            "put_releases", installed=installed, releases=[release(installed), *releases]
        )


def clear(studio: Studio) -> None:
    for table in ("upgrade_requests", "release_dismissals", "platform_releases"):
        studio.query(f"DELETE FROM app.{table}")


def request(olga: Caller, version: str = "v1.2.0", when: str = "now", **more: Any) -> Any:
    return olga.call("request_upgrade", version, when, **more)["request"]


# Callables that need something to be there first; see test_callable_walk.py.
PREPARED = {
    "cancel_upgrade",
    "dismiss_update",
    "finish_upgrade",
    "report_upgrade",
    "request_upgrade",
    "take_upgrade_request",
}


def prepare(studio: Studio, name: str) -> dict[str, Any]:
    """Make what a callable needs; the arguments that name it."""
    clear(studio)
    offer(studio, release("v1.2.0"))
    if name in ("dismiss_update", "request_upgrade"):
        return {"release": "v1.2.0"}
    with studio.person("olga") as olga:
        made = request(olga)
    if name == "take_upgrade_request":
        return {}
    if name == "cancel_upgrade":
        return {"request_id": made["request_id"]}
    with studio.uplink() as script:
        taken = script.call("take_upgrade_request")["request"]
    return {"request_id": taken["request_id"], "lease": taken["lease"]}
