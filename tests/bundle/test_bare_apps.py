"""Web applications without an App, as they are, judged by AWS's own runtime client."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from microlambda.bundle.target import Target
from microlambda.emulator.cloud.archives import Archives
from microlambda.emulator.cloud.managed_runtime import make_managed_runtime
from microlambda.project.layout import locate
from microlambda.project.settings import load_settings
from tests.bundle.answering import EVENTS, get, invoke
from tests.bundle.real_apps import DJANGO, FLASK, RealApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bundle.answering import Answer
    from tests.bundle.conftest import Project

# Seconds: real distributions are unpacked, compiled and compressed.
pytestmark = [
    pytest.mark.index,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the wheels of Lambda run on Linux alone"),
]

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"

BARE_FLASK = RealApp(
    name="bare-flask",
    requirements=FLASK.requirements,
    settings='app = "site_pages:site"\n',
    files={name: text for name, text in FLASK.files.items() if name != "app.py"},
    answer=["/hello/Ada", 200, "<p>Hello Ada</p>"],
)
BARE_DJANGO = RealApp(
    name="bare-django",
    requirements=DJANGO.requirements,
    settings='app = "project.wsgi:application"\n',
    files={
        **{
            name: text for name, text in DJANGO.files.items() if name not in ("app.py", "project/settings.py")
        },
        "project/settings.py": DJANGO.files["project/settings.py"].replace(
            '["testserver"]', '[".execute-api.eu-west-1.amazonaws.com"]'
        ),
        "project/wsgi.py": """\
            import os

            from django.core.management import call_command
            from django.core.wsgi import get_wsgi_application

            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
            application = get_wsgi_application()
            call_command("migrate", verbosity=0)

            from notes.models import Note

            Note.objects.create(text="<first>")
        """,
    },
    answer=["/notes/", 200, "<ul> <li>&lt;first&gt;</li> </ul>"],
)
BARE_FASTAPI = RealApp(
    name="bare-fastapi",
    requirements="fastapi\n",
    settings='app = "api:api"\n',
    files={
        "api.py": """\
            from contextlib import asynccontextmanager

            from fastapi import FastAPI, Request


            @asynccontextmanager
            async def lifespan(_):
                yield {"greeting": "Hello"}


            api = FastAPI(lifespan=lifespan)


            @api.get("/hello/{name}")
            async def hello(name: str, request: Request):
                return f"{request.state.greeting} {name}"
        """,
    },
    answer=["/hello/Ada", 200, '"Hello Ada"'],
)
BARE_APPS = (BARE_FLASK, BARE_DJANGO, BARE_FASTAPI)
HOST = "abc123.execute-api.eu-west-1.amazonaws.com"


def of_http_api(path: str, host: str = HOST) -> dict[str, Any]:
    event = get(path)
    return event | {"headers": {**event["headers"], "host": host}}


def of_rest_api(path: str, host: str = HOST) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((EVENTS / "rest-api.json").read_text())
    context = {**recorded["requestContext"], "path": f"/dev{path}", "stage": "dev", "httpMethod": "GET"}
    return recorded | {
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": host, "X-Forwarded-Proto": "https"},
        "multiValueHeaders": {"Host": [host], "X-Forwarded-Proto": ["https"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": context,
    }


INGRESSES = {"http-api": of_http_api, "rest-api": of_rest_api}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def cache(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cache for all: what one test has resolved the next one takes."""
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(kept / "cache"))
    return kept / "cache"


@pytest.fixture(scope="module")
def runtime(kept: Path) -> Path:
    """What Lambda's Python has beside the standard library: AWS's client and boto3."""
    made = make_managed_runtime(kept / "runtime")
    assert made.is_aws_client
    return made.folder


@pytest.fixture
def answers(project: Project, tmp_path: Path, runtime: Path) -> Callable[..., Answer]:
    """Bundle an application, unpack it as Lambda does, and hand in an event."""

    def ask(app: RealApp, event: dict[str, Any]) -> Answer:
        (project.root / "app.py").unlink()
        for name, text in app.sources.items():
            project.write(name, text)
        project.write("requirements.txt", app.requirements)
        project.write("microlambda.toml", f'python = "{HERE}"\n{app.settings}')
        target = load_settings(project.root, "dev").app
        assert target is not None
        place = locate(project.root, target)
        bundle = project.bundle(
            module=place.module,
            import_root=place.import_root,
            target=Target.for_lambda(HERE, "x86_64"),
            resolver="uv",
            single=False,
        )
        archives = Archives(tmp_path / "lambda")
        root = archives.unpacked(bundle.code.archive.read_bytes())
        layers = [archives.unpacked(layer.archive.read_bytes()) for layer in bundle.layers]
        environment = {"MICROLAMBDA_APP": target, "MICROLAMBDA_HANDLER": "http"}
        return invoke(root, layers, runtime, event, tmp_path / "log", environment=environment)

    return ask


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("app", BARE_APPS, ids=lambda app: app.name)
def test_it_answers_as_it_is(
    answers: Callable[..., Answer], runtime: Path, tmp_path: Path, app: RealApp, ingress: str
) -> None:
    path, status, page = app.answer

    got = answers(app, INGRESSES[ingress](path))

    assert (got.payload["statusCode"], " ".join(got.payload["body"].split())) == (status, page), got.output
    assert got.payload["isBase64Encoded"] is False
    # anyio reads the source of its packages by itself, for its lazy imports; their bytecode is there.
    assert [place for place in got.compiled_under(tmp_path) if "/anyio/" not in place] == []
    assert got.loaded_beside(tmp_path / "lambda", runtime) == []


@pytest.mark.parametrize("app", BARE_APPS, ids=lambda app: app.name)
def test_it_answers_the_check_of_a_deploy(answers: Callable[..., Answer], app: RealApp) -> None:
    check = {"microlambda": {"check": 1}}

    assert answers(app, check).payload == check


def test_a_host_that_django_does_not_know_is_a_400(answers: Callable[..., Answer]) -> None:
    assert answers(BARE_DJANGO, of_http_api("/notes/", "elsewhere.example")).payload["statusCode"] == 400
