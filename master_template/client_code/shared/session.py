"""What this browser knows of the business and of who is logged in."""

import anvil.server
from anvil.js import window

from . import api

_kept = {}


def config():
    """The answer of `get_config`: `business`, `features`, `user`. Asked once, then kept.

    A page that came from a route brings it along, so that no question is needed at all.
    """
    if "config" not in _kept:
        _keep(_from_page() or api.call_quietly("get_config"))
    return _kept["config"]


def _from_page():
    try:
        data = anvil.server.startup_data
    except AttributeError:
        return None
    if not data or not data.get("config"):
        return None
    return data["config"]


def refresh():
    """Ask again: someone has logged in or out, or the settings have changed."""
    _keep(api.call_quietly("get_config"))
    return _kept["config"]


def _keep(answer):
    _kept["config"] = answer
    _wear_brand(answer["business"])


def _wear_brand(business):
    """The business's colour for the whole app, where the theme can do that, and its icon."""
    theme = getattr(window, "m3Theme", None)
    if theme and business["primary_color"]:
        theme.setSeedColor(business["primary_color"])
    if business["icon_url"]:
        document = window.document
        icon = document.querySelector("link[rel=icon]")
        if not icon:
            icon = document.createElement("link")
            icon.rel = "icon"
            document.head.append(icon)
        icon.href = business["icon_url"]


def business():
    """`business_name`, `locale`, `currency`, `time_zone`, ... of the business."""
    return config()["business"]


def user():
    """None, or who is logged in: `email`, `name`, `role`, `permissions`, `is_staff`, and
    `portal_parts`, the parts of the customer portal that show."""
    return config()["user"]


def may(permission):
    """Whether the user has a permission."""
    who = user()
    return bool(who) and permission in who["permissions"]


def update_notice():
    """None, or what the banner tells of a newer version: see `get_config`."""
    return config().get("update")


def has_feature(name):
    """Whether the business has switched a feature on."""
    return bool(config()["features"].get(name))
