"""The name that ``anvil.google.drive`` had in old apps."""

from anvil.google.drive import *  # noqa: F403
