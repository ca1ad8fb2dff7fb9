"""Applications as people write them: each with its requirements and what it answers to GET /."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class RealApp:
    """Files of a project, by their names; `answer` is the JSON that its `/` gives."""

    name: str
    requirements: str = ""
    files: Mapping[str, str]
    answer: Any
    settings: str = ""
    expected: tuple[str, ...] = field(default=())  # packages that ship, in their normal spelling

    @property
    def sources(self) -> dict[str, str]:
        return {name: textwrap.dedent(text) for name, text in self.files.items()}


PLAIN = RealApp(
    name="plain",
    files={
        "app.py": """\
            from microlambda import App

            app = App("plain")

            @app.get("/")
            def index():
                return {"hello": "world"}
        """
    },
    answer={"hello": "world"},
)

REQUESTS = RealApp(
    name="requests",
    requirements="requests==2.32.3",
    files={
        "app.py": """\
            import threading
            from http.server import BaseHTTPRequestHandler, HTTPServer
            from pathlib import Path

            import requests
            from microlambda import App

            app = App("requests")

            class Echo(BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json; charset=utf-8")
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *args):
                    pass

            @app.get("/")
            def index():
                with HTTPServer(("127.0.0.1", 0), Echo) as server:
                    thread = threading.Thread(target=server.handle_request)
                    thread.start()
                    url = f"http://127.0.0.1:{server.server_port}/"
                    said = requests.post(url, json={"city": "Zürich"}, timeout=10)
                    thread.join()
                roots = "BEGIN CERTIFICATE" in Path(requests.certs.where()).read_text()
                return {"status": said.status_code, "said": said.json(), "roots": roots}
        """
    },
    answer={"status": 200, "said": {"city": "Zürich"}, "roots": True},
    expected=("certifi", "charset-normalizer", "idna", "requests", "urllib3"),
)

PYDANTIC = RealApp(
    name="pydantic",
    requirements="pydantic[email]==2.11.7",
    files={
        "app.py": """\
            from importlib.metadata import version

            from microlambda import App
            from pydantic import BaseModel, EmailStr, ValidationError
            from models import Order

            app = App("pydantic")

            class Customer(BaseModel):
                name: str
                email: EmailStr
                orders: list[Order] = []

            @app.get("/")
            def index():
                order = {"day": "2024-02-29", "amount": "12.50"}
                given = {"name": "Ada", "email": "ada@example.com", "orders": [order]}
                customer = Customer.model_validate(given)
                try:
                    Customer(name="Bob", email="nowhere")
                except ValidationError as exc:
                    wrong = exc.errors()[0]["loc"]
                return {
                    "customer": customer.model_dump(mode="json"),
                    "wrong": wrong,
                    "version": version("pydantic"),
                }
        """,
        "models.py": """\
            from datetime import date
            from decimal import Decimal

            from pydantic import BaseModel

            class Order(BaseModel):
                day: date
                amount: Decimal
        """,
    },
    answer={
        "customer": {
            "name": "Ada",
            "email": "ada@example.com",
            "orders": [{"day": "2024-02-29", "amount": "12.50"}],
        },
        "wrong": ["email"],
        "version": "2.11.7",
    },
    expected=("email-validator", "pydantic", "pydantic-core", "typing-extensions"),
)

PANDAS = RealApp(
    name="pandas",
    requirements="numpy==2.2.6\npandas==2.2.3",
    files={
        "app.py": """\
            import io

            import numpy as np
            import pandas as pd
            from microlambda import App

            app = App("pandas")

            SALES = "day,shop,amount\\n2024-01-01,Bern,3\\n2024-01-01,Basel,4\\n2024-01-02,Bern,5\\n"

            @app.get("/")
            def index():
                table = pd.read_csv(io.StringIO(SALES), parse_dates=["day"])
                table["day"] = table["day"].dt.tz_localize("Europe/Zurich")
                sums = table.groupby("shop")["amount"].sum()
                solved = np.linalg.solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]))
                np.testing.assert_allclose(np.fft.ifft(np.fft.fft(solved)).real, solved)
                drawn = np.random.default_rng(7).normal(size=1000)
                return {
                    "sums": sums.to_dict(),
                    "offset": table["day"].iloc[0].isoformat(),
                    "solved": solved.tolist(),
                    "drawn": bool(abs(drawn.mean()) < 0.2),
                }
        """
    },
    answer={
        "sums": {"Basel": 4, "Bern": 8},
        "offset": "2024-01-01T00:00:00+01:00",
        "solved": [1.0, 0.5],
        "drawn": True,
    },
    expected=("numpy", "pandas", "python-dateutil", "pytz", "tzdata"),
)

CRYPTOGRAPHY = RealApp(
    name="cryptography",
    requirements="cryptography==44.0.3",
    files={
        "app.py": """\
            from cryptography.exceptions import InvalidSignature
            from cryptography.fernet import Fernet
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric import ed25519
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from microlambda import App

            app = App("cryptography")

            @app.get("/")
            def index():
                fernet = Fernet(Fernet.generate_key())
                sealed = AESGCM(bytes(32)).encrypt(bytes(12), b"secret", b"with")
                key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
                signature = key.sign(b"text")
                try:
                    key.public_key().verify(signature, b"another text")
                except InvalidSignature:
                    refused = True
                digest = hashes.Hash(hashes.SHA256())
                digest.update(b"abc")
                return {
                    "opened": fernet.decrypt(fernet.encrypt(b"text")).decode(),
                    "sealed": len(sealed),
                    "refused": refused,
                    "digest": digest.finalize().hex()[:8],
                }
        """
    },
    answer={"opened": "text", "sealed": 22, "refused": True, "digest": "ba7816bf"},
    expected=("cffi", "cryptography"),
)

PACKAGE = RealApp(
    name="package",
    requirements="jsonschema==4.23.0\nzope.event==5.0\nzope.interface==7.2",
    settings='app = "shop.web:app"\n',
    files={
        "src/shop/__init__.py": "",
        "src/shop/web/__init__.py": """\
            from microlambda import App

            from ..pricing import rules
            from .. import greeting

            app = App("package")

            @app.get("/")
            def index():
                import plugins.tax

                from ..pricing.checking import problems
                from ..events import heard

                return {
                    "prices": rules.prices(),
                    "greeting": greeting.text(),
                    "tax": plugins.tax.of(100),
                    "problems": problems({"price": "cheap"}),
                    "heard": heard("opened"),
                }
        """,
        "src/shop/greeting.py": """\
            from pathlib import Path

            def text():
                return Path(__file__).with_name("greeting.txt").read_text(encoding="utf-8").strip()
        """,
        "src/shop/greeting.txt": "Grüezi\n",
        "src/shop/pricing/__init__.py": "",
        "src/shop/pricing/rules.py": """\
            import csv
            from importlib.resources import files

            def prices():
                text = files("shop.pricing").joinpath("data/prices.csv").read_text(encoding="utf-8")
                return {row["name"]: int(row["price"]) for row in csv.DictReader(text.splitlines())}
        """,
        "src/shop/pricing/data/prices.csv": "name,price\napple,3\npear,4\n",
        "src/shop/pricing/checking.py": """\
            from jsonschema import Draft202012Validator

            SCHEMA = {"type": "object", "properties": {"price": {"type": "integer"}}}

            def problems(document):
                # The meta schemas are data files of a dependency's dependency.
                Draft202012Validator.check_schema(SCHEMA)
                return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]
        """,
        "src/shop/events.py": """\
            import zope.event
            from zope.interface import Interface, implementer

            class IOpened(Interface):
                pass

            @implementer(IOpened)
            class Opened:
                def __init__(self, name):
                    self.name = name

            def heard(name):
                names = []
                zope.event.subscribers.append(lambda event: names.append(event.name))
                zope.event.notify(Opened(name))
                zope.event.subscribers.clear()
                return [*names, IOpened.providedBy(Opened(name))]
        """,
        "src/plugins/tax.py": """\
            def of(amount):
                return amount * 8 // 100
        """,
    },
    answer={
        "prices": {"apple": 3, "pear": 4},
        "greeting": "Grüezi",
        "tax": 8,
        "problems": ["'cheap' is not of type 'integer'"],
        "heard": ["opened", True],
    },
    expected=("attrs", "jsonschema", "jsonschema-specifications", "rpds-py", "zope-event", "zope-interface"),
)

FLASK = RealApp(
    name="flask",
    requirements="flask==3.1.1",
    files={
        "app.py": """\
            import io

            from microlambda import App, request
            from site_pages import site

            app = App("flask-site")

            @app.get("/")
            def index():
                pages = site.test_client()
                found = pages.get("/hello/Ada")
                status, body = by_wsgi("/static/site.css")
                return {
                    "page": found.get_data(as_text=True).strip(),
                    "style": [status, body],
                    "missing": pages.get("/nowhere").status_code,
                    "session": pages.post("/login").get_json(),
                }

            def by_wsgi(path):
                environ = {
                    "REQUEST_METHOD": "GET",
                    "PATH_INFO": path,
                    "SERVER_NAME": "localhost",
                    "SERVER_PORT": "80",
                    "wsgi.url_scheme": "http",
                    "wsgi.input": io.BytesIO(),
                    "wsgi.errors": io.StringIO(),
                }
                statuses = []
                result = site(environ, lambda status, headers: statuses.append(status))
                body = b"".join(result).decode().strip()
                result.close()
                return statuses[0], body
        """,
        "site_pages/__init__.py": """\
            from flask import Flask, render_template, session

            site = Flask(__name__)
            site.secret_key = "of a test"

            @site.get("/hello/<name>")
            def hello(name):
                return render_template("hello.html", name=name)

            @site.post("/login")
            def login():
                session["user"] = "ada"
                return {"user": session["user"]}
        """,
        "site_pages/templates/base.html": "<p>{% block content %}{% endblock %}</p>\n",
        "site_pages/templates/hello.html": (
            "{% extends 'base.html' %}{% block content %}Hello {{ name }}{% endblock %}\n"
        ),
        "site_pages/static/site.css": "p { color: red }\n",
    },
    answer={
        "page": "<p>Hello Ada</p>",
        "style": ["200 OK", "p { color: red }"],
        "missing": 404,
        "session": {"user": "ada"},
    },
    expected=("blinker", "click", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug"),
)

DJANGO = RealApp(
    name="django",
    requirements="django==5.2.4",
    files={
        "app.py": """\
            import os

            from microlambda import App

            os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"

            import django

            django.setup()

            app = App("django-site")

            @app.get("/")
            def index():
                from django.core.management import call_command
                from django.test import Client

                from notes.models import Note

                call_command("migrate", verbosity=0)
                Note.objects.create(text="<first>")
                pages = Client()
                listed = pages.get("/notes/")
                return {
                    "status": listed.status_code,
                    "page": listed.content.decode().split(),
                    "login": pages.get("/admin/login/").status_code,
                    "missing": pages.get("/nowhere/").status_code,
                }
        """,
        "project/__init__.py": "",
        "project/settings.py": """\
            import tempfile
            from pathlib import Path

            BASE_DIR = Path(__file__).resolve().parent.parent
            SECRET_KEY = "of a test"
            ALLOWED_HOSTS = ["testserver"]
            ROOT_URLCONF = "project.urls"
            INSTALLED_APPS = [
                "django.contrib.admin",
                "django.contrib.auth",
                "django.contrib.contenttypes",
                "django.contrib.messages",
                "django.contrib.sessions",
                "notes",
            ]
            MIDDLEWARE = [
                "django.middleware.security.SecurityMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
            ]
            TEMPLATES = [
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "DIRS": [BASE_DIR / "project" / "templates"],
                    "APP_DIRS": True,
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ]
                    },
                }
            ]
            # The code's folder is read-only.
            DATABASE_FILE = Path(tempfile.mkdtemp(), "notes.sqlite3")
            DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE_FILE}}
            DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
            STATIC_URL = "static/"
            USE_TZ = True
        """,
        "project/urls.py": """\
            from django.contrib import admin
            from django.urls import include, path

            urlpatterns = [path("admin/", admin.site.urls), path("notes/", include("notes.urls"))]
        """,
        "project/templates/base.html": "<ul>{% block content %}{% endblock %}</ul>\n",
        "notes/__init__.py": "",
        "notes/apps.py": """\
            from django.apps import AppConfig

            class NotesConfig(AppConfig):
                name = "notes"
        """,
        "notes/models.py": """\
            from django.db import models

            class Note(models.Model):
                text = models.CharField(max_length=100)
        """,
        "notes/migrations/__init__.py": "",
        "notes/migrations/0001_initial.py": """\
            from django.db import migrations, models

            class Migration(migrations.Migration):
                initial = True
                dependencies = []
                operations = [
                    migrations.CreateModel(
                        name="Note",
                        fields=[
                            ("id", models.BigAutoField(primary_key=True, serialize=False)),
                            ("text", models.CharField(max_length=100)),
                        ],
                    )
                ]
        """,
        "notes/urls.py": """\
            from django.urls import path

            from notes import views

            urlpatterns = [path("", views.every_note)]
        """,
        "notes/views.py": """\
            from django.shortcuts import render

            from notes.models import Note

            def every_note(request):
                return render(request, "notes/every.html", {"notes": Note.objects.order_by("id")})
        """,
        "notes/templates/notes/every.html": (
            "{% extends 'base.html' %}{% block content %}{% for note in notes %} <li>{{ note.text }}</li> "
            "{% endfor %}{% endblock %}\n"
        ),
    },
    answer={"status": 200, "page": ["<ul>", "<li>&lt;first&gt;</li>", "</ul>"], "login": 200, "missing": 404},
    expected=("asgiref", "django", "sqlparse"),
)

REAL_APPS = (PLAIN, REQUESTS, PYDANTIC, PANDAS, CRYPTOGRAPHY, PACKAGE, FLASK, DJANGO)
