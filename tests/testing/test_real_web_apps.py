"""Applications of others, as they are on PyPI, answer behind gateways as they do behind a plain server."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import radicale.app
import radicale.config
from datasette.app import Datasette
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from microlambda import App
from tests.testing.plain_servers import Answered, plainly, served_by_uvicorn, served_by_werkzeug, through

INGRESSES = ("http-api", "rest-api", "function-url", "alb", "vpc-lattice")
HOST = {"Host": "shop.example"}

pytestmark = [
    pytest.mark.slow,
    # Radicale leaves files to the garbage collector, whoever serves it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Both:
    """An application behind a plain server on a port, and in an App."""

    def __init__(self, application: Any, port: int) -> None:
        self._port = port
        self.app = App("theirs")
        self.app.compress_above = None
        self.app.mount("/", application)

    def agree(
        self,
        ingress: str,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answered:
        """Ask both, and compare; gives the answer."""
        asked = {**HOST, **(headers or {})}
        plain = plainly(self._port, method, target, asked, body)
        ours = through(self.app, ingress, method, target, asked, body)
        assert of_the_moment_aside(ours) == of_the_moment_aside(plain), (method, target)
        return ours


def of_the_moment_aside(answer: Answered) -> Answered:
    """Take away times and random ids, how the query was encoded, and the type of a body that is none.

    A REST API decodes the query; of what VPC Lattice asks, https is made in links.
    """
    status, headers, body = answer
    text = re.sub(rb"\d+\.\d+ ?ms|\d\.\d{6,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9A-Za-z]{52}", b"~", body)
    text = text.replace(b"select+1", b"select%201").replace(b"https:", b"http:")
    kept = [
        (name, value.replace("select+1", "select%201"))
        for name, value in headers
        if (body or name != "content-type") and name not in ("etag", "x-amzn-requestid")
    ]
    return status, kept, text


# A calendar server: files, XML, Basic authentication --------------------------------------------------


@pytest.fixture(scope="module")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    configuration = radicale.config.load()
    configuration.update(
        {
            "storage": {"filesystem_folder": str(tmp_path_factory.mktemp("calendars"))},
            "auth": {"type": "none", "delay": "0"},
            "logging": {"level": "critical"},
        },
        "test",
    )
    application = radicale.app.Application(configuration)
    with served_by_werkzeug(application) as port:
        yield Both(application, port)


EVENT = "\r\n".join(
    [
        *(
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:x",
            "BEGIN:VEVENT",
            "UID:one",
            "DTSTAMP:20260101T000000Z",
        ),
        *("DTSTART:20260101T000000Z", "SUMMARY:caf\u00e9", "END:VEVENT", "END:VCALENDAR", ""),
    ]
).encode()


@pytest.mark.parametrize("ingress", INGRESSES)
def test_a_calendar_server(calendars: Both, ingress: str) -> None:
    """WebDAV's own methods reach no function: gateways answer them themselves."""
    signed = {"Authorization": "Basic YW5uOng="}
    place = f"/ann/{ingress}/"
    text = {**signed, "Content-Type": "text/calendar; charset=utf-8"}
    assert calendars.agree(ingress, "PUT", place, text, EVENT)[0] == 201
    assert calendars.agree(ingress, "PUT", place, text, EVENT)[0] == 201
    found = calendars.agree(ingress, "GET", place, signed)
    assert "caf\u00e9".encode() in found[2]
    for target in (
        "/",
        "/.web/",
        "/.web/css/main.css",
        "/.well-known/caldav",
        "/ann/none/",
        place,
        f"{place}one",
    ):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            calendars.agree(ingress, method, target, signed)
    assert through(calendars.app, ingress, "DELETE", place, {**HOST, **signed}, None)[0] == 200
    assert calendars.agree(ingress, "GET", place, signed)[0] == 404


# An AWS: forms, JSON, XML, by the host and the headers ---------------------------------------------------


@pytest.fixture(scope="module")
def cloud() -> Iterator[Both]:
    application = DomainDispatcherApplication(create_backend_app)
    with served_by_werkzeug(application) as port:
        yield Both(application, port)


@pytest.mark.parametrize("ingress", ["http-api", "function-url", "alb", "vpc-lattice"])
def test_an_aws(cloud: Both, ingress: str) -> None:
    signed = (
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
    )
    s3 = {"Authorization": signed.format("s3"), "Host": "s3.amazonaws.com"}
    assert cloud.agree(ingress, "PUT", f"/bucket-{ingress}", s3)[0] == 200
    assert cloud.agree(ingress, "PUT", f"/bucket-{ingress}/caf%C3%A9", s3, bytes(range(256)))[0] == 200
    assert cloud.agree(ingress, "GET", f"/bucket-{ingress}/caf%C3%A9", s3)[2] == bytes(range(256))
    assert cloud.agree(ingress, "GET", f"/bucket-{ingress}/none", s3)[0] == 404
    sns = {"Authorization": signed.format("sns"), "Content-Type": "application/x-www-form-urlencoded"}
    answer = cloud.agree(ingress, "POST", "/", sns, b"Action=CreateTopic&Name=a&Version=2010-03-31")
    assert b"CreateTopicResponse" in answer[2]
    sqs = {
        "Authorization": signed.format("sqs"),
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ListQueues",
    }
    assert cloud.agree(ingress, "POST", "/", sqs, b"{}")[0] == 200


# Data to browse: ASGI, with a start-up -------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    path: Path = tmp_path_factory.mktemp("data") / "shop.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, done INTEGER)")
        database.executemany(
            "INSERT INTO todos (title, done) VALUES (?, ?)", [(f"café {n}", n % 2) for n in range(250)]
        )
    application = Datasette([str(path)], settings={"force_https_urls": False}).app()
    with served_by_uvicorn(application) as port:
        yield Both(application, port)


TABLES = (
    *(
        "/",
        "/shop",
        "/shop/todos",
        "/shop/todos.json?_shape=array&_size=3",
        "/shop/todos/7",
        "/nope",
        "/SHOP",
    ),
    *("/shop/todos.csv?_size=max", "/shop/todos?done=1&_sort_desc=id", "/shop?sql=select+1", "/shop/"),
    *("/shop.json?sql=broken", "/-/versions.json", "/-/static/app.css", "/-/actor.json"),
    "/shop/todos?title__contains=caf%C3%A9",
)


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_browser_of_data(data: Both, ingress: str, method: str) -> None:
    for target in TABLES:
        data.agree(ingress, method, target)
