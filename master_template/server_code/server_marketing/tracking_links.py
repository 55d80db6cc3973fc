"""The addresses in a mail by which opens and clicks are counted, and whether there are any.

An address holds the mail's ``send_key`` and is signed; that of a click carries where it leads in
the open (whoever hovers over it sees the site), and its signature covers that, so that nobody can
have it lead elsewhere.
"""

from __future__ import annotations

import hashlib
from html import escape
from urllib.parse import quote

import anvil.server
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import signed_tokens
from ..server_shared.config import settings_row
from ..server_shared.encryption import EMAIL, search_hash

OPEN, CLICK, TRAP, CHOICE = "mail open", "mail click", "mail trap", "mail choice"
CHOICE_PATH = "/mail-choice"

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


def may_track(email: str, setting: str) -> bool:
    """Whether opens and clicks of whoever has this address may be counted: by the business's
    setting and by what the person has chosen."""
    if setting == OFF:
        return False
    row = app_tables.mail_tracking_choices.get(
        q.fetch_only("is_allowed"), address_hash=search_hash(EMAIL, email)
    )
    return setting == OPTED_IN if row is None else bool(row["is_allowed"])


def choice_url(send_key: str) -> str:
    """Where the recipient of a mail decides on that."""
    return f"{origin()}{CHOICE_PATH}/{signed_tokens.sign(CHOICE, send_key)}"


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
