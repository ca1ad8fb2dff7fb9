"""The site under test."""

import os

import pytest


def pytest_configure():
    os.environ["SECRET_KEY"] = "of the tests"


@pytest.fixture
def client():
    """A client of the app, which keeps cookies as a browser does."""
    from app import app

    return app.test_client()
