"""Which web applications a project has, read from its text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from microlambda.project.web import Found, find_web, is_app_alone, made_in

if TYPE_CHECKING:
    from pathlib import Path

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "from flask import Flask\ndef create_app(config=None):\n    app = Flask(__name__)\n    return app\n"
DJANGO = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
DJANGO_ASGI = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"
APP = "from microlambda import App\napp = App('shop')\n"


def find(root: Path, files: dict[str, str]) -> Found:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return find_web(root)


ONE = {
    "flask": ({"hello.py": FLASK}, "hello:app", "Flask"),
    "module-of-flask": ({"hello.py": "import flask as f\nsite = f.Flask('x')"}, "hello:site", "Flask"),
    "fastapi": ({"main.py": "from fastapi import FastAPI\napp: FastAPI = FastAPI()"}, "main:app", "FastAPI"),
    "starlette": (
        {"main.py": "import starlette.applications\nx = starlette.applications.Starlette(debug=True)"},
        "main:x",
        "Starlette",
    ),
    "quart": ({"web.py": "from quart import Quart\nx = app = Quart(__name__)"}, "web:app", "Quart"),
    "subclass": (
        {"web.py": "from flask import Flask\nclass Site(Flask): ...\napp = Site('x')"},
        "web:app",
        "Flask",
    ),
    "subclass-elsewhere": (
        {
            "shop/base.py": "import flask\nclass Site(flask.Flask): ...",
            "shop/app.py": "from .base import Site\napp = Site('x')",
        },
        "shop.app:app",
        "Flask",
    ),
    "package": ({"shop/__init__.py": FLASK, "shop/views.py": "from shop import app"}, "shop:app", "Flask"),
    "src": ({"src/shop/web.py": FLASK}, "shop.web:app", "Flask"),
    "src-as-a-package": (
        {"src/main.py": "from src.db import x\n" + FLASK, "src/db.py": ""},
        "src.main:app",
        "Flask",
    ),
    "factory-called-by-wsgi": (
        {"shop/__init__.py": FACTORY, "wsgi.py": "from shop import create_app\napp = create_app()"},
        "wsgi:app",
        "Flask",
    ),
    "factory-called-below-itself": ({"web.py": FACTORY + "app = create_app()"}, "web:app", "Flask"),
    "factory-with-a-name-of-its-own": (
        {
            "shop/make.py": FACTORY.replace("create_app", "assembled"),
            "shop/wsgi.py": "from .make import assembled\napplication = assembled()",
        },
        "shop.wsgi:application",
        "Flask",
    ),
    "factory-of-a-package": (
        {"wsgi.py": "from superset.app import create_app\napp = create_app()"},
        "wsgi:app",
        "create_app()",
    ),
    "called-by-several": (
        {
            "shop/__init__.py": FACTORY,
            "run.py": "from shop import create_app\napp = create_app()",
            "wsgi.py": "from shop import create_app\napplication = create_app()",
        },
        "wsgi:application",
        "Flask",
    ),
    "wrapped": (
        {"web.py": FLASK + "from werkzeug.middleware.proxy_fix import ProxyFix\napp = ProxyFix(app)"},
        "web:app",
        "Flask",
    ),
    "among-others": ({"web.py": FLASK + "admin = Flask('admin')"}, "web:app", "Flask"),
    "in-try-and-if": (
        {"web.py": "try:\n    from flask import Flask\nfinally:\n    if True:\n        app = Flask('x')"},
        "web:app",
        "Flask",
    ),
    "django": ({"mysite/wsgi.py": DJANGO}, "mysite.wsgi:application", "Django"),
    "django-both": (
        {"mysite/wsgi.py": DJANGO, "mysite/asgi.py": DJANGO_ASGI},
        "mysite.wsgi:application",
        "Django",
    ),
    "django-asgi": ({"mysite/asgi.py": DJANGO_ASGI}, "mysite.asgi:application", "Django's ASGI"),
    "django-names-one": (
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')",
            "mysite/settings.py": "WSGI_APPLICATION = 'mysite.public.application'",
            "mysite/public.py": DJANGO,
            "mysite/wsgi.py": DJANGO,
        },
        "mysite.public:application",
        "Django",
    ),
    "app-before-others": ({"app.py": APP, "pages.py": FLASK}, "app:app", "microlambda"),
    "app-beside-others": ({"app.py": FLASK.replace("app =", "site =") + APP}, "app:app", "microlambda"),
    "tests-passed-over": (
        {"hello.py": FLASK, "tests/app.py": FLASK, "test_it.py": FLASK, "conftest.py": FLASK},
        "hello:app",
        "Flask",
    ),
    "environment-passed-over": (
        {"hello.py": FLASK, "env/pyvenv.cfg": "", "env/lib/x.py": FLASK, ".venv/lib/y.py": FLASK},
        "hello:app",
        "Flask",
    ),
    "broken-passed-over": ({"hello.py": FLASK, "old.py": FLASK + "print 'x'\n"}, "hello:app", "Flask"),
}


@pytest.mark.parametrize(
    ("files", "target", "framework"), [pytest.param(*given, id=name) for name, given in ONE.items()]
)
def test_the_application_is_found(tmp_path: Path, files: dict[str, str], target: str, framework: str) -> None:
    (made,) = find(tmp_path, files).apps

    assert (made.target, made.framework) == (target, framework)


NONE = {
    "nothing": {},
    "a-word": {"hello.py": "# Flask\nname = 'Flask'\n"},
    "another-flask": {"hello.py": "from bottles import Flask\nx = Flask()\n"},
    "started-by-hand": {
        "hello.py": "from flask import Flask\nif __name__ == '__main__':\n    app = Flask('x')\n"
    },
    "in-a-function": {
        "hello.py": "from flask import Flask\ndef run():\n    app = Flask('x')\n    app.run()\n"
    },
    "not-a-name": {"my-hello.py": FLASK, "my-site/app.py": FLASK},
}


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in NONE.items()])
def test_where_there_is_none_none_is_found(tmp_path: Path, files: dict[str, str]) -> None:
    assert find(tmp_path, files) == Found()


def test_several_are_all_named(tmp_path: Path) -> None:
    files = {"a.py": FLASK, "b.py": FLASK, "c/main.py": "from fastapi import FastAPI\nweb = FastAPI()"}

    found = find(tmp_path, files)

    assert [made.target for made in found.apps] == ["a:app", "b:app", "c.main:web"]


def test_a_factory_that_nothing_calls_is_told_with_its_place(tmp_path: Path) -> None:
    found = find(tmp_path, {"shop/__init__.py": FACTORY})

    assert found.apps == ()
    (factory,) = found.factories
    assert (factory.target, factory.framework, factory.line) == ("shop:create_app", "Flask", 2)


def test_of_one_module_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("from flask import Flask\nb = Flask('b')\napp = Flask('a')\n" + FACTORY)

    found = find_web(tmp_path, "web")

    assert [made.name for made in found.apps] == ["app", "b"]
    assert [made.name for made in found.factories] == ["create_app"]
    assert found == made_in(tmp_path / "web.py", "web")


def test_an_app_tells_its_name(tmp_path: Path) -> None:
    (made,) = find(tmp_path, {"app.py": APP}).apps

    assert (made.called, made.line) == ("shop", 2)


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        pytest.param(APP, True, id="app"),
        pytest.param("import microlambda\nx = microlambda.App()", True, id="by-the-package"),
        pytest.param(FLASK, False, id="flask"),
        pytest.param(APP + FLASK.replace("app =", "site ="), False, id="both"),
        pytest.param("from core import app", False, id="imported"),
        pytest.param("def application(environ, start_response): ...", False, id="function"),
        pytest.param("app = = 1", False, id="no-python"),
    ],
)
def test_a_module_that_makes_an_app_alone_is_told_from_others(tmp_path: Path, text: str, alone: bool) -> None:
    (tmp_path / "app.py").write_text(text)

    assert is_app_alone(tmp_path / "app.py") is alone


def test_nothing_is_imported(tmp_path: Path) -> None:
    find(tmp_path, {"hello_unique.py": "raise SystemExit\n" + FLASK})

    assert "hello_unique" not in sys.modules
