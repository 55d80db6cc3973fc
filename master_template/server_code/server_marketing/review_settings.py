"""Whether customers are asked for reviews by themselves, and when."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from anvil.tables import app_tables

from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError
from ..server_shared.validators import Bool, Int, Record

SETTINGS = Record(
    "The settings",
    {
        "is_automatic": Bool("Ask by itself", required=True),
        "delay_days": Int("Days until it asks", minimum=0, maximum=60, required=True),
    },
    required=True,
)


@dataclass(frozen=True)
class ReviewSettings:
    """What holds where nobody has decided yet: nobody is asked."""

    is_automatic: bool = False
    delay_days: int = 2
    version: int = 0


def read_settings() -> ReviewSettings:
    """The settings as they are now."""
    row = app_tables.review_settings.get(is_singleton=True)
    if row is None:
        return ReviewSettings()
    return ReviewSettings(bool(row["is_automatic"]), int(row["delay_days"]), int(row["version"]))


@server_callable(needs="marketing.view")
def get_review_settings() -> dict[str, Any]:
    """``{"settings": {"is_automatic", "delay_days"}, "version"}``."""
    found = read_settings()
    settings = {name: getattr(found, name) for name in SETTINGS.fields}
    return {"settings": settings, "version": found.version}


@server_callable(
    needs="marketing.manage",
    takes={"settings": SETTINGS, "version": Int("The version", minimum=0, required=True)},
    audit="review_settings.update",
)
def update_review_settings(settings: dict[str, Any], version: int) -> dict[str, Any]:
    """Change the settings that the caller has read as ``version``; the answer is that of
    :func:`get_review_settings`. Raises :class:`ConflictError` (``edited_meanwhile``)."""
    before = asdict(read_settings())
    if before["version"] != version:
        raise ConflictError("Someone else has changed this meanwhile.", code="edited_meanwhile")
    changes = {
        name: [before[name], value] for name, value in settings.items() if before[name] != value
    }
    if not changes:
        audit.unchanged()
        return get_review_settings()
    columns = {**settings, "updated_at": clock.now(), "version": version + 1}
    row = app_tables.review_settings.get(is_singleton=True)
    if row is None:
        app_tables.review_settings.add_row(is_singleton=True, **columns)
    else:
        row.update(**columns)
    audit.record("update", "review_settings", "", changes)
    return get_review_settings()
