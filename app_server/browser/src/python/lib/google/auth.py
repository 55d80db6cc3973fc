"""The name that ``anvil.google.auth`` had in old apps."""

from anvil.google.auth import *  # noqa: F403
