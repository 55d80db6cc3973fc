"""``anvil.http`` in the browser: requests go out from the page, under the browser's rules."""

import json as _json

import _anvil_net
import anvil.server


class HttpError(Exception):
    """The other side answered with an error status, or (``status`` 0) could not be reached.
    ``content`` is the body, as media."""

    def __init__(self, status, content, message=None):
        self.status = status
        self.content = content
        Exception.__init__(self, f"HTTP error {status}" if message is None else message)


HttpErrorStatus = HttpError


class HttpRequestFailed(anvil.server.AnvilWrappedError):
    pass


class UrlEncodingError(anvil.server.AnvilWrappedError):
    pass


anvil.server._register_exception_type("anvil.http.HttpRequestFailed", HttpRequestFailed)
anvil.server._register_exception_type("anvil.http.UrlEncodingError", UrlEncodingError)


def request(
    url,
    method="GET",
    data=None,
    headers=None,
    username=None,
    password=None,
    json=False,
    timeout=None,
):
    """The body of the answer: media, or with ``json`` what it says. ``timeout`` is in seconds."""
    method = str(method).upper()
    headers = {str(name): str(value) for name, value in (headers or {}).items()}
    if data is not None and method in ("GET", "HEAD"):
        data = None
    if json and data is not None:
        data = _json.dumps(data)
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    status, content, problem = _anvil_net.fetch(
        url, method, headers, data, username, password, timeout
    )
    if status == 0:
        raise HttpError(0, None, f"HTTP request failed: {problem}")
    if json:
        try:
            content = _json.loads(content.get_bytes().decode("utf-8"))
        except ValueError:
            raise HttpError(status, content, "Invalid JSON in response") from None
    if status < 200 or status > 299:
        raise HttpError(status, content)
    return content


def url_encode(string_to_encode):
    return _anvil_net.url_encode(string_to_encode)


def url_decode(string_to_decode):
    try:
        return _anvil_net.url_decode(string_to_decode)
    except ValueError as error:
        raise UrlEncodingError(str(error)) from None
