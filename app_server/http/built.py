"""What the build of the browser runtime left: see app_server/browser/build.mjs."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from app_server.errors import StartupError

DIST = Path(__file__).parent.parent / "browser" / "dist"


def read_manifest(dist: Path = DIST) -> dict[str, Any]:
    """The built runtime's files: see build.mjs. StartupError if it has not been built."""
    path = dist / "manifest.json"
    try:
        return _read_json(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise StartupError(
            f"The browser runtime has not been built: there is no {path}. Run `npm run build`."
        ) from None


@lru_cache(maxsize=4)
def _read_json(path: Path, _modified: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content
