"""What a visitor of the public pages has decided about cookies: kept in their browser alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

import anvil.server

NAME = "cookie_choice"
NECESSARY, ALL = "necessary", "all"
# Half a year, then it is asked again (CNIL's recommendation on cookies, 2020, article 2.3).
MAX_AGE_SECONDS = 182 * 86_400


def read_choice(headers: Mapping[str, str]) -> str | None:
    """``all``, ``necessary``, or None where nothing is decided: then nothing optional is set."""
    cookie = SimpleCookie()
    try:
        cookie.load(headers.get("cookie", ""))
    except CookieError:
        return None
    found = cookie.get(NAME)
    return found.value if found is not None and found.value in (NECESSARY, ALL) else None


def answer_headers(choice: object) -> dict[str, str]:
    """The header that has the browser remember a choice; none for what is no choice."""
    if choice not in (NECESSARY, ALL):
        return {}
    secure = "; Secure" if str(anvil.server.get_app_origin()).startswith("https:") else ""
    return {
        "Set-Cookie": f"{NAME}={choice}; Path=/; Max-Age={MAX_AGE_SECONDS}; HttpOnly; "
        f"SameSite=Lax{secure}"
    }


def back_to(path: object) -> str:
    """A path of this site to go back to, never an address elsewhere."""
    is_ours = isinstance(path, str) and re.fullmatch(r"/(?:[a-z0-9][\w./-]*)?", path, re.ASCII)
    return str(path) if is_ours else "/"
