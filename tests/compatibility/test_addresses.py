"""Every address of Anvil's own server answers, or is not found where the page says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app_server.running import RunningServer, open_socket
from tests.compatibility.names import read

LISTED = read("addresses")
ANSWERED = [one for one in LISTED["addresses"] if "socket" not in one]
SOCKETS = [one for one in LISTED["addresses"] if "socket" in one]


@pytest.mark.parametrize("address", ANSWERED, ids=lambda one: one["path"])
def test_an_address_answers(shop: RunningServer, address: dict[str, Any]) -> None:
    answer = shop.client.request(address.get("method", "GET"), address["path"])
    assert answer.status_code == address["status"], answer.text[:300]
    assert address.get("body", "") in answer.text


@pytest.mark.parametrize("address", SOCKETS, ids=lambda one: one["path"])
def test_a_socket_opens(shop: RunningServer, address: dict[str, Any]) -> None:
    with open_socket(shop.port, address["path"]) as socket:
        assert socket.response is not None and socket.response.status_code == 101


@pytest.mark.parametrize("address", LISTED["not there"], ids=lambda one: one["path"])
def test_an_address_is_not_there(shop: RunningServer, address: dict[str, Any]) -> None:
    answer = shop.client.request(address.get("method", "GET"), address["path"])
    assert answer.status_code == 404, answer.text[:300]
