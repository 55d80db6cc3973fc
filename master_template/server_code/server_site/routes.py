"""The addresses of an instance.

``/`` is a public page. ``/app`` and below open the app at the form that the shared table of
``client_code/shared/routes.py`` names, which the browser goes by too. A route matches the whole
path, so each depth has its own.
"""

from __future__ import annotations

from typing import Any

import anvil.server
import anvil.users

from ..server_auth.rbac import acting_as, read_actor
from ..server_settings.brand_images import find_picture
from ..server_settings.legal_texts import CONDITIONS, PATHS, PRIVACY, current_text
from ..server_settings.policies import describe, read_policies
from ..server_settings.settings_service import get_config
from ..server_shared.config import Business, read_business
from ..server_shared.errors import AppError
from ..shared.routes import PUBLIC, STAFF, find_page, full_name
from .admission import is_closed_to_public
from .answers import html_answer, public_answer
from .cookie_choice import answer_headers, back_to, read_choice
from .public_pages import (
    APP_POLICY,
    render_cookies,
    render_home,
    render_legal,
    render_message,
    render_policies,
)


@anvil.server.route("/", methods=["GET", "HEAD"])
def home(**_query: str) -> Any:
    """The public home page. Whoever has just opened the link of a reset message goes on to the
    form that asks for the new password."""
    try:
        anvil.users.get_user()
    except anvil.users.PasswordResetRequested:
        return anvil.server.HttpResponse(status=302, headers={"Location": "/app/reset"})
    except anvil.users.MFARequired:
        return anvil.server.HttpResponse(status=302, headers={"Location": "/app/login"})
    if is_closed_to_public():
        return anvil.server.HttpResponse(status=302, headers={"Location": "/app"})
    return public_answer(render_home)


@anvil.server.route("/privacy", methods=["GET", "HEAD"])
def privacy(**_query: str) -> Any:
    """The privacy policy in force."""
    return public_answer(lambda business, **look: _legal(business, PRIVACY, look))


@anvil.server.route("/terms", methods=["GET", "HEAD"])
def terms(**_query: str) -> Any:
    """The terms in force."""
    return public_answer(lambda business, **look: _legal(business, CONDITIONS, look))


def _legal(business: Business, kind: str, look: dict[str, Any]) -> str:
    return render_legal(business, current_text(kind), PATHS[kind], **look)


@anvil.server.route("/policies", methods=["GET", "HEAD"])
def policies(**_query: str) -> Any:
    """What the business has decided on cancelling and the like, in words."""
    words = describe(read_policies())
    return public_answer(lambda business, **look: render_policies(business, words, **look))


@anvil.server.route("/cookies", methods=["GET", "HEAD", "POST"])
def cookies(**_query: str) -> Any:
    """Asks which cookies there may be; a form sends the answer, and the visitor goes back."""
    request = anvil.server.request
    if request.method == "POST":
        form = request.form_params or {}
        return anvil.server.HttpResponse(
            status=303,
            headers={"Location": back_to(form.get("next")), **answer_headers(form.get("choice"))},
        )
    choice = read_choice(request.headers)
    return public_answer(
        lambda business, **_look: render_cookies(business, choice), cache="no-store"
    )


@anvil.server.route("/logo/:name", methods=["GET", "HEAD"])
def logo(name: str, **_query: str) -> Any:
    """The logo, by a name that changes with it."""
    picture = find_picture(name)
    if picture is None:
        return anvil.server.HttpResponse(status=404, body="")
    return anvil.server.HttpResponse(
        body=picture,
        headers={
            "Content-Type": "image/png",
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": "default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


@anvil.server.route("/app", methods=["GET"])
def app_home(**_query: str) -> Any:
    """The app, at its first page."""
    return _open("/app")


@anvil.server.route("/app/:first", methods=["GET"])
def app_page(first: str, **_query: str) -> Any:
    """A page of the app."""
    return _open(f"/app/{first}")


@anvil.server.route("/app/:first/:second", methods=["GET"])
def app_thing(first: str, second: str, **_query: str) -> Any:
    """One thing on a page of the app."""
    return _open(f"/app/{first}/{second}")


@anvil.server.route("/app/:first/:second/:third", methods=["GET"])
def app_action(first: str, second: str, third: str, **_query: str) -> Any:
    """What is done with one thing of the app."""
    return _open(f"/app/{first}/{second}/{third}")


@anvil.server.route("/app/:first/:second/:third/:fourth", methods=["GET"])
def app_two_things(first: str, second: str, third: str, fourth: str, **_query: str) -> Any:
    """What is done with one thing of the app and another one."""
    return _open(f"/app/{first}/{second}/{third}/{fourth}")


def _open(path: str) -> Any:
    """The app's page at this path, with what it needs to draw itself as start-up data."""
    try:
        with acting_as(read_actor()):
            config = get_config()
    except AppError as error:
        return html_answer(f"<!doctype html><title>Mybizz</title><p>{error.message}</p>", 503)
    page = find_page(path)
    if page is None:
        text = "There is nothing at this address. It may have been mistyped, or moved."
        business = read_business()
        return html_answer(
            render_message(business, "No such page", text, path), 404, business=business
        )
    form, arguments, who = page
    if who != PUBLIC and config["user"] is None:
        form, arguments = "auth.LoginForm", {"next_path": path}
    elif who != PUBLIC and config["user"]["owes_factor"]:
        form, arguments = "auth.SecureAccountForm", {}
    elif who == STAFF and not config["user"]["is_staff"]:
        form, arguments = "customer_portal.CustomerDashboardForm", {}
    title = config["business"]["business_name"]
    responder = anvil.server.AppResponder(
        data={"config": {"success": True, **config}},
        meta={"title": title, "content-security-policy": APP_POLICY},
    )
    return responder.load_form(full_name(form), **arguments)
