"""Sessions: what the server knows about one browser, uplink or caller of an endpoint."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import math
import secrets
import sqlite3
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Protocol

from app_server.keys import InstanceKeys
from app_server.limits import SESSION_IDLE_MINUTES
from app_server.session_cookies import CookieSigner, SessionClaim
from app_server.session_renewal import TICKET_SECONDS, tell_caller
from app_server.session_store import SessionFile, SessionRow
from app_server.wire.macs import MacKey

logger = logging.getLogger(__name__)

COOKIE_NAME = "anvil-session"
SECURE_COOKIE_NAME = "__Host-anvil-session"
TOUCH_EVERY_SECONDS = 60.0
CACHED_SESSIONS = 10_000
USERS = "users"
"""The key of ``state`` with what the Users service knows: ``{"logged_in_id": row id, ...}``."""


class SessionSocket(Protocol):
    """A browser's open socket, as its session sees it."""

    def send_event(self, event: dict[str, Any]) -> None: ...

    def retire(self) -> None:
        """Take no more calls, and close when the last one is answered."""


_STARTED_AT = time.time() - time.monotonic()


def steady_time() -> float:
    """Seconds since 1970 by the clock as it was when this process started: one that is set anew
    meanwhile, by hand or by its time server, ends nobody's session and prolongs none."""
    return _STARTED_AT + time.monotonic()


class SessionState(MutableMapping[str, Any]):
    """Server-only JSON values of a session. Setting or deleting a key saves the session; whoever
    changes a value in place calls ``Session.save``."""

    def __init__(self, values: dict[str, Any], on_change: Callable[[], None]):
        self._values = values
        self._on_change = on_change

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value
        self._on_change()

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._on_change()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def to_json(self) -> dict[str, Any]:
        return dict(self._values)


class Session:
    """One session.

    ``state`` belongs to the server (see SessionState). ``user_data`` is ``anvil.server.session`` in
    wire form: ``{"session": {...}, "objects": [...]}``. ``cookies`` are the sealed values of
    ``anvil.server.cookies`` by kind, as last seen from the browser; None until a browser was seen.
    ``unsent_cookies`` are the kinds that the browser has not fetched yet, with the time (monotonic)
    until which it is waited for.
    ``is_replacement``: the browser came with a session that had expired and has not been told yet.
    ``version`` counts the cookies that its browser was given one after the other; only the last one
    opens it. ``has_cookies``: the browser has shown one, so that a token in an address is not taken
    any more (as Anvil's server "burns" it). ``sockets`` are the browser's open ones.
    """

    def __init__(self, store: SessionStore | None, session_id: str, data: dict[str, Any]):
        self.id = session_id
        self._store = store
        self.state = SessionState(dict(data.get("state") or {}), self._state_changed)
        self.user_data: dict[str, Any] = data.get("user_data") or {"session": {}, "objects": []}
        self.cookies: dict[str, str] | None = None
        self.unsent_cookies: dict[str, float] = {}
        self.version: int = data.get("version") or 0
        self.renewed_at = 0.0
        self.has_cookies: bool = bool(data.get("has_cookies"))
        self.client_secret: str = data.get("client_secret") or secrets.token_hex(16)
        self.is_stored = False
        self.is_deleted = False
        self.is_replacement = False
        self.last_seen_at = steady_time()
        self.sockets: set[SessionSocket] = set()
        self._logged_in_id = self.logged_in_id
        self._client_key: tuple[str, MacKey] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state.to_json(),
            "user_data": self.user_data,
            "client_secret": self.client_secret,
            "version": self.version,
            "has_cookies": self.has_cookies,
        }

    @property
    def logged_in_id(self) -> Any:
        """The row id of the user who is logged in, or None."""
        users = self.state.get(USERS)
        return users.get("logged_in_id") if isinstance(users, dict) else None

    def _state_changed(self) -> None:
        before, self._logged_in_id = self._logged_in_id, self.logged_in_id
        if self._logged_in_id is not None and self._logged_in_id != before:
            self.renew()
        self.save()

    def renew(self) -> None:
        """Give its browser a new cookie; the one before opens nothing any more."""
        self.version += 1
        self.renewed_at = time.monotonic()
        self.save()
        tell_caller(self)

    def save(self) -> None:
        """Keep the session beyond this request."""
        if self._store is not None and not self.is_deleted:
            self._store.save(self)

    def touch(self) -> None:
        """Note that the session is in use."""
        now = steady_time()
        if now - self.last_seen_at > TOUCH_EVERY_SECONDS:
            self.last_seen_at = now
            if self.is_stored:
                self.save()

    def delete(self) -> None:
        """End the session: its cookie opens nothing any more."""
        self.is_deleted = True
        if self._store is not None:
            self._store.delete(self)

    @property
    def client_key(self) -> MacKey:
        """The key of the MACs on objects that go to this session's browser."""
        if self._store is None:
            raise RuntimeError("a session without a store has no browser")
        if self._client_key is None or self._client_key[0] != self.client_secret:
            key = self._store.derive_client_key(self)
            self._client_key = (self.client_secret, MacKey(key))
        return self._client_key[1]

    def invalidate_client_objects(self) -> None:
        """From now on, no capability or live object that the browser was given so far is valid."""
        self.client_secret = secrets.token_hex(16)
        self.save()

    def notify(self, event: dict[str, Any]) -> None:
        """Send an event to every open socket of this session."""
        for socket in list(self.sockets):
            socket.send_event(event)


