"""A lead form as it would look, for whoever is writing it."""

from __future__ import annotations

from typing import Any

from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from .lead_endpoints import render_form
from .lead_fields import LEAD_FORM


@server_callable(needs="marketing.view", takes={"lead_form": LEAD_FORM})
def preview_lead_form(lead_form: dict[str, Any]) -> dict[str, Any]:
    """``{"html"}``: the form's own page, without saving or counting anything."""
    return {"html": render_form({**lead_form, "form_id": "preview"}, read_business())}
