"""The template's guard, once the console's permissions are known to it.

Everything of the console takes ``server_callable`` from here.
"""

from __future__ import annotations

from master_template.server_auth.rbac import ADMIN, MANAGER, STAFF, add_permissions
from master_template.server_shared.callables import TRUSTED_ONLY, server_callable
from master_template.server_site.admission import close_to_public

from ..console_pages import PAGES

__all__ = ["PAGES", "TRUSTED_ONLY", "server_callable"]

_EVERYONE = (MANAGER, ADMIN, STAFF)
_LEADING = (MANAGER, ADMIN)

add_permissions(
    {
        "fleet.view": _EVERYONE,
        "fleet.manage": _LEADING,
        "releases.view": _EVERYONE,
        "releases.manage": _LEADING,
        "alerts.view": _EVERYONE,
        "alerts.manage": _EVERYONE,
        "billing.view": _LEADING,
        "billing.manage": (MANAGER,),
    }
)
close_to_public()