class SessionStore:
    """The sessions of one instance."""

    def __init__(self, data_dir: Path, keys: InstanceKeys):
        self._file = SessionFile(data_dir / "sessions.sqlite3")
        self._signer = CookieSigner(keys)
        self._keys = keys
        self._live: weakref.WeakValueDictionary[str, Session] = weakref.WeakValueDictionary()
        self._recent: OrderedDict[str, Session] = OrderedDict()
        self._changed: dict[str, Session] = {}
        self._is_failing = False
        self.wants_flush: Callable[[], None] = self.flush

    def create(self) -> Session:
        """A new session. It reaches the disk, and the browser a cookie, when it is first saved."""
        session = Session(self, secrets.token_urlsafe(24), {})
        self._remember(session)
        return session

    def make_copy(self, session: Session) -> Session:
        """A session of its own that begins as this one is: the same user, data and cookies."""
        data = copy.deepcopy(session.to_json())
        data.pop("version")
        data.pop("client_secret")
        made = Session(self, secrets.token_urlsafe(24), data)
        made.cookies = dict(session.cookies or {})
        # What its browser sends is no newer: it has none of them.
        made.unsent_cookies = dict.fromkeys(made.cookies, math.inf)
        self._remember(made)
        made.save()
        return made

    def create_replacement(self) -> Session:
        """A session for a browser whose own is gone: it has to ask for it (``reset_session``)."""
        session = self.create()
        session.is_replacement = True
        return session

    def find(self, cookie: str | None) -> Session | None:
        """The session of a cookie's value; None for a forged, foreign, ended or expired one, and
        for one that was replaced by another."""
        claim = self._signer.read(cookie)
        session = self.find_by_id(claim.session_id) if claim is not None else None
        if session is None or claim is None or claim.version != session.version:
            return None
        return session

    def make_url_token(self, session: Session) -> str:
        return self._signer.make_url_token(session.id)

    def find_by_url_token(self, token: str) -> Session | None:
        """The session of a page whose browser gives it no cookies, such as one in another site's
        frame."""
        session_id = self._signer.read_url_token(token)
        session = self.find_by_id(session_id) if session_id is not None else None
        return session if session is not None and not session.has_cookies else None

    def read_cookie(self, cookie: str | None) -> SessionClaim | None:
        """Which session a cookie was made for, whether or not it still opens it."""
        return self._signer.read(cookie)

    def is_superseded(self, cookie: str | None) -> bool:
        """Whether a cookie was replaced a moment ago: its browser is just getting the new one."""
        claim = self._signer.read(cookie)
        session = self.find_by_id(claim.session_id) if claim is not None else None
        if session is None or claim is None or claim.version >= session.version:
            return False
        return time.monotonic() - session.renewed_at < TICKET_SECONDS

    def find_by_id(self, session_id: str) -> Session | None:
        session = self._live.get(session_id)
        if session is None:
            row = self._file.read(session_id)
            if row is None:
                return None
            session = Session(self, session_id, row[0])
            session.last_seen_at = row[1]
            session.is_stored = True
        if session.is_deleted or not session.is_stored or self._is_expired(session):
            return None
        self._remember(session)
        return session

    @property
    def connected(self) -> list[Session]:
        """The sessions with an open socket."""
        return [session for session in self._live.values() if session.sockets]

    async def list_ids(self, user_id: Any = None) -> list[str]:
        """Ids of all sessions that have not expired, or of those of a user's row id."""
        self.flush()
        since = steady_time() - SESSION_IDLE_MINUTES * 60
        user = None if user_id is None else str(user_id)
        found = await asyncio.to_thread(self._file.list_ids, since, user)
        # An open socket keeps a session alive, whenever it was last written.
        lasting = [s.id for s in self.connected if user is None or str(s.logged_in_id) == user]
        return list(dict.fromkeys([*found, *(i for i in lasting if self._live[i].is_stored)]))

    def make_cookie(self, session: Session) -> str:
        return self._signer.make(session.id, session.version)

    def derive_client_key(self, session: Session) -> bytes:
        return self._keys.derive(f"client objects {session.id} {session.client_secret}")

    def derive_media_key(self, session: Session) -> bytes:
        return self._keys.derive(f"lazy media {session.id} {session.client_secret}")

    def save(self, session: Session) -> None:
        session.is_stored = True
        self._changed[session.id] = session
        self.wants_flush()

    def delete(self, session: Session) -> None:
        self._changed.pop(session.id, None)
        self._recent.pop(session.id, None)
        self._file.delete(session.id)

    def flush(self) -> None:
        """Write every changed session. Where the disk refuses, they stay here until the next
        time."""
        if not self._changed:
            return
        changed = [row for session in self._changed.values() if (row := _to_row(session))]
        try:
            self._file.write(changed)
        except sqlite3.Error as error:
            if not self._is_failing:
                logger.error("Sessions cannot be written, so a restart would lose them: %s", error)
            self._is_failing = True
            return
        self._is_failing = False
        self._changed.clear()

    def sweep(self) -> None:
        """Forget sessions that have expired, and write what could not be written before."""
        self.flush()
        self._file.delete_before(steady_time() - SESSION_IDLE_MINUTES * 60)

    def close(self) -> None:
        self.flush()
        self._file.close()

    def _remember(self, session: Session) -> None:
        self._live[session.id] = session
        self._recent[session.id] = session
        self._recent.move_to_end(session.id)
        if len(self._recent) > CACHED_SESSIONS:
            self._recent.popitem(last=False)

    @staticmethod
    def _is_expired(session: Session) -> bool:
        if session.sockets:
            return False
        return steady_time() - session.last_seen_at > SESSION_IDLE_MINUTES * 60


def _to_row(session: Session) -> SessionRow | None:
    """For ``SessionFile.write``; None where its data have no JSON form."""
    try:
        user = session.logged_in_id
        text = json.dumps(session.to_json())
        return session.id, text, session.last_seen_at, None if user is None else str(user)
    except (TypeError, ValueError, RecursionError) as error:
        logger.error("The data of a session cannot be kept: %s", error)
        return None
