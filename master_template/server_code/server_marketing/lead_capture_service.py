"""Lead forms: make, read, change, switch on and off, and see what they bring."""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_customers.contact_fields import display_name
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.validators import Choice, Int, Text, fold
from . import lead_counts, lead_follow_up
from .lead_fields import FORM_ID, LEAD_FORM, STATUSES, form_dict, new_id

MAX_PAGE = 100
MAX_FORMS = 200
# What an editor may change, and what of it is kept as it came.
EDITED = (
    "name",
    "kind",
    "fields",
    "texts",
    "trigger",
    "origins",
    "is_double_opt_in",
    "tags",
    "segment_id",
    "campaign_id",
)
PAGING = {
    "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
    "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
}


def find_form(form_id: str) -> Any:
    """The row of a form. Raises :class:`NotFoundError`."""
    row = app_tables.lead_forms.get(form_id=form_id, deleted_at=None)
    if row is None:
        raise NotFoundError("There is no such form. It may have been deleted.")
    return row


@server_callable(
    needs="marketing.view",
    takes={
        "search": Text("Search", max_chars=100),
        "status": Choice("Status", STATUSES),
        **PAGING,
    },
)
def list_lead_forms(
    search: str | None = None, status: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """``{"forms", "total"}``: a page of the forms, newest first, each with its figures: ``views``,
    ``submissions``, ``confirmations``, ``spam`` and ``rate``."""
    query: dict[str, Any] = {"deleted_at": None}
    if status:
        query["status"] = status
    order = tables.order_by("created_at", ascending=False)
    rows = list(islice(app_tables.lead_forms.search(order, **query), MAX_FORMS))
    if search:
        rows = [row for row in rows if fold(search) in fold(row["name"])]
    page = rows[offset : offset + page_size]
    figures = lead_counts.totals(page)
    return {
        "forms": [{**form_dict(row), **figures[row["form_id"]]} for row in page],
        "total": len(rows),
    }


@server_callable(needs="marketing.view", takes={"form_id": FORM_ID})
def get_lead_form(form_id: str) -> dict[str, Any]:
    """``{"form", "version", "snippet", "page_url", "origin"}``: a form, the lines for a website,
    the address of its own page, and the origin that a website's policy has to allow."""
    return _with_addresses(find_form(form_id))


def _with_addresses(row: Any) -> dict[str, Any]:
    origin = (anvil.server.get_app_origin() or "").rstrip("/")
    form_id = row["form_id"]
    snippet = f'<script src="{origin}/lead.js" data-form="{form_id}" async></script>'
    return {
        "form": form_dict(row),
        "version": int(row["version"]),
        "snippet": snippet,
        "page_url": f"{origin}/form/{form_id}",
        "origin": origin,
    }


@server_callable(needs="marketing.manage", takes={"lead_form": LEAD_FORM}, audit="lead_form.create")
def create_lead_form(lead_form: dict[str, Any]) -> dict[str, Any]:
    """Make a form, as a draft; the answer is that of :func:`get_lead_form`."""
    if len(app_tables.lead_forms.search(deleted_at=None)) >= MAX_FORMS:
        raise ConflictError(
            f"There are {MAX_FORMS} forms already. Please delete one that you no longer need."
        )
    lead_follow_up.check(lead_form, {})
    now = clock.now()
    row = app_tables.lead_forms.add_row(
        **{name: lead_form[name] for name in EDITED},
        form_id=new_id("f"),
        status="draft",
        consent_number=1,
        created_by=current_actor().row,
        created_at=now,
        updated_at=now,
        version=1,
    )
    _keep_consent(row)
    changes = {name: [None, lead_form[name]] for name in EDITED}
    audit.record("create", "lead_form", row["form_id"], changes)
    return _with_addresses(row)


def _keep_consent(row: Any) -> None:
    """Keep the words that people agree to from now on, under their number."""
    app_tables.lead_consent_texts.add_row(
        form_id=row["form_id"],
        number=row["consent_number"],
        text=row["texts"]["consent"],
        created_at=clock.now(),
    )


@server_callable(
    needs="marketing.manage",
    takes={
        "form_id": FORM_ID,
        "lead_form": LEAD_FORM,
        "version": Int("The version", minimum=1, required=True),
    },
    audit="lead_form.update",
)
def update_lead_form(form_id: str, lead_form: dict[str, Any], version: int) -> dict[str, Any]:
    """Change a form that the caller has read as ``version``. Other words of consent get a number of
    their own. Raises :class:`ConflictError` (``edited_meanwhile``)."""
    row = find_form(form_id)
    if int(row["version"]) != version:
        raise ConflictError(
            "Someone else has changed this form meanwhile. Nothing has been saved yet; what you "
            "typed is still here.",
            code="edited_meanwhile",
        )
    before = {name: form_dict(row)[name] for name in EDITED}
    lead_follow_up.check(lead_form, before)
    changed = {name: lead_form[name] for name in EDITED if before[name] != lead_form[name]}
    if not changed:
        audit.unchanged()
        return _with_addresses(row)
    is_other_consent = before["texts"]["consent"] != lead_form["texts"]["consent"]
    row.update(**changed, updated_at=clock.now(), version=version + 1)
    if is_other_consent:
        row["consent_number"] += 1
        _keep_consent(row)
    audit.record(
        "update",
        "lead_form",
        form_id,
        {name: [before[name], value] for name, value in changed.items()},
    )
    return _with_addresses(row)


@server_callable(
    needs="marketing.manage",
    takes={"form_id": FORM_ID, "status": Choice("Status", ("active", "paused"), required=True)},
    audit="lead_form.update",
)
def set_lead_form_status(form_id: str, status: str) -> dict[str, Any]:
    """Have a form appear on websites, or no longer; the answer is that of
    :func:`get_lead_form`."""
    row = find_form(form_id)
    before = row["status"]
    if before == status:
        audit.unchanged()
    else:
        row.update(status=status, updated_at=clock.now(), version=int(row["version"]) + 1)
        audit.record("update", "lead_form", form_id, {"status": [before, status]})
    return _with_addresses(row)


@server_callable(needs="marketing.manage", takes={"form_id": FORM_ID}, audit="lead_form.delete")
def delete_lead_form(form_id: str) -> dict[str, Any]:
    """Delete a form for good. What people agreed to, and the contacts it brought, stay."""
    row = find_form(form_id)
    row.update(deleted_at=clock.now(), status="paused", version=int(row["version"]) + 1)
    audit.record("delete", "lead_form", form_id, {"name": [row["name"], None]})
    return {"form_id": form_id}


@server_callable(
    needs="marketing.view",
    takes={"form_id": FORM_ID, "days": Int("Days", minimum=1, maximum=366, default=30)},
)
def get_lead_form_stats(form_id: str, days: int = 30) -> dict[str, Any]:
    """``{"total", "days"}``: the figures of a form since it was made, and by day."""
    row = find_form(form_id)
    return {"total": lead_counts.totals([row])[form_id], "days": lead_counts.by_day(row, days)}


@server_callable(needs="customers.view", takes={"form_id": FORM_ID, **PAGING})
def list_lead_submissions(form_id: str, offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """``{"submissions", "total"}``, newest first: ``email``, ``status``, ``page``,
    ``submitted_at``, ``confirmed_at``, ``contact_id`` and ``contact_name`` of each."""
    contact = q.fetch_only("contact_id", "first_name", "last_name", "email")
    found = app_tables.lead_submissions.search(
        tables.order_by("submitted_at", ascending=False),
        q.fetch_only("email", "status", "page", "submitted_at", "confirmed_at", contact=contact),
        q.page_size(offset + page_size),
        *scopes.linked_terms(),
        form=find_form(form_id),
    )
    rows = islice(found, offset, offset + page_size)
    return {"submissions": [_submission_dict(row) for row in rows], "total": len(found)}


def _submission_dict(row: Any) -> dict[str, Any]:
    contact = row["contact"]
    return {
        "email": row["email"],
        "status": row["status"],
        "page": row["page"],
        "submitted_at": row["submitted_at"],
        "confirmed_at": row["confirmed_at"],
        "contact_id": contact["contact_id"] if contact else None,
        "contact_name": display_name(contact) if contact else "",
    }
