"""The name that ``anvil.facebook.auth`` had in old apps."""

from anvil.facebook.auth import *  # noqa: F403
