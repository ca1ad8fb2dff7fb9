"""The site under test: a database that ends with the tests, and no static files collected."""

import os

import pytest


def pytest_configure():
    os.environ["DATABASE"] = ":memory:"
    os.environ["SECRET_KEY"] = "of the tests"
    os.environ["DEBUG"] = "1"


@pytest.fixture
def site():
    """The App, with an empty guestbook."""
    from app import app
    from guestbook.models import Entry

    Entry.objects.all().delete()
    return app


@pytest.fixture
def client(site):
    """A client of the site."""
    return site.test_client()
