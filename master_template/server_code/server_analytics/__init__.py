"""Counts and figures over everything."""
