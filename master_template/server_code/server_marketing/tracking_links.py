"""The addresses in a mail by which opens and clicks are counted, and whether there are any.

An address holds the mail's ``send_key`` and is signed; that of a click carries where it leads in
the open (whoever hovers over it sees the site), and its signature covers that, so that nobody can
have it lead elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

import anvil.server

from ..server_shared import signed_tokens
from ..server_shared.config import settings_row

OPEN, CLICK, TRAP = "mail open", "mail click", "mail trap"

# What the business measures: of nobody; of those who agreed to it; of everyone who agreed to get
# marketing and did not object. Where opens need a consent of their own (French CNIL, German TDDDG)
# the second is the right one.
OFF, CONSENTED, OPTED_IN = "off", "consented", "opted_in"
SETTINGS = (OFF, CONSENTED, OPTED_IN)
DIGEST_CHARS = 32


def read_setting() -> str:
    """What the business measures. As it begins opens and clicks are counted."""
    row = settings_row()
    return (row["mail_tracking"] if row else None) or OPTED_IN


def may_track(preferences: Mapping[str, Any] | None, setting: str) -> bool:
    """Whether opens and clicks of a person with these preferences may be counted."""
    agreed = (preferences or {}).get("mail_tracking")
    if setting == OPTED_IN:
        return agreed is not False
    return setting == CONSENTED and agreed is True


def origin() -> str:
    """Where the business's own pages are."""
    return (anvil.server.get_app_origin() or "").rstrip("/")


def click_url(send_key: str, target: str) -> str:
    """The address that counts a click and goes on to ``target``."""
    token = signed_tokens.sign(CLICK, f"{send_key}_{_digest(target)}")
    return f"{origin()}/mail-click/{token}?to={quote(target, safe='')}"


def read_click(token: str, target: str) -> str | None:
    """The ``send_key`` of a click, or None where this token does not lead there."""
    key, _, digest = (signed_tokens.read(CLICK, token) or "").rpartition("_")
    return key if key and digest == _digest(target) else None


def end_of_mail(send_key: str) -> str:
    """HTML that goes last: a link that no person sees, for machines that follow everything, and
    the picture that counts opens."""
    trap = f"{origin()}/mail-link/{signed_tokens.sign(TRAP, send_key)}"
    seen = f"{origin()}/mail-open/{signed_tokens.sign(OPEN, send_key)}"
    return (
        f'<a href="{escape(trap)}" rel="nofollow" aria-hidden="true" tabindex="-1" '
        'style="display:none;mso-hide:all;font-size:0;line-height:0"></a>'
        f'<img src="{escape(seen)}" width="1" height="1" alt="" role="presentation" '
        'style="display:block;width:1px;height:1px;border:0">'
    )


def _digest(target: str) -> str:
    return hashlib.sha256(target.encode("utf-8", "replace")).hexdigest()[:DIGEST_CHARS]
