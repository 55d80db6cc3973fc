"""Addresses of lead forms: the script and its calls from other websites, and pages of our own.

A call from another website carries text without credentials, so that a browser sends it without
asking first (Fetch standard, "CORS-safelisted request-header"); the answer may be read only by the
websites that the form names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import anvil.server

from ..server_shared.config import Business, read_business
from ..server_shared.errors import AppError, InvalidError, NotFoundError
from ..server_shared.outbox import delivering_afterwards
from ..server_shared.rate_limits import TooManyError
from ..server_site.answers import SAFE_HEADERS, html_answer, json_answer, public_answer
from ..server_site.colours import palette
from ..server_site.public_pages import render_message, render_page
from . import lead_intake
from .lead_capture_service import find_form
from .lead_fields import FORM_ID, asked_fields
from .lead_pages import CONFIRM, FORM
from .lead_script import SCRIPT

MAX_BODY_BYTES = 20_000
SCRIPT_SECONDS = 3_600


@anvil.server.route("/lead.js", methods=["GET", "HEAD"])
def lead_script(**_query: str) -> Any:
    """What a website's script tag loads: the same for every form."""
    return anvil.server.HttpResponse(
        body=SCRIPT,
        headers={
            **SAFE_HEADERS,
            "Content-Type": "text/javascript; charset=utf-8",
            "Cache-Control": f"public, max-age={SCRIPT_SECONDS}",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


@anvil.server.route("/lead/:form_id", methods=["GET", "POST"])
def lead_form(form_id: str, **_query: str) -> Any:
    """GET: what the script draws a form from. POST: what a visitor sends, as JSON."""
    return _for_website(form_id, _take if anvil.server.request.method == "POST" else _describe)


@anvil.server.route("/lead/:form_id/seen", methods=["POST"])
def lead_form_seen(form_id: str, **_query: str) -> Any:
    """Counts that a form was shown."""
    return _for_website(form_id, _count_view)


def _for_website(form_id: str, answer: Callable[[Any], Any]) -> Any:
    """An answer that only the websites of the form may ask for and read."""
    origin = anvil.server.request.headers.get("origin")
    try:
        form = find_active(form_id)
    except AppError as error:
        return json_answer(error.to_answer(), 404)
    if origin is None and anvil.server.request.method == "POST":
        return _refuse_origin("nowhere")
    headers = {"Vary": "Origin"}
    if origin is not None and origin != lead_intake.origin():
        if origin not in (form["origins"] or ()):
            return _refuse_origin(origin)
        headers["Access-Control-Allow-Origin"] = origin
    try:
        values, status = answer(form), 200
    except TooManyError as error:
        headers["Retry-After"] = str(error.retry_seconds)
        values, status = error.to_answer(), 429
    except lead_intake.StaleError as error:
        values = {**error.to_answer(), "opened": lead_intake.opening_token(form)}
        status = 409
    except AppError as error:
        values, status = error.to_answer(), 422
    return json_answer(values, status, headers)


def _refuse_origin(origin: str) -> Any:
    message = f"This form is not for {origin[:200]}. Add that website in the form's settings."
    return json_answer({"success": False, "error": message, "code": "wrong_origin"}, 403)


def find_active(form_id: str) -> Any:
    """The row of a form that is switched on. Raises :class:`AppError`."""
    form = find_form(FORM_ID.clean(form_id))
    if form["status"] != "active":
        raise NotFoundError("This form is not switched on.")
    return form


def _describe(form: Any) -> dict[str, Any]:
    business = read_business()
    return {
        "success": True,
        "form_id": form["form_id"],
        "kind": form["kind"],
        "fields": asked_fields(form),
        "needs_consent": _needs_consent(form),
        "texts": dict(form["texts"]),
        "trigger": dict(form["trigger"]),
        "colours": palette(business.primary_color, business.accent_color),
        "business_name": business.business_name,
        "language": business.locale,
        "privacy_url": f"{lead_intake.origin()}/privacy",
        "opened": lead_intake.opening_token(form),
    }


def _needs_consent(form: Any) -> bool:
    return bool(dict(form["fields"] or {}).get("consent", "required") == "required")


def _take(form: Any) -> dict[str, Any]:
    with delivering_afterwards():
        lead_intake.submit(form, _read_body(), anvil.server.request.remote_address or "")
    return {"success": True, "message": form["texts"]["success"]}


def _count_view(form: Any) -> dict[str, Any]:
    lead_intake.note_view(form, anvil.server.request.remote_address or "")
    return {"success": True}


def _read_body() -> dict[str, Any]:
    """The JSON that was sent. Raises :class:`InvalidError`."""
    body = anvil.server.request.body
    data = b"" if body is None else body.get_bytes()
    try:
        given = json.loads(data) if len(data) <= MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise InvalidError(f"Expected a JSON object of at most {MAX_BODY_BYTES:,} bytes.")
    return given


@anvil.server.route("/form/:form_id", methods=["GET", "HEAD", "POST"])
def form_page(form_id: str, **_query: str) -> Any:
    """A form on a page of its own, to link to: it needs no script."""
    try:
        form = find_active(form_id)
    except AppError as error:
        return message_page("No such form", error.message, 404)
    if anvil.server.request.method != "POST":
        return _form_page(form, {}, {}, "")
    given = {
        name: value
        for name, value in (anvil.server.request.form_params or {}).items()
        if isinstance(value, str)
    }
    try:
        with delivering_afterwards():
            lead_intake.submit(form, given, anvil.server.request.remote_address or "")
    except InvalidError as error:
        return _form_page(form, given, error.fields, "", 422)
    except TooManyError as error:
        return _form_page(form, given, {}, error.message, 429)
    except AppError as error:
        return _form_page(form, given, {}, error.message, 409)
    return message_page("Thank you", form["texts"]["success"])


def _form_page(
    form: Any,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    problem: str,
    status: int = 200,
) -> Any:
    return public_answer(
        lambda business, **look: render_form(form, business, values, faults, problem, **look),
        "no-store",
        status,
    )


def render_form(
    form: Any,
    business: Business,
    values: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    problem: str = "",
    **look: Any,
) -> str:
    """The page of a form: ``form`` is its row, or a dict with the same keys."""
    texts = dict(form["texts"])
    return render_page(
        FORM,
        business,
        f"/form/{form['form_id']}",
        heading=texts["heading"],
        text=texts["text"],
        button=texts["button"],
        consent_text=texts["consent"],
        fields=asked_fields(form),
        values=dict(values or {}),
        faults=dict(faults or {}),
        problem=problem,
        opened=lead_intake.opening_token(form),
        **look,
    )


@anvil.server.route("/lead/confirm/:token", methods=["GET", "HEAD", "POST"])
def confirm_lead(token: str, **_query: str) -> Any:
    """What a mail leads to: a page with a button. Only pressing it confirms, so that a program
    which follows the links of a mail confirms nobody."""
    ip = anvil.server.request.remote_address or ""
    if anvil.server.request.method == "POST":
        with delivering_afterwards():
            form = lead_intake.confirm(token, ip)
        if form is not None:
            return message_page("You are confirmed", form["texts"]["success"])
    else:
        row = lead_intake.find_submission(token)
        if row is not None and row["status"] == lead_intake.CONFIRMED:
            return message_page("You are confirmed", row["form"]["texts"]["success"])
        if row is not None:
            return confirm_page(
                f"/lead/confirm/{token}",
                row["form"]["texts"]["heading"],
                "One press, and your e-mail address is confirmed.",
                "Yes, that is me",
            )
    return message_page(
        "This link is no longer good",
        "It works for some days only. Please fill in the form once more.",
        404,
    )


def confirm_page(path: str, heading: str, text: str, button: str) -> Any:
    """A page that asks for one press."""
    return public_answer(
        lambda business, **look: render_page(
            CONFIRM,
            business,
            path,
            heading=heading,
            text=text,
            button=button,
            is_private=True,
            **look,
        ),
        "no-store",
    )


def message_page(heading: str, text: str, status: int = 200) -> Any:
    """A page that says one thing."""
    try:
        business = read_business()
    except AppError as error:
        return html_answer(f"<!doctype html><title>Mybizz</title><p>{error.message}</p>", 503)
    body = render_message(business, heading, text, "/")
    return html_answer(body, status, business=business)
