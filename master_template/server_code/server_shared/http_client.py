"""Requests to outside services: time-outs, a few more tries, and one kind of error.

    client = ProviderClient("Stripe", "https://api.stripe.com", headers={...})
    answer = client.get("/v1/balance")

gives an :class:`Answer` for whatever the service said, also for a refusal. Tried again are: no
connection, and 429, 502, 503 and 504 where repeating is safe. ``Retry-After`` (RFC 9110 section
10.2.3) is honoured as long as it fits into BUDGET_SECONDS; a call of a browser ends after 30.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from .errors import ProviderError

MAX_TRIES = 3
BUDGET_SECONDS = 20.0
TIMEOUT = httpx.Timeout(8.0, connect=4.0)
FIRST_PAUSE_SECONDS = 0.4
MAX_ANSWER_BYTES = 1_000_000

# Each means that the request was not carried out, or may be sent again without harm if it is safe.
BUSY = 429
_TRY_AGAIN = (502, 503, 504)


@dataclass(frozen=True)
class Answer:
    """What a service said. ``body`` is its JSON, or None where it is none."""

    status: int
    body: Any
    text: str

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        """Whether it does not accept who we say that we are."""
        return self.status in (401, 403)

    def find(self, *path: str) -> str:
        """The text at a path in the body, or ''."""
        value = self.body
        for name in path:
            if not isinstance(value, Mapping):
                return ""
            value = value.get(name)
        return value if isinstance(value, str) else ""


class ProviderClient:
    """Asks one service. ``title`` is how messages call it."""

    def __init__(
        self,
        title: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self.title = title
        self.base_url = base_url.rstrip("/")
        self.headers = {"accept": "application/json", **(headers or {})}
        self.auth = auth

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        return self._request("GET", path, is_repeatable=True, params=params)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        is_repeatable: bool = False,
    ) -> Answer:
        """``is_repeatable``: sending it twice does no harm, as with an idempotency key."""
        return self._request("POST", path, is_repeatable=is_repeatable, json=json, data=form)

    def put(self, path: str, *, json: Any) -> Answer:
        """Repeating it does no harm (RFC 9110 section 9.2.2)."""
        return self._request("PUT", path, is_repeatable=True, json=json)

    def _request(self, method: str, path: str, *, is_repeatable: bool, **content: Any) -> Answer:
        """Raises :class:`ProviderError` (``provider_unreachable``, ``provider_busy``)."""
        end = time.monotonic() + BUDGET_SECONDS
        is_uncertain = False  # whether a try may have been carried out without our hearing of it
        with httpx.Client(
            headers=self.headers, auth=self.auth, timeout=TIMEOUT, follow_redirects=False
        ) as client:
            for number in range(1, MAX_TRIES + 1):
                pause = FIRST_PAUSE_SECONDS * 2 ** (number - 1) * random.uniform(0.8, 1.2)
                is_last = number == MAX_TRIES
                try:
                    answer, asked_to_wait = self._ask(client, method, path, content, end)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    failure = self._unreachable(error)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    failure = self._unreachable(error)
                    is_uncertain = True
                    is_last = is_last or not is_repeatable
                else:
                    may_repeat = is_repeatable and answer.status in _TRY_AGAIN
                    if answer.status != BUSY and not may_repeat:
                        return answer
                    pause = max(pause, asked_to_wait)
                    is_uncertain = is_uncertain or answer.status != BUSY
                    failure = ProviderError(
                        f"{self.title} is busy. Please try again in a while.",
                        code="provider_busy",
                        retry_after_seconds=asked_to_wait,
                    )
                failure.is_uncertain = is_uncertain
                if is_last or time.monotonic() + pause >= end:
                    raise failure
                time.sleep(pause)
        raise AssertionError("every last try returns or raises")

    def _ask(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        content: Mapping[str, Any],
        end: float,
    ) -> tuple[Answer, float]:
        """The answer, and how many seconds it asks to wait. Raises ``httpx.ReadTimeout`` at
        ``end`` too: a service that sends a byte now and then never lets a read time out."""
        with client.stream(method, self.base_url + path, **content) as response:
            data = b""
            for piece in response.iter_bytes():
                data += piece
                if time.monotonic() >= end:
                    raise httpx.ReadTimeout("The answer takes too long.", request=response.request)
                if len(data) > MAX_ANSWER_BYTES:
                    raise ProviderError(f"{self.title} sent far too long an answer.")
        text = data.decode(response.encoding or "utf-8", "replace")
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        headers = response.headers
        # Brevo says it in a header of its own (https://developers.brevo.com/docs/limit-headers).
        wait = read_retry_after(headers.get("retry-after") or headers.get("x-sib-ratelimit-reset"))
        return Answer(response.status_code, body, text), wait

    def _unreachable(self, error: Exception) -> ProviderError:
        reason = (
            "it took too long" if isinstance(error, httpx.TimeoutException) else "no connection"
        )
        return ProviderError(
            f"{self.title} could not be reached ({reason}). Please try again in a while.",
            code="provider_unreachable",
        )


def read_retry_after(value: str | None) -> float:
    """The seconds of a ``Retry-After``: a number, or a date; 0 where there is none."""
    if not value:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
