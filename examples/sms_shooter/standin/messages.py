"""Where the stand-in keeps the messages: a database file, for on Lambda, and under `microlambda local`,
two requests may be answered by two processes.
"""

import json
import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path


class Messages:
    """The messages of one database file, newest first."""

    def __init__(self, path):
        self.path = path

    def add(self, message):
        with closing(self._connect()) as database, database:
            database.execute("INSERT INTO messages VALUES (?)", (json.dumps(message),))

    def all(self):
        with closing(self._connect()) as database:
            rows = database.execute("SELECT message FROM messages ORDER BY rowid DESC").fetchall()
        return [json.loads(row[0]) for row in rows]

    def _connect(self):
        database = sqlite3.connect(self.path, timeout=10)
        database.execute("CREATE TABLE IF NOT EXISTS messages (message TEXT)")
        return database


MESSAGES = Messages(
    os.environ.get("STANDIN_DATABASE") or Path(tempfile.gettempdir()) / "twilio-standin.sqlite3"
)
