"""One server with tables and users for all tests that look something up on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.app_server.running import RunningServer, serve_app
from tests.compatibility.shop import ANVIL_YAML, FILES


@pytest.fixture(scope="session")
def shop(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server of the app in ``shop.py``, with a database of its own."""
    name = "compatibility"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    url = psycopg.conninfo.make_conninfo(**{**parts, "dbname": name})
    folder = tmp_path_factory.mktemp("compatibility")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            # anvil.files keeps its copies there, for all workers of a machine.
            patch.setenv("TMPDIR", str(folder))
            app = serve_app(folder, FILES, database_url=url, anvil_yaml=ANVIL_YAML)
            server = stack.enter_context(app)
        yield server
