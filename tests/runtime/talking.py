"""A Django project with a command, `speak`, that does what its argument says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: A Django in a file, mounted, and a command `speak` of it that does what its argument says.
APP = """
import json, os
from django.conf import settings
from microlambda import App

settings.configure(SECRET_KEY="x", ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"], INSTALLED_APPS=["talk"],
                   DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "talk.sqlite3",
                                          "CONN_MAX_AGE": json.loads(os.environ.get("AGE", "0"))}},
                   LOGGING={"version": 1, "disable_existing_loggers": True})
from django.core.wsgi import get_wsgi_application

app = App("site")
app.mount("/", get_wsgi_application())

@app.lambda_function()
def other(event, context):
    return "other"

@app.lambda_function()
def connects(event, context):
    from django.db import connection

    was_there = connection.connection is not None
    connection.ensure_connection()
    return was_there
"""
COMMAND = """
import logging, sys, time
from django.core.management.base import BaseCommand, CommandError
from microlambda import current_app

class Unhappy(Exception):
    pass

class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("what")

    def handle(self, what, **options):
        exec(what)
"""
URLS = """
from django.db import connection
from django.http import HttpResponse
from django.urls import re_path

def page(request):
    connection.ensure_connection()
    return HttpResponse("page")

urlpatterns = [re_path("", page)]
"""


def write_project(folder: Path) -> None:
    """Write the project, its app.py included, into a folder."""
    commands = folder / "talk" / "management" / "commands"
    commands.mkdir(parents=True)
    for package in (folder / "talk", commands.parent, commands):
        (package / "__init__.py").write_text("")
    (commands / "speak.py").write_text(COMMAND)
    (folder / "urls.py").write_text(URLS)
    (folder / "app.py").write_text(APP)
