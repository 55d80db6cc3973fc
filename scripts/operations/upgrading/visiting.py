"""Use an instance as a visitor: pages, a log-in, calls. A program for ``trying.py``.

Reads ``{"url", "key", "visitor": {"email", "password"} | null, "calls": [{"name", "arguments"}],
"pages": [address]}`` from its input, and answers with ``{"done": [text], "error": text}``.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

PAGE_SECONDS = 30


class VisitError(Exception):
    """Something does not work as it must."""


def look_at(address: str) -> str:
    path = "/" + address.split("/", 3)[3]
    request = urllib.request.Request(address, headers={"Accept": "text/html"})
    try:
        with urllib.request.urlopen(request, timeout=PAGE_SECONDS) as answer:
            return f"{path} {answer.status}"
    except urllib.error.HTTPError as error:
        # An app need not have a page at every address.
        if error.code < 500:
            return f"{path} {error.code}"
        raise VisitError(f"the page {path} answers with {error.code}") from error
    except OSError as error:
        raise VisitError(f"the page {path} does not answer: {error}") from error


def call(name: str, arguments: dict[str, Any]) -> str:
    import anvil.server

    try:
        answer = anvil.server.call(name, **arguments)
    except Exception as error:
        # Whatever the app raises is what we are here to find.
        raise VisitError(f"{name} fails: {type(error).__name__}: {error}") from error
    if isinstance(answer, dict) and answer.get("success") is False:
        raise VisitError(f"{name} is refused: {answer.get('error')} ({answer.get('code')})")
    return name


def visit(asked: dict[str, Any]) -> list[str]:
    import anvil.server

    done = [look_at(each) for each in asked["pages"]]
    anvil.server.connect(asked["key"], url=asked["url"], quiet=True)
    try:
        if asked["visitor"]:
            done.append(call("log_in", asked["visitor"]))
        done += [call(each["name"], each.get("arguments") or {}) for each in asked["calls"]]
    finally:
        anvil.server.disconnect()
    return done


def main() -> None:
    asked, done, problem = json.load(sys.stdin), [], ""
    try:
        done = visit(asked)
    except VisitError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001  the edge of the process: it is told
        problem = f"it cannot be reached: {type(error).__name__}: {error}"
    sys.stdout.write(json.dumps({"done": done, "error": problem}) + "\n")


if __name__ == "__main__":
    main()
