"""What it costs to run a Flask, a Django or a FastAPI on Lambda, beside calling it by hand and the peers.

The event is a REST API's `GET /hello`, once as curl sends it and once with a browser's header fields; the
view answers a small JSON. Each has processes of its own, in turns; instructions are counted by callgrind, for
curl's event, on top of an interpreter that has AWS's runtime client loaded. By hand, an ASGI application is
started as the specification has it, for that is the framework's own work.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cold_start import EVENT, Contender, instructions, run, unpacked  # type: ignore[import-not-found]  # beside this script
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS, ROUNDS, ANSWERS = 11, 6, 1_000
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-US,en;q=0.5",
    "Cookie": "session=5f2b; theme=dark",
    "Referer": "https://shop.example/",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "same-origin",
    "sec-fetch-user": "?1",
    "upgrade-insecure-requests": "1",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
WARM = 100  # answers over which the instructions of one are counted

WEB = {
    "Flask": (
        "from flask import Flask\nweb = Flask('bench')\n"
        "@web.get('/hello')\ndef hello():\n    return {'hello': 'world'}\n"
    ),
    "Django": (
        "from django.conf import settings\n"
        "settings.configure(ROOT_URLCONF='web', ALLOWED_HOSTS=['*'], SECRET_KEY='bench', "
        "LOGGING_CONFIG=None)\n"
        "from django.core.wsgi import get_wsgi_application\nfrom django.http import JsonResponse\n"
        "from django.urls import path\nweb = get_wsgi_application()\n"
        "urlpatterns = [path('hello', lambda request: JsonResponse({'hello': 'world'}))]\n"
    ),
    "FastAPI": (
        "from fastapi import FastAPI\nweb = FastAPI()\n"
        "@web.get('/hello')\nasync def hello():\n    return {'hello': 'world'}\n"
    ),
}

BY_HAND_WSGI = """
import io, sys
from web import web

def handler(event, context):
    environ = {
        "REQUEST_METHOD": event["httpMethod"], "SCRIPT_NAME": "", "PATH_INFO": event["path"],
        "QUERY_STRING": "", "SERVER_NAME": event["headers"]["Host"], "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(b""), "wsgi.errors": sys.stderr,
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }
    for name, value in event["headers"].items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    head = []
    body = web(environ, lambda status, headers, exc_info=None: head.append((status, headers)))
    text = b"".join(body).decode()
    if hasattr(body, "close"):
        body.close()
    ((status, headers),) = head
    return {"statusCode": int(status[:3]), "headers": dict(headers), "body": text, "isBase64Encoded": False}
"""
BY_HAND_ASGI = """
import asyncio
from web import web

loop = asyncio.new_event_loop()
inbox, started = asyncio.Queue(), loop.create_future()
inbox.put_nowait({"type": "lifespan.startup"})

async def tell(message):
    started.set_result(message)

lifespan = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
running = loop.create_task(web(lifespan, inbox.get, tell))
loop.run_until_complete(started)

def handler(event, context):
    return loop.run_until_complete(answer(event))

