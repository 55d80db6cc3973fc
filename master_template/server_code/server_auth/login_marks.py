"""What a log-in of ours leaves in its session, by which it is told from one that has been ended.

A user's row counts in ``session_version`` how often their log-ins were ended from elsewhere: by a
suspension, a removal, a new role's demands. A session keeps the number it logged in with, and one
with an older number is nobody's, also after the account has been opened again. A remembered log-in
needs no mark: ending the log-ins takes its token away.

Where the user has a second factor, the mark says which one was shown, so that a log-in past
``service.log_in`` by password alone is nobody's either.
"""

from __future__ import annotations

from typing import Any

import anvil.server
import anvil.users

from . import second_factor

MARK = "mybizz_login"
FACTOR_COOKIE = "mybizz_second_factor"
REMEMBER_DAYS = 30  # As the option remember_me_days of the Users service.
# What an open tab hears when its log-in is ended (client_code/shared/login_watch.py).
LOGIN_ENDED = "mybizz-login-ended"


def version_of(user: Any) -> int:
    """How often this user's log-ins have been ended."""
    return int(user["session_version"] or 0)


def leave(user: Any, *, remember: bool = False) -> None:
    """Mark the session that has just logged this user in, with the second factor if there is one.

    ``remember`` notes in the browser that it was shown, for as long as the log-in is remembered.
    """
    factor = second_factor.factor_id(user)
    anvil.server.session[MARK] = {
        "user": user.get_id(),
        "version": version_of(user),
        "factor": factor,
    }
    if remember and factor:
        shown = {FACTOR_COOKIE: f"{user.get_id()} {factor}"}
        anvil.server.cookies.local.set(REMEMBER_DAYS, **shown)


def is_good(user: Any) -> bool:
    """Whether the log-in behind this call is one of those that still hold."""
    version, factor = version_of(user), second_factor.factor_id(user)
    mark = anvil.server.session.get(MARK)
    if mark and mark.get("user") == user.get_id():
        # Where the factor was switched off since, none is owed.
        return bool(mark.get("version") == version and factor in (None, mark.get("factor")))
    if factor is not None:
        return _is_remembered() and _has_shown(user, factor)
    return version == 0 or _is_remembered()


def _has_shown(user: Any, factor: str) -> bool:
    """Whether this browser has shown this user's second factor when it was told to remember."""
    try:
        return bool(anvil.server.cookies.local.get(FACTOR_COOKIE) == f"{user.get_id()} {factor}")
    except anvil.server.CookieError:
        return False


def _is_remembered() -> bool:
    """Whether it is the browser's remembered log-in that speaks, not one of this session."""
    return anvil.users.get_user(allow_remembered=False) is None


def end_all(user: Any) -> dict[str, Any]:
    """The columns of a user's row by which all their log-ins end. Write them in the transaction of
    what ends them, and tell the open tabs (:func:`tell_tabs`) after it."""
    return {"session_version": version_of(user) + 1, "remembered_logins": []}


def list_tabs(user: Any) -> list[str]:
    """Ids of the sessions in which this user is logged in."""
    return list(anvil.server.list_client_sessions(user=user))


def tell_tabs(session_ids: list[str]) -> None:
    """Have open tabs show the log-in form now; each call of theirs is refused anyway."""
    if session_ids:
        anvil.server.raise_event(LOGIN_ENDED, {}, session_ids=session_ids)
