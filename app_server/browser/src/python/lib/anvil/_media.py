"""Media in the browser: bytes in Python, a JavaScript blob, an address, or still on the server."""

import _anvil_blob


class Media:
    """Base of all media. Own kinds override the ``get_`` methods."""

    @property
    def url(self):
        return self.get_url(True)

    @property
    def content_type(self):
        return self.get_content_type()

    @property
    def name(self):
        return self.get_name()

    @property
    def length(self):
        return self.get_length()

    def get_content_type(self):
        return None

    def get_url(self, download=True):
        return None

    def get_bytes(self):
        raise NotImplementedError("get_bytes() not implemented")

    def get_length(self):
        return len(self.get_bytes())

    def get_name(self):
        return None


class BlobMedia(Media):
    """Bytes with their content type: ``BlobMedia(content_type, content, name=None)``."""

    def __init__(self, content_type, content, name=None):
        if isinstance(content, str):
            content = content.encode("utf-8")
        if not isinstance(content, bytes):
            raise TypeError("BlobMedia content must be bytes, not " + type(content).__name__)
        self._set_up(content_type, content, name)

    def _set_up(self, content_type, content, name):
        self._content_type = content_type
        self._bytes = content
        self._name = name

    def get_content_type(self):
        return self._content_type

    def get_bytes(self):
        if self._bytes is None:
            self._bytes = _anvil_blob.read(self)
        return self._bytes

    def get_length(self):
        return _anvil_blob.length(self)

    def get_name(self):
        return self._name

    def get_url(self, download=True):
        return _anvil_blob.object_url(self)

    def __repr__(self):
        return f"<{type(self).__name__} {self._content_type} {self._name!r}>"


DataMedia = BlobMedia


class FileMedia(BlobMedia):
    """A file that the person chose; its bytes are read when asked for."""


class URLMedia(Media):
    """What is at an address; fetched when its bytes are asked for."""

    def __init__(self, url):
        self._url = url
        self._fetched = None

    def _fetch(self):
        if self._fetched is None:
            self._fetched = _anvil_blob.fetch_url(self._url)
        return self._fetched

    def get_url(self, download=True):
        return self._url

    def get_bytes(self):
        return self._fetch().get_bytes()

    def get_content_type(self):
        return self._fetch().get_content_type()

    def get_length(self):
        return self._fetch().get_length()

    def get_name(self):
        return self._url.split("?")[0].split("#")[0].rstrip("/").split("/")[-1] or None


class LazyMedia(Media):
    """Media that stays on the server until asked for."""

    def __init__(self, spec):
        self._spec = spec._spec if isinstance(spec, LazyMedia) else spec
        self._fetched = None

    def _fetch(self):
        if self._fetched is None:
            import anvil.server

            self._fetched = anvil.server.call("anvil.private.fetch_lazy_media", self)
        return self._fetched

    def get_name(self):
        return self._spec["name"] if "name" in self._spec else self._fetch().get_name()

    def get_content_type(self):
        kind = self._spec.get("mime-type")
        return kind if kind is not None else self._fetch().get_content_type()

    def get_length(self):
        length = self._spec.get("length")
        return length if length is not None else self._fetch().get_length()

    def get_bytes(self):
        return self._fetch().get_bytes()

    def get_url(self, download=True):
        import anvil.server

        return anvil.server.call("anvil.private.get_lazy_media_url", self, download)


def download(media):
    """Offer media to the person as a download."""
    _anvil_blob.download(media.get_url(True), media.get_name())
