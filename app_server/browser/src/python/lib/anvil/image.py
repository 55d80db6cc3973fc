"""``anvil.image`` in the browser."""

import _anvil_net


class ImageException(Exception):
    """The media is no image that the browser can read."""


def _checked(work):
    try:
        return work()
    except ValueError as error:
        raise ImageException(str(error)) from None


def get_dimensions(image_media):
    """``(width, height)`` in pixels, as the picture is meant to be seen."""
    return _checked(lambda: _anvil_net.image_size(image_media))


def generate_thumbnail(image_media, max_size):
    """The picture, made smaller if need be so that neither side exceeds ``max_size`` pixels."""
    return _checked(lambda: _anvil_net.draw_image(image_media, max_size, 0))


def rotate(image_media, angle):
    """The picture turned clockwise by so many degrees."""
    return _checked(lambda: _anvil_net.draw_image(image_media, None, angle))
