"""What every request to Stripe has to be, checked as Stripe does: the key, the pinned version, the
form, known parameters, and idempotency.

Which parameters there are is taken from the types of Stripe's own library, which are made of
Stripe's OpenAPI specification: https://github.com/stripe/stripe-python.
"""

from __future__ import annotations

import importlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from tests.product.providers.server import Reply, Request

API_VERSION = "2026-10-28.endive"
OF_THE_LIBRARY = {
    "api_key",
    "stripe_version",
    "stripe_account",
    "stripe_context",
    "max_network_retries",
    "idempotency_key",
    "content_type",
    "headers",
}


class Refusal(Exception):
    """An error as Stripe answers it: https://docs.stripe.com/api/errors"""

    def __init__(self, status: int, message: str, code: str = "", kind: str = "") -> None:
        super().__init__(message)
        error = {"type": kind or "invalid_request_error", "message": message}
        self.reply = Reply(status, {"error": {**error, **({"code": code} if code else {})}})


def read_form(text: str) -> dict[str, Any]:
    """``items[0][price]=p`` as ``{"items": [{"price": "p"}]}``."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = [name.split("[")[0], *re.findall(r"\[([^\]]*)\]", name)]
        place = found
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return {name: _with_lists(value) for name, value in found.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(part) for name, part in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def refuse_unknown(given: dict[str, Any], params: type, prefix: str = "") -> None:
    """Refuse parameters that the API has not, at any depth."""
    module = importlib.import_module(params.__module__)
    for name, value in given.items():
        annotation = params.__annotations__.get(name)
        if annotation is None or name in OF_THE_LIBRARY:
            raise Refusal(
                400, f"Received unknown parameter: {prefix}{name}", code="parameter_unknown"
            )
        inner = re.search(r"\b([A-Z]\w*Params[A-Z]\w*)\b", str(annotation))
        nested = getattr(module, inner[1], None) if inner else None
        for part in value if isinstance(value, list) else [value]:
            if nested is not None and isinstance(part, dict):
                refuse_unknown(part, nested, f"{prefix}{name}.")


class Contract:
    """Checks requests, and answers a repeated key with the answer that it had."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.kept: dict[str, tuple[str, Reply]] = {}

    def check(self, request: Request) -> None:
        """Raise unless this comes from someone with the key, in our version, as a form."""
        if request.bearer != self.key:
            raise Refusal(401, "Invalid API Key provided")
        assert request.headers["stripe-version"] == API_VERSION
        if request.method == "POST":
            kind = request.headers["content-type"].split(";")[0]
            assert kind == "application/x-www-form-urlencoded", kind
            assert request.headers.get("idempotency-key"), "a change without an idempotency key"
            assert len(request.headers["idempotency-key"]) <= 255

    def replay(self, request: Request) -> Reply | None:
        """https://docs.stripe.com/api/idempotent_requests"""
        kept = self.kept.get(request.headers.get("idempotency-key", ""))
        if kept is None or request.method != "POST":
            return None
        if kept[0] != self._print(request):
            raise Refusal(
                400,
                "Keys for idempotent requests can only be used with the same parameters they "
                "were first used with.",
                kind="idempotency_error",
            )
        return Reply(kept[1].status, kept[1].body, {"Idempotent-Replayed": "true"})

    def keep(self, request: Request, reply: Reply) -> None:
        if request.method == "POST":
            copied = Reply(reply.status, json.loads(json.dumps(reply.body)))
            self.kept[request.headers["idempotency-key"]] = (self._print(request), copied)

    @staticmethod
    def _print(request: Request) -> str:
        return f"{request.path}?{json.dumps(read_form(request.body.decode()), sort_keys=True)}"
