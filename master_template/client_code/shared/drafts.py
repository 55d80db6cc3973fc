"""What someone has typed and not saved, kept for as long as the browser's tab is open."""

import json

from anvil.js import ExternalError, window

_PREFIX = "mybizz.draft:"


def keep(name, values):
    """Keep the values (plain dict) under a name."""
    try:
        window.sessionStorage.setItem(_PREFIX + name, json.dumps(values))
    except (ExternalError, ValueError):
        # Storage is off or full: then there is no draft, and nothing else is lost.
        pass


def find(name):
    """The values kept under a name, or None."""
    try:
        text = window.sessionStorage.getItem(_PREFIX + name)
        return json.loads(text) if text else None
    except (ExternalError, ValueError):
        return None


def drop(name):
    """Forget what is kept under a name."""
    try:
        window.sessionStorage.removeItem(_PREFIX + name)
    except (ExternalError, ValueError):
        pass
