"""What a page is to open when it has loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PageStart:
    """A form to open or a module to run; neither means the app's own start.

    ``message`` is in wire form, for this session's browser: ``args`` and ``kwargs`` of the form,
    ``data`` (``anvil.server.startup_data``), ``objects`` (paths start at these names), ``media``
    (base64 by the media's id) and ``vt_global`` where there is any. ``meta`` are meta tags by name.
    """

    form: str | None = None
    module: str | None = None
    message: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
