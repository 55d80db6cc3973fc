"""Anvil Data Tables on real Postgres tables.

``TableStore`` holds the tables of one instance. Importing ``app_server.tables.natives`` declares
the functions that Anvil's library calls.
"""

from app_server.tables.store import TableStore

__all__ = ["TableStore"]
