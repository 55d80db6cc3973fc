"""Batch work on one instance, over its uplink."""
