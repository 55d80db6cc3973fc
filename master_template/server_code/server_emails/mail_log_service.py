"""Which mails went out: the log, trying a failed one again, and test mails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_shared import audit, outbox
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, DeniedError, NotFoundError, ProviderError
from ..server_shared.validators import Choice, Int, Text
from . import mail_service
from .mail_service import FAILED, QUEUED, SENT
from .mail_template_service import NAME, WORDS, check_template
from .mail_templates import MAIL_TEMPLATES

PAGE_ROWS = 20
MAIL_ID = Text("The mail", max_chars=40, required=True)


@server_callable(
    needs="settings.view",
    takes={
        "page": Int("Page", minimum=1, maximum=100_000, default=1),
        "status": Choice("Status", (QUEUED, SENT, FAILED)),
        "search": Text("Search", max_chars=100, default=""),
    },
)
def list_mails(page: int = 1, status: str | None = None, search: str = "") -> dict[str, Any]:
    """One page of mails, the newest first: ``{"mails": [...], "total", "page", "page_rows"}``.

    ``search`` looks into recipient and subject. A mail has ``mail_id``, ``recipient``, ``subject``,
    ``title`` (of its template), ``status``, ``error``, ``attempts``, ``queued_at``, ``sent_at``.
    """
    query: dict[str, Any] = {"status": status} if status else {}
    conditions = []
    if search:
        pattern = "%" + search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        conditions.append(q.any_of(recipient_email=q.ilike(pattern), subject=q.ilike(pattern)))
    rows = app_tables.email_log.search(
        tables.order_by("queued_at", ascending=False), q.page_size(PAGE_ROWS), *conditions, **query
    )
    start = (page - 1) * PAGE_ROWS
    return {
        "mails": [_shown(row) for row in rows[start : start + PAGE_ROWS]],
        "total": len(rows),
        "page": page,
        "page_rows": PAGE_ROWS,
    }


@server_callable(needs="settings.manage", takes={"mail_id": MAIL_ID}, audit="mail.retry")
def retry_mail(mail_id: str) -> dict[str, Any]:
    """Try a failed mail again, from its first attempt on: ``{"mail": ...}``.

    Raises :class:`NotFoundError`, and :class:`ConflictError` (``not_failed``, or ``mail_gone``
    where its text is no longer kept).
    """
    row = app_tables.email_log.get(mail_id=mail_id)
    if row is None:
        raise NotFoundError("There is no such mail any more.")
    if row["status"] != FAILED:
        raise ConflictError("This mail has not failed.", code="not_failed")
    if not outbox.revive(mail_service.MAIL, mail_id):
        raise ConflictError("The text of this mail is no longer kept.", code="mail_gone")
    row.update(status=QUEUED, error=None)
    audit.record("retry", "mail", mail_id, {"status": [FAILED, QUEUED]})
    return {"mail": _shown(row)}


@server_callable(
    needs="settings.manage", takes={"name": NAME, **WORDS}, audit="mail.test", atomic=False
)
def send_test_mail(name: str, subject: str, body: str) -> dict[str, Any]:
    """Send a mail with samples to whoever calls, at once: ``{"is_sent", "message"}``.

    Raises :class:`InvalidError` by field, and :class:`DeniedError` where a script calls.
    """
    actor = current_actor()
    if not actor.email:
        raise DeniedError("A script has no mailbox.")
    template = replace(MAIL_TEMPLATES[name], subject=subject, body=body)
    check_template(template)
    try:
        mail_service.send_sample(template, actor.email, actor.name)
        message, is_sent = f"Sent to {actor.email}. Please look into your mailbox.", True
    except ProviderError as error:
        message, is_sent = error.message, False
    audit.record("test", "mail", name, details={"is_sent": is_sent, "message": message})
    return {"is_sent": is_sent, "message": message}


def _shown(row: Any) -> dict[str, Any]:
    template = MAIL_TEMPLATES.get(row["template"])
    return {
        "mail_id": row["mail_id"],
        "recipient": row["recipient_email"],
        "subject": row["subject"],
        "title": template.title if template else row["template"],
        "status": row["status"],
        "error": row["error"] or "",
        "attempts": int(row["attempts"] or 0),
        "queued_at": row["queued_at"],
        "sent_at": row["sent_at"],
    }
