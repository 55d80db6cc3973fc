"""The name that ``anvil.google.sheets`` had in old apps."""

from anvil.google.sheets import *  # noqa: F403
