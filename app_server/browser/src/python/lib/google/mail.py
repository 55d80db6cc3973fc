"""The name that ``anvil.google.mail`` had in old apps."""

from anvil.google.mail import *  # noqa: F403
