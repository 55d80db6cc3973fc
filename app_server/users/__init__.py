"""Anvil's Users service: accounts with e-mail address and password, in a table of the app.

Its natives are in ``app_server.native``; ``pages`` has the pages behind the links
that are mailed.
"""
