"""The pages behind the links that the Users service mails, under Anvil's own addresses.

A handler finds the app and the session in ``request.state.instance`` and ``request.state.session``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app_server.errors import AnvilError
from app_server.http.client_session import is_same_origin
from app_server.users.keys import KeyState, Purpose
from app_server.users.links import check_token, log_in_with_token
from app_server.users.page import render
from app_server.users.passwords import RULES
from app_server.users.request import Clock, UsersRequest, make_request, utc_now
from app_server.users.reset import check_reset_key, reset_password_by_key
from app_server.users.signup import confirm_email

Handler = Callable[[Request, UsersRequest], Awaitable[Response]]

MAX_FORM_BYTES = 16 * 1024

_GONE = {
    KeyState.EXPIRED: "This link has expired",
    KeyState.USED: "This link was used already",
    KeyState.UNKNOWN: "This link does not work",
}


def _refuse(users: UsersRequest, state: KeyState, *paragraphs: str) -> HTMLResponse:
    if state is KeyState.UNKNOWN:
        paragraphs = ("Perhaps it was not copied whole, or a newer link replaced it.", *paragraphs)
    status = 404 if state is KeyState.UNKNOWN else 410
    return render(users.instance, _GONE[state], *paragraphs, status=status)


async def show_confirmation(request: Request, users: UsersRequest) -> Response:
    """Confirm an address. Anvil's server does so on GET, too: at worst a mail scanner that follows
    links confirms an address that does receive mail."""
    email, key = request.path_params["email"], request.path_params["key"]
    if request.method == "HEAD":
        return Response()
    state = await confirm_email(users, email, key)
    if state is KeyState.USED:
        return render(users.instance, "Your address is confirmed", "You can log in now.")
    if state is not KeyState.VALID:
        hint = "To get a new link, ask for a new password at the log-in: that confirms it as well."
        return _refuse(users, state, hint)
    row = await users.users.find(email)
    then = "You can log in now."
    if row is not None and not row.is_enabled:
        then = "An administrator has to enable your account before you can log in."
    return render(users.instance, "Your address is confirmed", f"Thank you, {email}.", then)


async def show_password_form(request: Request, users: UsersRequest) -> Response:
    """The form for a new password, if the key is good."""
    email, key = request.path_params["email"], request.path_params["key"]
    state = await check_reset_key(users, email, key)
    if state is not KeyState.VALID:
        return _refuse_reset(users, state)
    return _password_form(users, email)


async def set_password(request: Request, users: UsersRequest) -> Response:
    """Take the form: the new password, or what is wrong with it."""
    email, key = request.path_params["email"], request.path_params["key"]
    form = await _read_form(request)
    password, again = form.get("password"), form.get("again")
    if password != again:
        return _password_form(users, email, "The two passwords are not the same.")
    try:
        state = await reset_password_by_key(users, email, key, password)
    except AnvilError as error:
        return _password_form(users, email, error.message)
    if state is not KeyState.VALID:
        return _refuse_reset(users, state)
    return render(
        users.instance,
        "Your password has been changed",
        "You are logged out everywhere else. Log in with your new password.",
    )


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form; none when it is larger than ours can be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _refuse_reset(users: UsersRequest, state: KeyState) -> HTMLResponse:
    return _refuse(users, state, "Ask for a new one by “Forgot your password?” at the log-in.")


def _password_form(users: UsersRequest, email: str, problem: str | None = None) -> HTMLResponse:
    return render(
        users.instance,
        "Choose a new password",
        form="password",
        email=email,
        rules=RULES if users.config.require_secure_passwords else (),
        problem=problem,
        status=422 if problem else 200,
    )


async def show_login(request: Request, users: UsersRequest) -> Response:
    """Ask before using a link that works once: mail scanners follow links, but press no buttons."""
    token, state = await check_token(users, request.path_params["token"])
    if token is None or state is not KeyState.VALID:
        return _refuse(users, state, "Ask for a new one at the log-in.")
    is_login = token.purpose is Purpose.LOGIN
    return render(
        users.instance,
        "Log in" if is_login else "Continue",
        f"This link is for {token.email}.",
        form="button",
        button="Log in" if is_login else "Continue",
    )


async def use_login(request: Request, users: UsersRequest) -> Response:
    """Use the link: logged in, and on to the app."""
    try:
        outcome = await log_in_with_token(users, request.path_params["token"])
    except AnvilError as error:
        return render(users.instance, "You cannot log in", error.message, status=403)
    if outcome is None:
        _, state = await check_token(users, request.path_params["token"])
        return _refuse(users, state, "Ask for a new one at the log-in.")
    return RedirectResponse("/", status_code=303)


def make_routes(clock: Clock = utc_now) -> list[Route]:
    """The pages' routes."""

    def route(path: str, handler: Handler, method: str) -> Route:
        async def serve(request: Request) -> Response:
            instance, session = request.state.instance, request.state.session
            if method == "POST" and not is_same_origin(request, instance):
                # A page elsewhere must not log its visitors in as somebody else.
                return HTMLResponse("This form was not sent from our own page.", status_code=403)
            try:
                users = make_request(instance, session, is_client=True, clock=clock)
            except AnvilError:
                # This app has no Users service, so no such pages either.
                return HTMLResponse("Not found", status_code=404)
            return await handler(request, users)

        return Route(path, serve, methods=[method])

    return [
        route("/_/email-confirm/{email:path}/{key}", show_confirmation, "GET"),
        route("/_/email-pw-reset/{email:path}/{key}", show_password_form, "GET"),
        route("/_/email-pw-reset/{email:path}/{key}", set_password, "POST"),
        route("/_/login/{token}", show_login, "GET"),
        route("/_/login/{token}", use_login, "POST"),
        route("/_/reset_password/{token}", show_login, "GET"),
        route("/_/reset_password/{token}", use_login, "POST"),
    ]


routes = make_routes()
