"""Uplinks: programs elsewhere that serve and call an app's functions."""

from app_server.uplink.registry import UplinkRegistry

__all__ = ["UplinkRegistry"]
