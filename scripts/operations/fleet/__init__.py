"""All instances at once."""
