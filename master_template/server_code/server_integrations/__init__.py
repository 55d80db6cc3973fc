"""Outside services: which there are, their secrets, and whether they answer."""
