"""The message that an invitation travels in."""

from __future__ import annotations

from typing import Any

from ..server_emails.mail_service import queue_mail
from ..server_shared.config import read_business
from ..server_shared.formatting import format_day

ROLE_NAMES = {"manager": "manager", "admin": "administrator", "staff": "member of staff"}


def queue(invitation: Any, link: str) -> None:
    """Have the link of an invitation's row sent to the address in it, once the transaction that
    this is called in has been committed."""
    queue_mail(
        "invitation",
        invitation["email"],
        {
            "person_name": "",
            "inviter_name": invitation["inviter_name"],
            "role_name": ROLE_NAMES[invitation["role"]],
            "link": link,
            "expires_on": format_day(invitation["expires_at"], read_business()),
        },
    )
