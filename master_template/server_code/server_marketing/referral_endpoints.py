"""The public pages of recommendations: the link that someone passes on, and the one in the mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anvil.server

from ..server_shared import rate_limits
from ..server_shared.config import read_business
from ..server_shared.errors import AppError, InvalidError
from ..server_shared.outbox import delivering_afterwards
from ..server_shared.validators import Email, Record, Text
from ..server_site.answers import public_answer
from ..server_site.public_pages import render_page
from . import referral_intake
from .lead_endpoints import confirm_page, message_page
from .lead_pages import FORM
from .referral_codes import find_code
from .referral_program import describe_reward, read_program

FRIEND = Record(
    "The form",
    {"first_name": Text("First name", max_chars=100), "email": Email("E-mail", required=True)},
    required=True,
)
FIELDS = (
    {
        "name": "first_name",
        "label": "First name",
        "type": "text",
        "autocomplete": "given-name",
        "required": False,
    },
    {
        "name": "email",
        "label": "E-mail",
        "type": "email",
        "autocomplete": "email",
        "required": True,
    },
)
SENT = "Please look into your postbox and press the button in our mail."


@anvil.server.route("/r/:code", methods=["GET", "HEAD", "POST"])
def referral_page(code: str, **_query: str) -> Any:
    """Where a recommendation leads: it says what there is, and asks for an address."""
    request = anvil.server.request
    ip = request.remote_address or ""
    try:
        rate_limits.take(referral_intake.BY_VISITOR, ip)
        row = find_code(code)
        if row is None or row["contact"] is None or not referral_intake.is_running():
            text = "It may have been mistyped, or the programme has ended."
            return message_page("This link is no longer good", text, 404)
        if request.method != "POST":
            referral_intake.count_visit(row)
            return _show(row, {}, {}, "")
        return _take(row, dict(request.form_params or {}), ip)
    except AppError as error:
        status = 429 if error.code == "too_many" else 409
        return message_page("Please try again later", error.message, status)


def _take(row: Any, given: dict[str, Any], ip: str) -> Any:
    try:
        values = FRIEND.clean({name: given.get(name) for name in FRIEND.fields})
        with delivering_afterwards():
            referral_intake.invite(row, values, given, ip)
    except InvalidError as error:
        return _show(row, given, error.fields, "", 422)
    except AppError as error:
        return _show(row, given, {}, error.message, 409)
    return message_page("Nearly there", SENT)


def _show(
    row: Any, values: Mapping[str, Any], faults: Mapping[str, str], problem: str, status: int = 200
) -> Any:
    program = read_program()
    reward = describe_reward(program["friend_reward"], read_business())
    gift = f"Your gift: {reward}." if reward else ""
    texts = program["texts"]
    return public_answer(
        lambda business, **look: render_page(
            FORM,
            business,
            f"/r/{row['code']}",
            heading=texts["heading"],
            text="\n".join(part for part in (texts["text"], gift) if part),
            button="Send it to me",
            consent_text=texts["consent"],
            fields=FIELDS,
            values=dict(values),
            faults=dict(faults),
            problem=problem,
            opened=referral_intake.opening_token(row["code"]),
            is_private=True,
            **look,
        ),
        "no-store",
        status,
    )


@anvil.server.route("/r/confirm/:token", methods=["GET", "HEAD", "POST"])
def confirm_referral(token: str, **_query: str) -> Any:
    """What the mail leads to: a page with a button, so that only a person confirms."""
    row = referral_intake.find_invited(token)
    if row is not None and anvil.server.request.method == "POST":
        with delivering_afterwards():
            row = referral_intake.confirm(token, anvil.server.request.remote_address or "")
    elif row is not None and row["status"] == referral_intake.INVITED:
        text = "One press, and your e-mail address is confirmed."
        return confirm_page(f"/r/confirm/{token}", "Welcome", text, "Yes, that is me")
    if row is None:
        return message_page("This link is no longer good", "It works for some days only.", 404)
    if row["status"] == referral_intake.REJECTED:
        text = "Thank you. You know us already, so there is no gift for being new this time."
        return message_page("Welcome back", text)
    reward = describe_reward(read_program()["friend_reward"], read_business())
    text = f"Your gift: {reward}. We know about it when you come." if reward else "See you soon."
    return message_page("Welcome", text)
