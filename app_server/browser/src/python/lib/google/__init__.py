"""The name that ``anvil.google`` had in old apps."""
