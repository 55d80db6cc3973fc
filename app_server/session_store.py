"""Sessions on disk: one SQLite file in an instance's data folder."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

from app_server.errors import StartupError

logger = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY, data TEXT NOT NULL, last_seen_at REAL NOT NULL, user_id TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_last_seen ON sessions (last_seen_at);
"""
ADD_USER = "ALTER TABLE sessions ADD COLUMN user_id TEXT"
INDEX_USER = (
    "CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id) WHERE user_id IS NOT NULL"
)

SessionRow = tuple[str, str, float, str | None]
"""Id, data as JSON, when it was last seen, and the row id of the user who is logged in."""


class SessionFile:
    """Reads and writes sessions. Times are seconds since 1970 (UTC)."""

    def __init__(self, path: Path):
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(SCHEMA)
            columns = {row[1] for row in self._database.execute("PRAGMA table_info (sessions)")}
            if "user_id" not in columns:
                self._database.execute(ADD_USER)
            self._database.execute(INDEX_USER)
        except sqlite3.Error as error:
            raise StartupError(f"Cannot keep sessions in {path}: {error}.") from error
        self._path = path
        path.chmod(0o600)

    def read(self, session_id: str) -> tuple[dict[str, Any], float] | None:
        row = self._database.execute(
            "SELECT data, last_seen_at FROM sessions WHERE id = ?", (session_id,)
        ).fetchone()
        if row is None:
            return None
        try:
            return json.loads(row[0]), row[1]
        except ValueError:
            logger.error("What was kept of a session is damaged; it counts as expired.")
            return None

    def write(self, rows: list[SessionRow]) -> None:
        """Write sessions, all or none."""
        self._database.execute("BEGIN")
        try:
            self._database.executemany(
                "INSERT INTO sessions (id, data, last_seen_at, user_id) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET data = excluded.data, "
                "last_seen_at = excluded.last_seen_at, user_id = excluded.user_id",
                rows,
            )
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def delete(self, session_id: str) -> None:
        self._database.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    def delete_before(self, last_seen_at: float) -> None:
        self._database.execute("DELETE FROM sessions WHERE last_seen_at < ?", (last_seen_at,))

    def list_ids(self, since: float, user_id: str | None = None) -> list[str]:
        """Ids of sessions seen since then, or of those in which that user is logged in."""
        query = "SELECT id FROM sessions WHERE last_seen_at >= ?"
        values: list[Any] = [since]
        if user_id is not None:
            query, values = query + " AND user_id = ?", [since, user_id]
        # A connection of its own: this runs in a thread, beside the writing.
        with contextlib.closing(sqlite3.connect(self._path)) as database:
            return [row[0] for row in database.execute(query, values)]

    def close(self) -> None:
        self._database.close()
