"""Local servers that speak the documented contracts of the outside services, and check requests."""
