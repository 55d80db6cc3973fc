"""A studio's accounts as a test sees them: its users, their browsers and their mail."""

from __future__ import annotations

import email
import re
from dataclasses import dataclass, field
from email.policy import default as modern
from pathlib import Path
from typing import Any

from app_server.keys import InstanceKeys
from app_server.sessions import Session, SessionStore
from app_server.users.request import UsersRequest, make_request
from tests.services.doubles import Clock, Cookies, Tables, make_app, make_instance

SERVICE = "/runtime/services/anvil/users.yml"
PASSWORD = "correct horse battery"

OPTIONS = {
    "use_email": True,
    "allow_signup": True,
    "enable_automatically": True,
    "allow_remember_me": True,
    "remember_me_days": 30,
    "require_secure_passwords": True,
    "confirm_email": False,
    "use_token": True,
}


@dataclass
class Browser:
    """One visitor; ``request()`` is one call of theirs."""

    studio: Studio
    session: Session
    cookies: Cookies = field(default_factory=Cookies)

    def request(self, *, is_client: bool = True) -> UsersRequest:
        return make_request(
            self.studio.instance,
            self.session,
            is_client=is_client,
            cookies=self.cookies,
            clock=self.studio.clock,
        )

    def come_back(self) -> Browser:
        """The same browser in a new session."""
        return Browser(self.studio, self.studio.instance.sessions.create(), self.cookies)


class Studio:
    def __init__(self, folder: Path, **options: Any):
        self.clock = Clock()
        self.data_dir = folder
        self.instance: Any = make_instance(folder, make_app({SERVICE: {**OPTIONS, **options}}))
        self.instance.tables = Tables()
        self.instance.keys = InstanceKeys.load(folder)
        self.instance.sessions = SessionStore(folder, self.instance.keys)

    def browser(self) -> Browser:
        return Browser(self, self.instance.sessions.create())

    def server(self) -> UsersRequest:
        """A call of the app's own server code."""
        return self.browser().request(is_client=False)

    @property
    def users(self) -> dict[int, dict[str, Any]]:
        return self.instance.tables.rows

    @property
    def mail(self) -> list[Any]:
        """All messages, oldest first."""
        paths = sorted((self.data_dir / "outbox").glob("*.eml"))
        return [email.message_from_bytes(path.read_bytes(), policy=modern) for path in paths]

    def last_link(self) -> str:
        """The path in the newest message's link."""
        text = self.mail[-1].get_body(("plain",)).get_content()
        match = re.search(rf"{re.escape(self.instance.origin)}(/_/\S+)", text)
        assert match, text
        return match[1]
