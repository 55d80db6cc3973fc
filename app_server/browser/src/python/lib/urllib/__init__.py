"""``urllib`` for browser Python: ``urllib.parse``. Requests are made with ``anvil.http``."""
