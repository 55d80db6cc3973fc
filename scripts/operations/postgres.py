"""Which Postgres server to use: the one given, or the embedded one for as long as we run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app_server.postgres import start
from scripts.operations.databases import DatabaseServer, external_server
from scripts.operations.home import Home


@contextmanager
def database_server(home: Home, url: str | None) -> Iterator[DatabaseServer]:
    if url:
        yield external_server(url)
        return
    postgres = start(home.postgres)
    try:
        yield DatabaseServer(postgres.admin_url, postgres.host, postgres.port)
    finally:
        postgres.stop()
