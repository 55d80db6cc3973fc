"""Light and dark."""

from anvil.js import window


def toggle_mode():
    """From light to dark or back, whatever the device says; remembered in this browser."""
    theme = getattr(window, "m3Theme", None)
    if theme is None:
        return
    mode = theme.getMode()
    if mode == "system":
        is_dark = window.matchMedia("(prefers-color-scheme: dark)").matches
    else:
        is_dark = mode == "dark"
    theme.setMode("light" if is_dark else "dark")
