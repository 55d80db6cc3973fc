"""What the business measures of its marketing mails, and how reports on them arrive."""

from __future__ import annotations

from typing import Any

from ..server_emails import mail_senders
from ..server_integrations.integration_registry import INTEGRATIONS
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import settings_row
from ..server_shared.errors import AppError
from ..server_shared.validators import Choice
from . import mail_bounces, tracking_links

TRACKING = Choice("Measuring", tracking_links.SETTINGS, required=True)


@server_callable(needs="marketing.view")
def get_mail_settings() -> dict[str, Any]:
    """``{"tracking", "provider", "provider_title", "bounce_address"}``: what is measured (``off``,
    ``consented``, ``opted_in``), by whom mails go out (``server``, ``smtp``, ``brevo``), and where
    mails that came back are read."""
    way = mail_senders.choose_sender()[0]
    return {
        "tracking": tracking_links.read_setting(),
        "provider": way,
        "provider_title": INTEGRATIONS[way].title if way in INTEGRATIONS else "Mybizz",
        "bounce_address": mail_bounces.bounce_address(),
    }


@server_callable(needs="marketing.manage", takes={"tracking": TRACKING}, audit="settings.update")
def update_mail_settings(tracking: str) -> dict[str, Any]:
    """Say whose opens and clicks are counted. What was counted before stays."""
    row = settings_row()
    if row is None:
        raise AppError("This instance has not been set up yet.", code="not_set_up")
    before = tracking_links.read_setting()
    if before == tracking:
        audit.unchanged()
    else:
        row.update(mail_tracking=tracking, version=int(row["version"]) + 1, updated_at=clock.now())
        audit.record("update", "settings", "mail", {"mail_tracking": [before, tracking]})
    return get_mail_settings()