async def answer(event):
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
        "method": event["httpMethod"], "scheme": "https", "path": event["path"],
        "raw_path": event["path"].encode(), "query_string": b"", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in event["headers"].items()],
        "client": ("127.0.0.1", 0), "server": (event["headers"]["Host"], 443), "state": {},
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await web(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(one.get("body", b"") for one in sent[1:]).decode()
    return {"statusCode": sent[0]["status"], "headers": headers, "body": body, "isBase64Encoded": False}
"""
# The framework is that of this environment, and not the bundle's, as for the peers: no one follows that.
OURS = (
    "from importlib import import_module\nfrom microlambda import App\n"
    "app = App('bench')\napp.mount('/', import_module('we' + 'b').web)\n"
)
ZAPPA = (
    "import sys, types\nsettings = types.ModuleType('zappa_settings')\n"
    "settings.__dict__.update(APP_MODULE='web', APP_FUNCTION='web', DJANGO_SETTINGS=None, "
    "LOG_LEVEL='WARNING', PROJECT_NAME='bench', API_STAGE='dev', ENVIRONMENT_VARIABLES={}, DEBUG=False, "
    "BINARY_SUPPORT=False, "
    "CONTEXT_HEADER_MAPPINGS={}, DOMAIN=None, BASE_PATH=None, EXCEPTION_HANDLER=None, PROJECT_ID='bench', "
    "AWS_EVENT_MAPPING={}, AWS_BOT_EVENT_MAPPING={}, COGNITO_TRIGGER_MAPPING={})\n"
    "sys.modules['zappa_settings'] = settings\n"
    "from zappa.handler import lambda_handler as handler\n"
)
PEERS = {
    "wsgi": {
        "apig-wsgi": "import apig_wsgi\nfrom web import web\nhandler = apig_wsgi.make_lambda_handler(web)\n",
        "apig-wsgi, binary answers too": (
            "import apig_wsgi\nfrom web import web\n"
            "handler = apig_wsgi.make_lambda_handler(web, binary_support=True)\n"
        ),
        "serverless-wsgi": (
            "import serverless_wsgi\nfrom web import web\n"
            "def handler(event, context):\n    return serverless_wsgi.handle_request(web, event, context)\n"
        ),
        "Zappa": ZAPPA,
    },
    "asgi": {
        "Mangum": "from mangum import Mangum\nfrom web import web\nhandler = Mangum(web)\n",
        "Mangum, lifespan off": (
            "from mangum import Mangum\nfrom web import web\nhandler = Mangum(web, lifespan='off')\n"
        ),
    },
}


def contenders(root: Path, framework: str) -> list[Contender]:
    """Make a folder for each; the framework is that of this environment for all."""
    kind = "asgi" if framework == "FastAPI" else "wsgi"
    sources = {"by hand": BY_HAND_ASGI if kind == "asgi" else BY_HAND_WSGI, **PEERS[kind]}
    made = [bundled(root / "microlambda", framework)]
    for number, (name, source) in enumerate(sources.items()):
        folder = root / f"peer{number}"
        folder.mkdir()
        (folder / "web.py").write_text(WEB[framework])
        (folder / f"peer{number}.py").write_text(source)
        made.append(contender(name, folder, f"peer{number}:handler"))
    return [made[1], made[0], *made[2:]]


def bundled(project: Path, framework: str) -> Contender:
    """microlambda as its bundle has it."""
    project.mkdir()
    (project / "app.py").write_text(OURS)
    (project / "requirements.txt").write_text("microlambda\n")
    run([sys.executable, "-m", "microlambda", "package", "--out", "build"], project)
    (archive,) = (project / "build").glob("*.zip")
    folder = unpacked(archive)
    (folder / "web.py").write_text(WEB[framework])
    return contender("microlambda", folder, "microlambda.runtime.entry:handler")


def contender(name: str, folder: Path, handler: str) -> Contender:
    environment = {
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "MICROLAMBDA_APP": "app:app",
        "MICROLAMBDA_HANDLER": "http",
    }
    return Contender(name=name, folder=folder, handler=handler, environment=environment, event=EVENT)


class Context:
    """What of Lambda's context the peers look at."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = "bench"
    memory_limit_in_mb = "256"

    def get_remaining_time_in_millis(self) -> int:
        """As at the start of a call."""
        return 30_000


def microseconds(every: list[Contender]) -> list[tuple[float, ...]]:
    """The times of an answer of each, to curl and to a browser: medians of processes of their own, in turns.

    In one process the framework's code would be specialized for whoever called it before.
    """
    taken: list[list[list[float]]] = [[] for _ in every]
    for turn in range(TURNS):
        for number in range(len(every)):
            place = (turn + number) % len(every)
            taken[place].append(timed(every[place]))
    return [tuple(map(statistics.median, zip(*one, strict=True))) for one in taken]


def timed(one: Contender) -> list[float]:
    done = subprocess.run(
        [sys.executable, __file__, "time", str(one.folder), one.handler],
        env={**os.environ, **one.environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def events() -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of curl and of a browser."""
    curl = json.loads(EVENT.read_text())
    curl.update(path="/hello", pathParameters={"proxy": "hello"})
    fields = {**curl["headers"], **BROWSER}
    return curl, {**curl, "headers": fields, "multiValueHeaders": {name: [fields[name]] for name in fields}}


def time_all(folder: str, target: str) -> list[float]:
    """The times of this process, of the best rounds."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "microlambda"]:
        del sys.modules[name]  # it is the bundle's that counts
    sys.path.insert(0, folder)
    module, _, attribute = target.partition(":")
    handler = getattr(import_module(module), attribute)
    return [time_of(handler, event) for event in events()]


def time_of(handler: Callable[..., Any], event: dict[str, Any]) -> float:
    answered = [handler(event, Context()) for _ in range(ANSWERS)]
    if {one["statusCode"] for one in answered} != {200}:
        raise SystemExit(f"not all answered: {answered[0]}")
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(ANSWERS):
            handler(event, Context())
        taken.append((time.process_time() - begun) / ANSWERS * 1e6)
    return statistics.median(sorted(taken)[: ROUNDS // 2])


def main() -> None:
    if sys.argv[1:2] == ["time"]:
        print(json.dumps(time_all(*sys.argv[2:])))
        return
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind counts the instructions, and is not installed.")
    for framework in WEB:
        table = Table(title=f"{framework}: GET /hello, REST event, Python {sys.version.split()[0]}")
        for column in (
            "",
            "warm answer to curl, us",
            "beside by hand",
            "to a browser, us",
            "beside by hand",
            "warm, k instructions",
            "cold start, M instructions",
        ):
            table.add_column(column, justify="right" if column else "left")
        with tempfile.TemporaryDirectory() as temporary:
            every = contenders(Path(temporary), framework)
            times = microseconds(every)
            for one, (curl, browser) in zip(every, times, strict=True):
                base, cold, warm = (instructions(one, count) for count in (0, 1, 1 + WARM))
                table.add_row(
                    one.name,
                    f"{curl:.1f}",
                    f"{100 * (curl / times[0][0] - 1):+.1f} %",
                    f"{browser:.1f}",
                    f"{100 * (browser / times[0][1] - 1):+.1f} %",
                    f"{(warm - cold) / WARM / 1e3:.0f}",
                    f"{(cold - base) / 1e6:.0f}",
                )
        Console().print(table)


if __name__ == "__main__":
    main()
