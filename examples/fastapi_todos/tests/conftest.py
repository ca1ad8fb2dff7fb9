"""The API under test, with a database of its own."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory):
    os.environ["DATABASE"] = str(tmp_path_factory.mktemp("data") / "todos.sqlite3")


@pytest.fixture
def client():
    """A client of the app; the API starts with its first request, and shuts down with the block."""
    from app import app

    with app.test_client() as client:
        yield client
