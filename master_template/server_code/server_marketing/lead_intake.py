"""What a visitor sends to a lead form, from the website to the contact.

Whatever happens inside, the visitor's answer is the same, so that nobody learns whether an address
is known here. With double opt-in a mail goes to the address, and a press on the button of the page
that it leads to makes the contact; without, the outbox does so a moment later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import anvil.server
from anvil.tables import app_tables

from ..server_auth.rbac import acting_as
from ..server_customers import timeline_service
from ..server_emails.mail_service import queue_mail
from ..server_shared import clock, outbox, rate_limits, signed_tokens
from ..server_shared.errors import AppError, InvalidError
from ..server_shared.happenings import tell
from ..server_shared.outbox import Entry, Outcome
from ..server_shared.rate_limits import Limit
from ..server_shared.transactions import in_transaction
from . import lead_counts
from .captured_contacts import confirmed_person, take_in, visitor
from .lead_fields import OPTIONAL_FIELDS, new_id, submission_rules

PENDING, RECEIVED, CONFIRMED = "pending", "received", "confirmed"
CONFIRM_DAYS = 7
LEAD = "lead"  # kind of the outbox
# A person needs longer to read and type; a page may stay open for a day.
QUICKEST_SECONDS = 2
LATEST_SECONDS = 86_400
# A field that people do not see and programs fill in.
TRAP = "website"

BY_VISITOR = Limit("lead submit", 20, 3_600)
BY_ADDRESS = Limit("lead address", 3, 86_400)
BY_FORM = Limit("lead form", 600, 3_600)
SEEN_BY_VISITOR = Limit("lead seen", 30, 3_600)


class StaleError(AppError):
    """The form has been open for too long, or was not ours: it has to be shown anew."""

    code = "stale"


def opening_token(form: Any) -> str:
    """Says that a form was shown now; it comes back with what is typed."""
    return signed_tokens.sign("lead form", f"{form['form_id']}-{int(clock.now().timestamp())}")


def note_view(form: Any, ip: str) -> None:
    """Count that the form was seen; no more of it than one visitor can bring about."""
    if rate_limits.is_taken(SEEN_BY_VISITOR, f"{form['form_id']} {ip}"):
        lead_counts.count(form, "views")


def submit(form: Any, given: Mapping[str, Any], ip: str) -> None:
    """Take what a visitor sends: the fields of the form, ``consent``, ``opened`` (the token), TRAP,
    and ``page``.

    Raises :class:`InvalidError` with a message at each field, :class:`TooManyError`, and
    :class:`StaleError`. What a program has filled in is counted and thrown away without a word.
    """
    rate_limits.take(BY_VISITOR, ip)
    seconds = _open_for(form, given.get("opened"))
    if seconds > LATEST_SECONDS:
        raise StaleError("This form has been open for long. Please send it once more.")
    fields = dict(form["fields"] or {})
    asked = {name: given.get(name) for name in ("email", *OPTIONAL_FIELDS) if name in given}
    has_consented = given.get("consent") in (True, "yes", "on")
    values = _clean(fields, asked, has_consented)
    if given.get(TRAP) or seconds < QUICKEST_SECONDS:
        lead_counts.count(form, "spam")
        return
    rate_limits.take(BY_FORM, form["form_id"])
    if not rate_limits.is_taken(BY_ADDRESS, values["email"]):
        return  # Someone else's postbox is not to be filled by this.
    with acting_as(visitor(ip)):
        _keep(form, values, has_consented, _page_of(given.get("page")), ip)


def _open_for(form: Any, token: object) -> float:
    """For how many seconds the form has been open. Raises :class:`StaleError`."""
    text = signed_tokens.read("lead form", token) or ""
    form_id, _, shown_at = text.rpartition("-")
    if form_id != form["form_id"]:
        raise StaleError("This form could not be read. Please send it once more.")
    return clock.now().timestamp() - int(shown_at)


def _clean(
    fields: Mapping[str, str], asked: Mapping[str, Any], has_consented: bool
) -> dict[str, Any]:
    faults: dict[str, str] = {}
    values: dict[str, Any] = {}
    try:
        rules = submission_rules(fields)
        # What the form does not ask for was not sent by it.
        values = rules.clean({name: asked[name] for name in asked if name in rules.fields})
    except InvalidError as error:
        faults = dict(error.fields)
    if not has_consented and fields.get("consent", "required") == "required":
        faults["consent"] = "Please tick this to go on."
    if faults:
        raise InvalidError("Please look at what is marked.", fields=faults)
    return values


def _page_of(given: object) -> str | None:
    """The page that someone came from, without what may say who they are."""
    text = given if isinstance(given, str) else ""
    found = re.fullmatch(r"(https?://[^\s?#\"<>]{1,280}).*", text, re.IGNORECASE | re.DOTALL)
    return found[1] if found else None


@in_transaction
def _keep(
    form: Any, values: dict[str, Any], has_consented: bool, page: str | None, ip: str
) -> None:
    is_pending = bool(form["is_double_opt_in"]) and has_consented
    now = clock.now()
    email = values.pop("email")
    submission_id = new_id("s")
    app_tables.lead_submissions.add_row(
        submission_id=submission_id,
        form=form,
        email=email,
        values={name: value for name, value in values.items() if value},
        has_consented=has_consented,
        consent_number=form["consent_number"],
        status=PENDING if is_pending else RECEIVED,
        page=page,
        ip_address=ip or None,
        submitted_at=now,
        expires_at=now + timedelta(days=CONFIRM_DAYS) if is_pending else None,
    )
    lead_counts.count(form, "submissions")
    if is_pending:
        link = f"{origin()}/lead/confirm/{signed_tokens.sign('lead confirm', submission_id)}"
        variables = {
            "link": link,
            "form_heading": form["texts"]["heading"],
            "valid_days": str(CONFIRM_DAYS),
            "person_name": values.get("first_name") or "",
        }
        queue_mail("lead_confirmation", email, variables)
    else:
        outbox.add(LEAD, {"submission_id": submission_id}, recipient_email=email)


def origin() -> str:
    """The address of this instance, without a slash at its end."""
    return (anvil.server.get_app_origin() or "").rstrip("/")


def find_submission(token: object) -> Any:
    """The submission that a link in a mail confirms, or None where there is none any more."""
    submission_id = signed_tokens.read("lead confirm", token)
    if submission_id is None:
        return None
    row = app_tables.lead_submissions.get(submission_id=submission_id)
    is_over = row is not None and row["expires_at"] is not None and row["expires_at"] < clock.now()
    return None if is_over else row


def confirm(token: object, ip: str) -> Any:
    """Take a submission as its person's own; give its form, or None where the link is no good. Once
    is enough: again does nothing."""
    row = find_submission(token)
    if row is None:
        return None
    name = (row["values"] or {}).get("first_name") or row["email"]
    with acting_as(confirmed_person(row["email"], name, ip)):
        return _take_in(row["submission_id"])


@in_transaction
def _take_in(submission_id: str) -> Any:
    """Make a contact of a submission, unless that has been done; give its form."""
    row = app_tables.lead_submissions.get(submission_id=submission_id)
    if row is None or row["status"] == CONFIRMED:
        return row and row["form"]
    form, values = row["form"], dict(row["values"] or {})
    is_confirmed = row["status"] == PENDING
    contact, _ = take_in(
        row["email"],
        values,
        source="lead_capture",
        is_confirmed=is_confirmed,
        has_consented=bool(row["has_consented"]),
        evidence=_evidence(row, form, is_confirmed),
        tags=list(form["tags"] or ()),
    )
    timeline_service.add_event(
        contact,
        "lead_captured",
        f"Filled in “{form['name']}”",
        {"form": form["name"]},
        related_id=form["form_id"],
    )
    if values.get("message"):
        timeline_service.add_event(contact, "note", values["message"])
    row.update(status=CONFIRMED, confirmed_at=clock.now(), expires_at=None, contact=contact)
    lead_counts.count(form, "confirmations")
    tell("lead_captured", contact=contact, form=form)
    return form


def _evidence(row: Any, form: Any, is_confirmed: bool) -> str:
    """How the business knows of the consent (GDPR, article 7(1)): the words are in
    ``lead_consent_texts`` under this form and number."""
    how = "confirmed by the link in a mail" if is_confirmed else "ticked, not confirmed by mail"
    where = f", on {row['page']}" if row["page"] else ""
    sent_at = row["submitted_at"].strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"Form “{form['name']}” ({form['form_id']}), consent text {int(row['consent_number'])}"
        f"{where}, sent {sent_at} from {row['ip_address'] or 'an unknown address'}; {how}"
    )[:500]


def _deliver(entry: Entry) -> None:
    """Take in what nobody has to confirm."""
    row = app_tables.lead_submissions.get(submission_id=entry.payload["submission_id"])
    if row is not None and row["status"] == RECEIVED:
        with acting_as(visitor(row["ip_address"] or "")):
            _take_in(row["submission_id"])


def _settle(entry: Entry, outcome: Outcome) -> None:
    """All that there is to say stands in the submission."""


outbox.handlers[LEAD] = outbox.Handler(_deliver, _settle)
