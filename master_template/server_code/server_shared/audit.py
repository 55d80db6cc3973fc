"""The audit log: who did what to which thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anvil.tables import app_tables

from ..server_auth.rbac import current_actor
from . import clock


def record(
    action: str,
    resource_type: str,
    resource_id: str,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry. Call it inside the transaction of the change, so that neither stands alone.

    ``changes`` maps a field to ``[before, after]``, or says what else there is to know.
    """
    actor = current_actor()
    app_tables.audit_log.add_row(
        logged_at=clock.now(),
        user_email=actor.email or actor.kind,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        changes=dict(changes or {}),
        ip_address=actor.ip,
    )
