"""The natives ``anvil.private.tables.*`` and the media of tables."""

from app_server.tables import managers, natives

__all__ = ["managers", "natives"]
