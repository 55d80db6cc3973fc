"""Light and dark, and the business's own mark."""

from anvil.js import window

from . import session


def toggle_mode():
    """From light to dark or back, whatever the device says; remembered in this browser."""
    theme = getattr(window, "m3Theme", None)
    if theme is not None:
        theme.setMode("light" if is_dark() else "dark")


def is_dark():
    """Whether the app is dark now."""
    theme = getattr(window, "m3Theme", None)
    mode = theme.getMode() if theme is not None else "system"
    if mode == "system":
        return bool(window.matchMedia("(prefers-color-scheme: dark)").matches)
    return mode == "dark"


def draw_mark(node, picture=None):
    """Put the business's logo into a small square, or its initial where it has none. `picture` is
    an address to use instead of the one that is saved; '' means none."""
    business = session.business()
    address = business["icon_url"] if picture is None else picture
    node.classList.toggle("picture", bool(address))
    if not address:
        node.textContent = business["business_name"][:1].upper()
        return
    image = window.document.createElement("img")
    image.src = address
    image.alt = ""
    node.replaceChildren(image)
