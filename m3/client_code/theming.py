"""The page's colours: a brand's own scheme, light and dark, and what a role's colour is now.

The scheme comes from one seed colour by Material's dynamic colour, in light and dark, with the
contrast that the roles promise. Both choices are kept in the browser.
"""

from anvil.js import await_promise, window

from ._properties import COLOR_ROLES, color_token

MODES = ("system", "light", "dark")


def set_seed_color(seed):
    """Makes the scheme of a colour (``#rrggbb``) the page's; None goes back to the app's own."""
    await_promise(window.m3Theme.setSeedColor(seed))


def dress(element, seed, is_dark):
    """Gives a DOM element, and all in it, a colour's scheme in light or dark: for a preview."""
    await_promise(window.m3Theme.dress(element, seed, is_dark))


def set_mode(mode):
    """``system`` follows the device; ``light`` and ``dark`` are forced. Raises ValueError."""
    if mode not in MODES:
        raise ValueError("mode is one of " + ", ".join(MODES) + ", not " + repr(mode))
    window.m3Theme.setMode(mode)


def get_mode():
    """``system``, ``light`` or ``dark``."""
    return window.m3Theme.getMode()


def get_color(role):
    """What a role such as ``On Primary`` is now, as ``#rrggbb``: for charts. Raises KeyError."""
    if role not in COLOR_ROLES:
        raise KeyError(role)
    return window.m3Theme.getColor(color_token(role)[len("--md-sys-color-") :])


def plot_layout(**own):
    """A Plotly ``layout`` in the page's colours as they are now, for a Plot's ``layout``.

    ``own`` (title, height, xaxis, ...) comes on top; axes are merged. Set it again when the scheme
    changes: a drawn plot keeps its colours.
    """
    text, line = get_color("On Surface Variant"), get_color("Outline Variant")
    axis = {"gridcolor": line, "zerolinecolor": line, "linecolor": line, "automargin": True}
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Roboto Variable, Roboto, system-ui, sans-serif", "color": text},
        "colorway": [get_color(role) for role in ("Primary", "Tertiary", "Secondary", "Error")],
        "margin": {"l": 48, "r": 16, "t": 24, "b": 40},
        "height": 280,
    }
    layout.update(own)
    for name in ("xaxis", "yaxis"):
        layout[name] = dict(axis, **own.get(name, {}))
    return layout
