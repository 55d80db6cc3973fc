"""``urllib.parse`` for browser Python (RFC 3986), as CPython's for str."""

import collections

_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
_SCHEME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
_HIERARCHICAL = ("", "http", "https", "ftp", "file", "ws", "wss", "sftp")


def quote(string, safe="/", encoding="utf-8", errors=None):
    kept = _UNRESERVED + safe
    data = string if isinstance(string, bytes) else str(string).encode("utf-8")
    return "".join([chr(byte) if chr(byte) in kept else f"%{byte:02X}" for byte in data])


def quote_plus(string, safe="", encoding="utf-8", errors=None):
    return quote(string, safe + " ").replace(" ", "+")


def unquote(string, encoding="utf-8", errors="replace"):
    parts = string.split("%")
    text, pending = parts[0], []
    for part in parts[1:]:
        try:
            if len(part) < 2:
                raise ValueError(part)
            pending.append(int(part[:2], 16))
            rest = part[2:]
        except ValueError:
            rest = "%" + part
        if rest:
            text += bytes(pending).decode("utf-8", errors) + rest
            pending = []
    return text + bytes(pending).decode("utf-8", errors)


def unquote_plus(string, encoding="utf-8", errors="replace"):
    return unquote(string.replace("+", " "))


def urlencode(query, doseq=False, safe="", encoding=None, errors=None, quote_via=quote_plus):
    pairs = query.items() if hasattr(query, "items") else query
    encoded = []
    for name, value in pairs:
        values = value if doseq and isinstance(value, (list, tuple)) else [value]
        encoded += [quote_via(name, safe) + "=" + quote_via(one, safe) for one in values]
    return "&".join(encoded)


def parse_qsl(
    qs, keep_blank_values=False, strict_parsing=False, max_num_fields=None, separator="&"
):
    pairs = []
    for item in qs.split(separator):
        name, equals, value = item.partition("=")
        if not item or (not equals and strict_parsing):
            if strict_parsing:
                raise ValueError(f"bad query field: {item!r}")
            continue
        if value or keep_blank_values:
            pairs.append((unquote_plus(name), unquote_plus(value)))
    return pairs


def parse_qs(qs, keep_blank_values=False, strict_parsing=False, max_num_fields=None, separator="&"):
    values = {}
    for name, value in parse_qsl(qs, keep_blank_values, strict_parsing, None, separator):
        values.setdefault(name, []).append(value)
    return values


class _Location:
    """What a network location says: ``user:password@host:port``."""

    def _split(self):
        user, at, host = self.netloc.rpartition("@")
        name, colon, password = user.partition(":")
        end = host.find("]")
        host, colon_port, port = (
            (host[1:end], "", host[end + 2 :]) if host.startswith("[") else host.partition(":")
        )
        return name if at else None, password if colon else None, host.lower() or None, port

    @property
    def username(self):
        return self._split()[0]

    @property
    def password(self):
        return self._split()[1]

    @property
    def hostname(self):
        return self._split()[2]

    @property
    def port(self):
        port = self._split()[3]
        return int(port) if port else None

    def geturl(self):
        return urlunparse(self) if len(self) == 6 else urlunsplit(self)


_Split = collections.namedtuple("SplitResult", "scheme netloc path query fragment")
_Parsed = collections.namedtuple("ParseResult", "scheme netloc path params query fragment")


class SplitResult(_Split, _Location):
    pass


class ParseResult(_Parsed, _Location):
    pass


def urlsplit(url, scheme="", allow_fragments=True):
    head, colon, rest = url.partition(":")
    if colon and head and head[0].isalpha() and all([one in _SCHEME for one in head]):
        scheme, url = head.lower(), rest
    netloc = query = fragment = ""
    if allow_fragments:
        url, _, fragment = url.partition("#")
    url, _, query = url.partition("?")
    if url.startswith("//"):
        netloc, slash, path = url[2:].partition("/")
        url = slash + path
    return SplitResult(scheme, netloc, url, query, fragment)


def urlparse(url, scheme="", allow_fragments=True):
    scheme, netloc, path, query, fragment = urlsplit(url, scheme, allow_fragments)
    head, slash, last = path.rpartition("/")
    last, _, params = last.partition(";")
    return ParseResult(scheme, netloc, head + slash + last, params, query, fragment)


def urlunsplit(components):
    scheme, netloc, path, query, fragment = components
    url = path
    if netloc or (scheme in ("file", "http", "https", "ftp") and url.startswith("//")):
        url = "//" + netloc + ("/" if url and not url.startswith("/") else "") + url
    if scheme:
        url = scheme + ":" + url
    return url + ("?" + query if query else "") + ("#" + fragment if fragment else "")


def urlunparse(components):
    scheme, netloc, path, params, query, fragment = components
    return urlunsplit((scheme, netloc, path + (";" + params if params else ""), query, fragment))


def urldefrag(url):
    scheme, netloc, path, query, fragment = urlsplit(url)
    return urlunsplit((scheme, netloc, path, query, "")), fragment


def _resolve_dots(path):
    """RFC 3986, 5.2.4."""
    done = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(done) > 1:
                done.pop()
        elif segment != ".":
            done.append(segment)
    if segments[-1] in (".", ".."):
        done.append("")
    return "/".join(done)


def urljoin(base, url, allow_fragments=True):
    if not base or not url:
        return url or base
    scheme, netloc, path, query, fragment = urlsplit(base)
    given = urlsplit(url, scheme, allow_fragments)
    if given.scheme != scheme or scheme not in _HIERARCHICAL:
        return url
    if given.netloc:
        return urlunsplit(given)
    if not given.path:
        return urlunsplit((scheme, netloc, path, given.query or query, given.fragment))
    joined = given.path
    if not joined.startswith("/"):
        joined = path.rpartition("/")[0] + "/" + joined if path or netloc else joined
    return urlunsplit((scheme, netloc, _resolve_dots(joined), given.query, given.fragment))
