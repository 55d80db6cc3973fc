"""How the business describes itself, and which features it has switched on."""
