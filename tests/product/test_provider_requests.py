"""Requests to outside services: what is tried again, how long, and what is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from master_template.server_shared import http_client
from master_template.server_shared.errors import ProviderError
from master_template.server_shared.http_client import ProviderClient, read_retry_after
from tests.product.providers.server import Provider, Reply, Request, serve


class Shop(Provider):
    """Answers what it was asked."""

    def answer(self, request: Request) -> Reply:
        return Reply(200, {"method": request.method, "path": request.path})


@pytest.fixture
def shop() -> Iterator[Shop]:
    provider = Shop()
    with serve(provider):
        yield provider


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited."""
    waited: list[float] = []
    monkeypatch.setattr(http_client.time, "sleep", waited.append)
    return waited


def client(shop: Shop) -> ProviderClient:
    return ProviderClient("The shop", shop.url)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_read_is_tried_again_later_and_later(
    shop: Shop, pauses: list[float], status: int
) -> None:
    shop.trouble = [Reply(status), Reply(status)]
    assert client(shop).get("/x").body == {"method": "GET", "path": "/x"}
    assert len(pauses) == 2 and 0 < pauses[0] < pauses[1] < 2


def test_it_is_given_up_after_three_tries(shop: Shop, pauses: list[float]) -> None:
    shop.trouble = [Reply(503)] * 5
    with pytest.raises(ProviderError) as failed:
        client(shop).get("/x")
    assert (failed.value.code, failed.value.permanent) == ("provider_busy", False)
    assert len(shop.requests) == 3


def test_what_must_not_happen_twice_is_sent_once(shop: Shop, pauses: list[float]) -> None:
    shop.trouble = [Reply(503)]
    assert client(shop).post("/orders", json={"n": 1}).status == 503
    assert len(shop.requests) == 1
    shop.trouble = [Reply(503)]
    assert client(shop).post("/orders", json={"n": 1}, is_repeatable=True).is_ok
    assert len(shop.requests) == 3


def test_a_refusal_is_an_answer(shop: Shop, pauses: list[float]) -> None:
    shop.trouble = [Reply(401, {"error": {"message": "No"}})]
    answer = client(shop).get("/x")
    assert answer.is_refused and answer.find("error", "message") == "No"
    assert answer.find("error", "code") == answer.find("nothing", "here") == ""
    assert pauses == []


def test_it_waits_as_long_as_it_is_asked_to(shop: Shop, pauses: list[float]) -> None:
    shop.trouble = [Reply(429, None, {"retry-after": "7"})]
    assert client(shop).get("/x").is_ok
    assert pauses == [7.0]


def test_it_does_not_wait_for_longer_than_a_call_may_take(shop: Shop, pauses: list[float]) -> None:
    shop.trouble = [Reply(429, None, {"retry-after": "21"})]
    with pytest.raises(ProviderError, match="busy"):
        client(shop).get("/x")
    assert pauses == []


def test_a_server_that_is_not_there_is_told(pauses: list[float]) -> None:
    with pytest.raises(ProviderError) as failed:
        ProviderClient("The shop", "http://127.0.0.1:9").get("/x")
    assert failed.value.code == "provider_unreachable"
    assert failed.value.message.startswith("The shop could not be reached")
    assert len(pauses) == 2


def test_an_endless_answer_is_cut_off(shop: Shop, pauses: list[float]) -> None:
    shop.trouble = [Reply(200, None, raw=b"x" * (http_client.MAX_ANSWER_BYTES + 1))]
    with pytest.raises(ProviderError, match="far too long"):
        client(shop).get("/x")


def test_an_answer_that_drips_is_cut_off(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps each read within its time, and the call from ending."""
    monkeypatch.setattr(http_client, "BUDGET_SECONDS", 0.3)
    done = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while not done.wait(0.02):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        try:
            with pytest.raises(ProviderError, match="took too long"):
                ProviderClient("The shop", f"http://127.0.0.1:{listener.getsockname()[1]}").get("/")
        finally:
            done.set()
            thread.join()


def test_a_redirect_is_not_followed(shop: Shop, pauses: list[float]) -> None:
    """It could lead, with our key, to anywhere."""
    shop.trouble = [Reply(302, None, {"location": shop.url + "/elsewhere"})]
    assert client(shop).get("/x").status == 302
    assert len(shop.requests) == 1


def test_reads_both_kinds_of_retry_after() -> None:
    assert read_retry_after("120") == 120.0
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert 85 < read_retry_after(format_datetime(later, usegmt=True)) <= 90
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert read_retry_after(None) == read_retry_after("soon") == read_retry_after("-5") == 0.0
