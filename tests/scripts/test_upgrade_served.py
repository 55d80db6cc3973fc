"""Upgrades of an instance that people use meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.serving import embedded_command, find_free_port, running, wait_until_served
from scripts.operations.upgrading import changing, upgrade_instance
from tests.scripts.upgradable import (
    Template,
    drop_all,
    files_of,
    fingerprints,
    make_business,
    version_of,
)

pytestmark = pytest.mark.timeout(300)


class Visitors:
    """Look at the app again and again, one after the other; what they were answered."""

    def __init__(self, shop: InstanceFolder, port: int):
        self.answers: Counter[int] = Counter()
        host = {"Host": f"{shop.name}.localhost:{port}"}
        address = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=address, headers=host, timeout=60)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def _look(self) -> None:
        while not self._is_over.is_set():
            self.answers[self._client.get("/app").status_code] += 1


@pytest.fixture
def port() -> int:
    return find_free_port()


@pytest.fixture
def shop(
    home: Home, server: DatabaseServer, source: Path, port: int, runtime: None
) -> Iterator[InstanceFolder]:
    """Served, with v1.1.0 to be upgraded to."""
    template = Template(home, source)
    made = make_business(home, server, template.publish("v1.0.0"), "corner-shop", port=port)
    template.publish("v1.1.0", {"contacts": "name string, age number"})
    with running(embedded_command(home, port)) as child:
        wait_until_served(made, port, child)
        yield made
    drop_all(server, made)


def test_visitors_notice_nothing_whether_it_succeeds_or_not(
    home: Home,
    server: DatabaseServer,
    shop: InstanceFolder,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
):
    """First it is not ready with the new version, which shows only when that serves; then it is."""
    monkeypatch.setattr(changing, "rehearse", lambda *_given, **_more: ["log_in"])
    target = changing.find_release(home, "v1.1.0")
    before = (version_of(home, shop), fingerprints(server, shop), files_of(shop))
    seen: list[str] = []

    def not_ready(self: Any) -> None:
        seen.append(version_of(home, shop))
        raise OperationError("It is not ready.")

    def say(_text: str) -> None:
        pass

    with Visitors(shop, port) as visitors:
        with monkeypatch.context() as patch:
            patch.setattr(changing.Changing, "_require_ready", not_ready)
            with pytest.raises(OperationError, match="It is not ready"):
                upgrade_instance(home, server, shop, target, say=say)
        assert seen == ["v1.1.0"]
        assert (version_of(home, shop), fingerprints(server, shop), files_of(shop)) == before
        done = upgrade_instance(home, server, shop, target, again=True, say=say)
    assert (version_of(home, shop), done.version) == ("v1.1.0", "v1.1.0")
    assert set(visitors.answers) == {200}
