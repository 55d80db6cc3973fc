"""The connection between a page and the server, in a test's hand: held up, or cut."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, WebSocketRoute

# As the server answers where there are more calls than it takes.
FLOODED = {
    "type": "anvil.server.QuotaExceededError",
    "message": "Too many calls to the server at once.",
    "trace": [],
}


class Wire:
    """Stands between a page and the server from the page's next load on."""

    def __init__(self, page: Page):
        self.page = page
        self.is_cut = False
        self.is_held = False
        self.is_flooded = False
        # The callables that the page has asked for, oldest first.
        self.asked: list[str] = []
        self._held: list[tuple[WebSocketRoute, str | bytes]] = []
        self._open: list[tuple[WebSocketRoute, WebSocketRoute]] = []
        page.route_web_socket(re.compile("/_/ws"), self._connect)

    def _connect(self, browser: WebSocketRoute) -> None:
        if self.is_cut:
            browser.close()
            return
        server = browser.connect_to_server()
        self._open.append((browser, server))

        def to_server(message: str | bytes) -> None:
            command = self._note(message)
            if command and self.is_flooded:
                browser.send(json.dumps({"id": json.loads(message)["id"], "error": FLOODED}))
            else:
                server.send(message)

        def to_browser(message: str | bytes) -> None:
            if self.is_held and '"response"' in str(message):
                self._held.append((browser, message))
            else:
                browser.send(message)

        browser.on_message(to_server)
        server.on_message(to_browser)

    def _note(self, message: str | bytes) -> str:
        """The callable that a message asks for, '' where it asks for none."""
        command = json.loads(message).get("command") if isinstance(message, str) else None
        if not command or command.startswith("anvil.private"):
            return ""
        self.asked.append(command)
        return str(command)

    def cut(self) -> None:
        """No word comes or goes until ``mend``."""
        self.is_cut = True
        for browser, server in self._open:
            browser.close()
            server.close()
        self._open.clear()

    def mend(self) -> None:
        self.is_cut = False

    def start_afresh(self) -> None:
        """As if nothing had happened yet: what an earlier page left cut or held is no more."""
        self.is_cut = self.is_held = self.is_flooded = False
        self._held.clear()
        self.asked.clear()

    def hold(self) -> None:
        """The server hears the page, and its answers wait until ``let_go``."""
        self.is_held = True

    def let_go(self) -> None:
        self.is_held = False
        for browser, message in self._held:
            browser.send(message)
        self._held.clear()
