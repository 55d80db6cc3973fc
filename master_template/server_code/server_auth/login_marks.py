"""What a log-in of ours leaves in its session, by which it is told from one that has been ended.

A user's row counts in ``session_version`` how often their log-ins were ended from elsewhere: by a
suspension, a removal, a new role's demands. A session keeps the number it logged in with, and one
with an older number is nobody's, also after the account has been opened again. A remembered log-in
needs no mark: ending the log-ins takes its token away.
"""

from __future__ import annotations

from typing import Any

import anvil.server
import anvil.users

MARK = "mybizz_login"
# What an open tab hears when its log-in is ended (client_code/shared/login_watch.py).
LOGIN_ENDED = "mybizz-login-ended"


def version_of(user: Any) -> int:
    """How often this user's log-ins have been ended."""
    return int(user["session_version"] or 0)


def leave(user: Any) -> None:
    """Mark the session that has just logged this user in."""
    anvil.server.session[MARK] = {"user": user.get_id(), "version": version_of(user)}


def is_good(user: Any) -> bool:
    """Whether the log-in behind this call is one of those that still hold."""
    version = version_of(user)
    mark = anvil.server.session.get(MARK)
    if mark and mark.get("user") == user.get_id():
        return bool(mark.get("version") == version)
    if version == 0:
        return True
    return _is_remembered()


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
