"""Sessions on disk: one SQLite file in an instance's data folder."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

from app_server.errors import StartupError

logger = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY, data TEXT NOT NULL, last_seen_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_last_seen ON sessions (last_seen_at);
"""


class SessionFile:
    """Reads and writes sessions. Times are seconds since 1970 (UTC)."""

    def __init__(self, path: Path):
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise StartupError(f"Cannot keep sessions in {path}: {error}.") from error
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

    def write(self, rows: list[tuple[str, str, float]]) -> None:
        """Write sessions as ``(id, data as JSON, last_seen_at)``, all or none."""
        self._database.execute("BEGIN")
        try:
            self._database.executemany(
                "INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
                "SET data = excluded.data, last_seen_at = excluded.last_seen_at",
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

    def list_ids(self, since: float) -> list[str]:
        """Ids of sessions seen since then."""
        rows = self._database.execute("SELECT id FROM sessions WHERE last_seen_at >= ?", (since,))
        return [row[0] for row in rows]

    def close(self) -> None:
        self._database.close()
