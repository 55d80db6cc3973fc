"""The name that ``anvil.tables`` had in old apps."""

import anvil.tables
from anvil.tables import *  # noqa: F403

app_tables = anvil.tables.app_tables
