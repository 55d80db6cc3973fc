"""Reviews: what customers write, what of it stands on the public page, and what is answered.

A business may hide a review that breaks the law or its own rules, and has to say why; the average
is that of all published ones. Reviews are shown to the public only after someone has looked.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import acting_as
from ..server_customers import timeline_service
from ..server_customers.contact_fields import display_name
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.happenings import tell
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Record, Text
from .captured_contacts import confirmed_person
from .lead_capture_service import PAGING
from .lead_fields import new_id
from .review_requests import ANSWERED, REASONS

PENDING, PUBLISHED, HIDDEN = "pending", "published", "hidden"
STATUSES = (PENDING, PUBLISHED, HIDDEN)
RATINGS = (5, 4, 3, 2, 1)
REVIEW_ID = Text("The review", max_chars=20, required=True)

REVIEW = Record(
    "The review",
    {
        "rating": Int("The stars", minimum=1, maximum=5, required=True),
        "text": Text("Your words", max_chars=3_000, multiline=True),
        "author_name": Text("Your name", max_chars=60, required=True),
    },
    required=True,
)


def read_form(given: dict[str, Any]) -> dict[str, Any]:
    """What someone has typed into the page, checked. Raises :class:`InvalidError`."""
    asked = {name: given.get(name) for name in REVIEW.fields}
    stars = str(asked["rating"] or "")
    asked["rating"] = int(stars) if stars in ("1", "2", "3", "4", "5") else None
    checked: dict[str, Any] = REVIEW.clean(asked)
    return checked


def shown_name(contact: Any) -> str:
    """How a contact may want to be named in public: ``Thandi M.``"""
    last = contact["last_name"] or ""
    return f"{contact['first_name'] or ''} {last[:1] + '.' if last else ''}".strip()


def submit_review(request: Any, given: dict[str, Any], ip: str) -> Any:
    """Keep what the person who was asked has written; give its row. Raises
    :class:`ConflictError` (``reviewed_already``)."""
    contact = request["contact"]
    with acting_as(confirmed_person(contact["email"] or "", display_name(contact), ip)):
        return _keep(request, given)


@in_transaction
def _keep(request: Any, given: dict[str, Any]) -> Any:
    if app_tables.reviews.get(request_id=request["request_id"]) is not None:
        raise ConflictError("You have written this review already.", code="reviewed_already")
    contact = request["contact"]
    row = app_tables.reviews.add_row(
        **given,
        review_id=new_id("v"),
        request_id=request["request_id"],
        contact=contact,
        subject_title=request["subject_title"],
        status=PENDING,
        submitted_at=clock.now(),
        version=1,
    )
    request["status"] = ANSWERED
    stars = "1 star" if given["rating"] == 1 else f"{given['rating']} stars"
    timeline_service.add_event(
        contact,
        "review",
        f"Wrote a review: {stars}",
        {"rating": given["rating"]},
        related_id=row["review_id"],
    )
    details = {"rating": given["rating"]}
    audit.record("create", "review", row["review_id"], details=details)
    tell("review_submitted", contact=contact, review=row)
    return row


def summarise() -> dict[str, Any]:
    """``{"count", "average", "by_rating"}`` of what is published; the average is None without any,
    ``by_rating`` maps 5 to 1 to how many."""
    by_rating = {
        stars: len(app_tables.reviews.search(status=PUBLISHED, rating=stars)) for stars in RATINGS
    }
    count = sum(by_rating.values())
    total = sum(stars * number for stars, number in by_rating.items())
    return {
        "count": count,
        "average": round(total / count, 1) if count else None,
        "by_rating": by_rating,
    }


def published(offset: int, limit: int) -> list[Any]:
    """Published reviews, the newest first."""
    found = app_tables.reviews.search(
        tables.order_by("published_at", ascending=False),
        q.page_size(offset + limit),
        status=PUBLISHED,
    )
    return list(islice(found, offset, offset + limit))


@server_callable(
    needs="marketing.view",
    takes={
        "status": Choice("Status", STATUSES),
        "rating": Choice("Stars", tuple(str(stars) for stars in RATINGS)),
        **PAGING,
    },
)
def list_reviews(
    status: str | None = None, rating: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """``{"reviews", "total", "summary", "pending"}``: a page of them, newest first, the figures of
    what is published, and how many wait for someone to look."""
    query: dict[str, Any] = {}
    if status:
        query["status"] = status
    if rating:
        query["rating"] = int(rating)
    found = app_tables.reviews.search(
        tables.order_by("submitted_at", ascending=False),
        q.page_size(offset + page_size),
        *scopes.linked_terms(),
        **query,
    )
    rows = islice(found, offset, offset + page_size)
    summary = summarise()
    # JSON knows no numbers as keys.
    summary["by_rating"] = {str(stars): n for stars, n in summary["by_rating"].items()}
    return {
        "reviews": [_review_dict(row) for row in rows],
        "total": len(found),
        "summary": summary,
        "pending": len(app_tables.reviews.search(*scopes.linked_terms(), status=PENDING)),
    }


def _review_dict(row: Any) -> dict[str, Any]:
    contact = row["contact"]
    return {
        "review_id": row["review_id"],
        "rating": int(row["rating"]),
        "text": row["text"] or "",
        "author_name": row["author_name"],
        "subject_title": row["subject_title"],
        "status": row["status"],
        "reason": row["reason"],
        "reply": row["reply"],
        "replied_at": row["replied_at"],
        "submitted_at": row["submitted_at"],
        "published_at": row["published_at"],
        "contact_id": contact["contact_id"] if contact else None,
        "version": int(row["version"]),
    }


def _find(review_id: str) -> Any:
    row = app_tables.reviews.get(review_id=review_id)
    if row is None or (row["contact"] is not None and not scopes.is_inside(row["contact"])):
        raise NotFoundError("There is no such review.")
    return row


@server_callable(
    needs="marketing.manage",
    takes={
        "review_id": REVIEW_ID,
        "status": Choice("What becomes of it", (PUBLISHED, HIDDEN), required=True),
        "reason": Text("The reason", max_chars=300),
    },
    audit="review.moderate",
)
def moderate_review(review_id: str, status: str, reason: str | None = None) -> dict[str, Any]:
    """Publish a review, or hide it for a reason: ``{"review"}``."""
    row = _find(review_id)
    if status == HIDDEN and not reason:
        raise InvalidError(
            "Please say why: hiding a review only because it is critical misleads your customers.",
            field="reason",
        )
    before = row["status"]
    if before == status:
        audit.unchanged()
        return {"review": _review_dict(row)}
    is_public = status == PUBLISHED
    row.update(
        status=status,
        reason=None if is_public else reason,
        published_at=clock.now() if is_public else None,
        version=int(row["version"]) + 1,
    )
    audit.record(
        "moderate", "review", review_id, {"status": [before, status]}, {"reason": reason or ""}
    )
    return {"review": _review_dict(row)}


@server_callable(
    needs="marketing.manage",
    takes={"review_id": REVIEW_ID, "reply": Text("The reply", max_chars=1_500, multiline=True)},
    audit="review.reply",
)
def reply_to_review(review_id: str, reply: str | None = None) -> dict[str, Any]:
    """Answer a review in public, in other words, or (with none) no longer: ``{"review"}``."""
    row = _find(review_id)
    before = row["reply"]
    if before == reply:
        audit.unchanged()
    else:
        replied_at = clock.now() if reply else None
        row.update(reply=reply, replied_at=replied_at, version=int(row["version"]) + 1)
        audit.record("reply", "review", review_id, {"reply": [before, reply]})
    return {"review": _review_dict(row)}


@server_callable(needs="marketing.view", takes=dict(PAGING))
def list_review_requests(offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """``{"requests", "total"}``: who was or will be asked, newest first: ``contact_id``,
    ``contact_name``, ``subject_title``, ``status``, ``reason`` (in words), ``due_at``,
    ``sent_at``."""
    contact = q.fetch_only("contact_id", "first_name", "last_name", "email")
    found = app_tables.review_requests.search(
        tables.order_by("created_at", ascending=False),
        q.fetch_only("subject_title", "status", "reason", "due_at", "sent_at", contact=contact),
        q.page_size(offset + page_size),
        *scopes.linked_terms(),
    )
    rows = islice(found, offset, offset + page_size)
    return {"requests": [_request_dict(row) for row in rows], "total": len(found)}


def _request_dict(row: Any) -> dict[str, Any]:
    contact = row["contact"]
    return {
        "contact_id": contact["contact_id"] if contact else None,
        "contact_name": display_name(contact) if contact else "",
        "subject_title": row["subject_title"],
        "status": row["status"],
        "reason": REASONS.get(row["reason"] or "", ""),
        "due_at": row["due_at"],
        "sent_at": row["sent_at"],
    }
