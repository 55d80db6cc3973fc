"""Local servers that speak the contracts of the services which the console uses."""
