"""``anvil.media`` in the browser."""

import _anvil_blob
from anvil import BlobMedia, Media, download

__all__ = ["download", "print_media", "from_file", "write_to_file", "TempFile", "TempUrl", "open"]


def print_media(media):
    """Open the browser's print dialogue for media that it can show."""
    _anvil_blob.print_url(media.get_url(False))


class TempUrl:
    """An address for media, good until the ``with`` block (or ``revoke``) ends it. ``download`` is
    taken as on Anvil, where it changes the address of lazy media; this one is always of a copy."""

    def __init__(self, media, download=True):
        if not isinstance(media, Media):
            raise TypeError(f"expected a Media object, got {type(media).__name__}")
        self.url = _anvil_blob.object_url(
            BlobMedia(media.content_type, media.get_bytes(), media.name)
        )

    def revoke(self):
        _anvil_blob.revoke_url(self.url)

    def __enter__(self):
        return self.url

    def __exit__(self, *args):
        self.revoke()


def _refuse(name):
    def refuse(*args, **kwargs):
        raise RuntimeError(f"anvil.media.{name}() can only be called from server code")

    return refuse


from_file = _refuse("from_file")
write_to_file = _refuse("write_to_file")
TempFile = _refuse("TempFile")
open = _refuse("open")
