"""The name that ``anvil.facebook`` had in old apps."""
