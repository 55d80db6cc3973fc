"""The browser's history: where the app is, going elsewhere, and hearing of it.

``history`` speaks of the address itself, ``hash_history`` of what is behind its ``#``. Names and
behaviour as in modules/history of the public anvil-runtime, whose pattern is the npm package
``history``; unlike there, a listener hears what was done ("PUSH", "REPLACE", "POP") and where to.
"""

import json
import random

import anvil.server
from anvil.js import window

__all__ = ["Location", "history", "hash_history"]  # noqa: F822 (see __getattr__)

_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_KEY_LENGTH = 7


def _create_key():
    return "".join([random.choice(_CHARACTERS) for _ in range(_KEY_LENGTH)])


def _with_sign(sign, part):
    """``part`` beginning with ``sign``, or "" for nothing."""
    if not part:
        return ""
    return part if part.startswith(sign) else sign + part


def _base_href():
    return window.document.baseURI


def _base_path():
    path = window.URL(".", _base_href()).pathname
    return path if path == "/" else path.rstrip("/")


def _within_app(path):
    """A path of the page as the app sees it: without the folder that the app is served under."""
    base = _base_path()
    if base != "/" and path.startswith(base):
        path = path[len(base) :]
    return path or "/"


@anvil.server.portable_class
class Location(dict):
    """A place in the app: ``path``, ``search``, ``hash``, ``state``, ``key``; as keys and as
    attributes."""

    def __init__(self, path="", search="", hash="", state=None, key=None):
        path = path or ""
        if not path.startswith("/") and not path.startswith("."):
            path = "/" + path
        dict.__init__(self)
        self["path"] = path
        self["search"] = _with_sign("?", search)
        self["hash"] = _with_sign("#", hash)
        self["state"] = state
        self["key"] = key or _create_key()

    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(f"'Location' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        self[name] = value

    def __repr__(self):
        return f"<Location:{dict.__repr__(self)}>"

    def __str__(self):
        parts = [self.get(name) or "" for name in ("path", "search", "hash")]
        return "".join(parts)

    def __serialize__(self, global_data):
        return dict(self)

    def __deserialize__(self, data, global_data):
        self.update(data)

    @property
    def search_params(self):
        """The search as a dict of texts; where a name stands twice, the later one."""
        params = {}
        window.URLSearchParams(self.get("search") or "").forEach(
            lambda value, name, *rest: params.update({name: value})
        )
        return params

    def get_url(self, full=False):
        """The address below the app's; with ``full`` all of it. A path with a dot before it is
        relative to the page."""
        url = str(self)
        if not full:
            return url
        if url.startswith("."):
            return window.URL(url, window.location.href).href
        return window.URL("." + url, _base_href()).href

    @classmethod
    def from_url(cls, url, state=None, key=None):
        """The location of an address, full or below the app's. ValueError if it is none."""
        if not isinstance(url, str):
            raise TypeError("Location.from_url() expects a string URL")
        if not window.URL.canParse(url, _base_href()):
            raise ValueError(f"Invalid URL: {url}")
        parsed = window.URL(url, _base_href())
        return cls(_within_app(parsed.pathname), parsed.search, parsed.hash, state, key)


def _split(url):
    """Path, search and hash of an address without a host."""
    url, _, hash = url.partition("#")
    path, _, search = url.partition("?")
    return path or "/", search, hash


class History:
    """One of the two histories; not to be made by apps."""

    def __init__(self, name, find_parts, create_href):
        self._name = name
        self._find_parts = find_parts
        self._create_href = create_href
        self._listeners = []
        self._action = "POP"
        self._is_listening = False
        self._index = self._find_index()
        if self._index is None:
            self._index = 0
            state = self._state()
            state["idx"] = 0
            window.history.replaceState(state, "")

    def __repr__(self):
        return f"<{self._name}History>"

    def _state(self):
        """What the browser keeps with the page that is shown: ``usr``, ``key``, ``idx``."""
        state = json.loads(window.JSON.stringify(window.history.state) or "null")
        return state if isinstance(state, dict) else {}

    def _find_index(self):
        return self._state().get("idx")

    @property
    def location(self):
        state = self._state()
        path, search, hash = self._find_parts()
        return Location(path, search, hash, state.get("usr"), state.get("key") or "default")

    @property
    def action(self):
        """What led here: "POP" (also at first), "PUSH" or "REPLACE"."""
        return self._action

    def create_href(self, location):
        return self._create_href(location)

    def listen(self, listener):
        """Call ``listener(action=, location=, delta=)`` whenever the location changes; gives a
        function that ends it. ``delta`` is how many entries it went, or None if that is unknown."""
        if not self._is_listening:
            window.addEventListener("popstate", self._popped)
            self._is_listening = True
        entry = [listener]
        self._listeners.append(entry)

        def unlisten():
            if entry in self._listeners:
                self._listeners.remove(entry)

        return unlisten

    def push(self, to):
        """Go to a location in a new entry."""
        to = self._checked(to)
        self._index = None if self._index is None else self._index + 1
        window.history.pushState(self._entry(to), "", self._create_href(to))
        self._tell("PUSH", 1)

    def replace(self, to):
        """Go to a location in place of the one that is there."""
        to = self._checked(to)
        self._index = self._find_index()
        window.history.replaceState(self._entry(to), "", self._create_href(to))
        self._tell("REPLACE", 0)

    def reload(self):
        window.location.reload()

    def go(self, delta=0):
        """Go ``delta`` entries on, or back; nothing loads the page again."""
        window.history.go(delta or 0)

    def _checked(self, to):
        if not isinstance(to, Location):
            raise TypeError(f"expected a Location, not {type(to).__name__}")
        return to

    def _entry(self, to):
        return {"usr": to.get("state"), "key": to.get("key"), "idx": self._index}

    def _popped(self, event):
        if not self._listeners:
            return
        before = self._index
        self._index = self._find_index()
        is_known = before is not None and self._index is not None
        self._tell("POP", self._index - before if is_known else None)

    def _tell(self, action, delta):
        self._action = action
        location = self.location
        for entry in list(self._listeners):
            _start(entry[0], {"action": action, "location": location, "delta": delta})


def _start(listener, kwargs):
    """Call a listener without waiting for what it waits for, as an event would."""
    window.Array.of(0).forEach(lambda *rest: listener(**kwargs))


def _browser_parts():
    location = window.location
    return _within_app(location.pathname), location.search, location.hash


def _browser_href(to):
    return to.get_url(True)


def _hash_parts():
    return _split(window.location.hash[1:])


def _hash_href(to):
    return window.location.href.partition("#")[0] + "#" + str(to)


_made = {}


def __getattr__(name):
    # Made when asked for: they leave a mark in the browser's history.
    if name not in _made:
        if name == "history":
            _made[name] = History("", _browser_parts, _browser_href)
        elif name == "hash_history":
            _made[name] = History("Hash", _hash_parts, _hash_href)
        else:
            raise AttributeError(f"module 'anvil.history' has no attribute '{name}'")
    return _made[name]
