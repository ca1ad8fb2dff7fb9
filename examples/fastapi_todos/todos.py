"""A FastAPI application like any other: it knows nothing of Lambda, and runs under uvicorn as it is."""

import os
import sqlite3
import tempfile
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import BaseModel, Field

TABLES = """
CREATE TABLE IF NOT EXISTS todos (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, is_done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS history (what TEXT NOT NULL);
"""


class NewTodo(BaseModel):
    """What a caller sends."""

    title: str = Field(min_length=1, max_length=200)


class Todo(NewTodo):
    """What is kept."""

    id: int
    is_done: bool = False


def connect() -> sqlite3.Connection:
    """Open the database: of each environment its own, unless DATABASE names another one."""
    path = os.environ.get("DATABASE") or f"{tempfile.gettempdir()}/todos.sqlite3"
    return sqlite3.connect(path, check_same_thread=False)


@asynccontextmanager
async def lifespan(_app):
    """Open the database: once in an environment, while the function starts."""
    database = connect()
    database.row_factory = sqlite3.Row
    database.executescript(TABLES)
    yield {"database": database}
    database.close()


api = FastAPI(title="Todos", lifespan=lifespan)
api.add_middleware(GZipMiddleware, minimum_size=1000)


def get_database(request: Request) -> sqlite3.Connection:
    return request.state.database


Database = Annotated[sqlite3.Connection, Depends(get_database)]


def remember(database: sqlite3.Connection, what: str) -> None:
    """Write a line of the history, behind the answer."""
    with database:
        database.execute("INSERT INTO history VALUES (?)", (what,))


@api.get("/todos")
async def list_todos(database: Database, only_open: bool = False) -> list[Todo]:
    rows = database.execute("SELECT * FROM todos WHERE NOT (? AND is_done) ORDER BY id", (only_open,))
    return [Todo(**row) for row in rows]


@api.post("/todos", status_code=201)
async def add_todo(todo: NewTodo, database: Database, tasks: BackgroundTasks) -> Todo:
    with database:
        number = database.execute("INSERT INTO todos (title) VALUES (?)", (todo.title,)).lastrowid
    tasks.add_task(remember, database, f"added {todo.title}")
    return Todo(id=number, title=todo.title)


@api.put("/todos/{number}/done")
async def finish_todo(number: int, database: Database, tasks: BackgroundTasks) -> Todo:
    with database:
        database.execute("UPDATE todos SET is_done = 1 WHERE id = ?", (number,))
    row = database.execute("SELECT * FROM todos WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise HTTPException(404, f"there is no todo {number}")
    tasks.add_task(remember, database, f"finished {row['title']}")
    return Todo(**row)


@api.get("/history")
async def history(database: Database) -> list[str]:
    return [row["what"] for row in database.execute("SELECT what FROM history ORDER BY rowid")]
