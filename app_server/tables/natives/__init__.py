"""The native functions of Data Tables, as ``anvil/tables/v2`` of the server wheel calls them.

Each checks capabilities and permissions first, then does its work on the connection of the call
(its open transaction's, if there is one). Importing the package declares them.
"""

from app_server.tables.natives import rows, searches, tables, transactions

__all__ = ["rows", "searches", "tables", "transactions"]
