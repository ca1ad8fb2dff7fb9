"""Applications of others, as they are on PyPI, answer behind gateways as they do behind a plain server."""

from __future__ import annotations

import gc
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
import radicale.app
import radicale.config
from datasette.app import Datasette
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from microlambda.emulator.gateway import INGRESSES
from tests.testing.both_ways import BothWays
from tests.testing.generated import Asked, paths
from tests.testing.plain_servers import Answered, served_by_uvicorn, served_by_werkzeug

HOST = {"Host": "shop.example"}

pytestmark = [
    pytest.mark.slow,
    # Radicale leaves files to the garbage collector, whoever serves it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # Datasette drops coroutines when a question is in error, whoever serves it.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:.*coroutine object .*facet:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def swept() -> Iterator[None]:
    """What the applications drop is collected before a test of others is blamed for it."""
    yield
    gc.collect()


class Both(BothWays):
    """An application in both ways, of whose answers the moment is left out."""

    def ask(
        self,
        ingress: str,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answered:
        """Ask both, and compare; gives the plain answer."""
        asked = {**HOST, **(headers or {})}
        return self.agree(ingress, method, target, asked, body, compared=of_the_moment_aside)


#: What a server says, and what an App says, where the application raises.
FAILURES = (b"Internal Server Error", b'{"type":"about:blank","title":"Internal Server Error","status":500}')
OF_THE_MOMENT = re.compile(
    rb"""
    \d{4}-\d\d-\d\dT[\d:.]+Z            # when an object was written
    | \d+\.\d+[ ]?ms | \d\.\d{6,}       # how long a question took
    | (?<=_ms":[ ])[\d.e-]+
    | [0-9a-fA-F]{8}-[0-9a-fA-F-]{27}    # ids of requests
    | [0-9A-Za-z]{52}
    """,
    re.VERBOSE,
)


def of_the_moment_aside(answer: Answered) -> Answered:
    """Take away times and random ids, how the query was encoded, and the type of a body that is none.

    A REST API decodes the query; of what VPC Lattice asks, https is made in links.
    """
    status, headers, body = answer
    if status == 500 and body in FAILURES:
        return status, [], b""
    text = OF_THE_MOMENT.sub(b"~", body)
    text = text.replace(b"select+1", b"select%201").replace(b"https:", b"http:")
    kept = [
        (name, value.replace("select+1", "select%201"))
        for name, value in headers
        if (body or name != "content-type") and name not in ("etag", "last-modified")
    ]
    return status, kept, text


# A calendar server: files, XML, Basic authentication --------------------------------------------------


@pytest.fixture(scope="module")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Two of them, each with its own files, so that each keeps and forgets what it is told to."""

    def made() -> radicale.app.Application:
        configuration = radicale.config.load()
        configuration.update(
            {
                "storage": {"filesystem_folder": str(tmp_path_factory.mktemp("calendars"))},
                "auth": {"type": "none", "delay": "0"},
                "logging": {"level": "critical"},
            },
            "test",
        )
        return radicale.app.Application(configuration)

    with served_by_werkzeug(made()) as port:
        yield Both(made(), port)


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
    assert calendars.ask(ingress, "PUT", place, text, EVENT)[0] == 201
    assert calendars.ask(ingress, "PUT", place, text, EVENT)[0] == 201
    found = calendars.ask(ingress, "GET", place, signed)
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
            calendars.ask(ingress, method, target, signed)
    assert calendars.ask(ingress, "DELETE", place, signed)[0] == 200
    assert calendars.ask(ingress, "GET", place, signed)[0] == 404


PARTS = st.one_of(
    st.text("aü ;,:\\", max_size=9).map(lambda text: EVENT.replace("caf\u00e9".encode(), text.encode())),
    st.sampled_from([b"", b"nonsense", bytes(range(256)), EVENT.replace(b"UID:one", b"UID:two")]),
)
CONDITIONS = st.sampled_from([{}, {}, {"If-None-Match": "*"}, {"If-Match": "*"}, {"If-Match": '"other"'}])
VISITS = st.tuples(
    st.sampled_from(["PUT", "PUT", "GET", "HEAD", "DELETE", "POST", "OPTIONS"]),
    st.one_of(st.sampled_from(["", "one", "one.ics", "two"]), paths("").map(lambda path: path[1:])),
    PARTS,
    CONDITIONS,
)
PLACES = count()


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=12)
@given(visits=st.lists(VISITS, min_size=2, max_size=6))
def test_generated_visits_of_a_calendar_server(
    calendars: Both, ingress: str, visits: list[tuple[str, str, bytes, dict[str, str]]]
) -> None:
    signed = {"Authorization": "Basic YW5uOng="}
    place = f"/ann/{next(PLACES)}/"  # nothing of the visits before is there
    calendars.ask(ingress, "PUT", place, {**signed, "Content-Type": "text/calendar"}, EVENT)
    for method, name, part, condition in visits:
        headers = {**signed, **condition}
        if method == "PUT":
            calendars.ask(
                ingress,
                method,
                place + name,
                {**headers, "Content-Type": "text/calendar; charset=utf-8"},
                part,
            )
        else:
            calendars.ask(ingress, method, place + name, headers)


# An AWS: forms, JSON, XML, by the host and the headers ---------------------------------------------------


@pytest.fixture(scope="module")
def cloud() -> Iterator[Both]:
    application = DomainDispatcherApplication(create_backend_app)
    with served_by_werkzeug(application) as port:
        yield Both(application, port)


@pytest.mark.parametrize("ingress", INGRESSES)
def test_an_aws(cloud: Both, ingress: str) -> None:
    signed = (
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
    )
    s3 = {"Authorization": signed.format("s3"), "Host": "s3.amazonaws.com"}
    assert cloud.ask(ingress, "PUT", f"/bucket-{ingress}", s3)[0] == 200
    assert cloud.ask(ingress, "PUT", f"/bucket-{ingress}/caf%C3%A9", s3, bytes(range(256)))[0] == 200
    assert cloud.ask(ingress, "GET", f"/bucket-{ingress}/caf%C3%A9", s3)[2] == bytes(range(256))
    assert cloud.ask(ingress, "GET", f"/bucket-{ingress}/none", s3)[0] == 404
    sns = {"Authorization": signed.format("sns"), "Content-Type": "application/x-www-form-urlencoded"}
    answer = cloud.ask(ingress, "POST", "/", sns, b"Action=CreateTopic&Name=a&Version=2010-03-31")
    assert b"CreateTopicResponse" in answer[2]
    sqs = {
        "Authorization": signed.format("sqs"),
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ListQueues",
    }
    assert cloud.ask(ingress, "POST", "/", sqs, b"{}")[0] == 200


KEPT = st.tuples(
    paths(""),
    st.binary(max_size=50),
    st.sampled_from(["text/plain; charset=utf-8", "application/json", "image/png", "text/html"]),
    st.sampled_from([{}, {"Range": "bytes=1-3"}, {"Range": "bytes=-2"}, {"Range": "bytes=90-"}]),
)


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=15)
@given(kept=KEPT)
def test_generated_objects_of_an_aws(
    cloud: Both, ingress: str, kept: tuple[str, bytes, str, dict[str, str]]
) -> None:
    key, content, kind, part = kept
    credential = (
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    )
    signed = {"Authorization": credential, "Host": "s3.amazonaws.com"}
    bucket = f"/of-{ingress.replace('.', '-')}"
    cloud.ask(ingress, "PUT", bucket, signed)
    typed = {**signed, "Content-Type": kind}
    is_kept = cloud.ask(ingress, "PUT", f"{bucket}{key}", typed, content)[0] == 200
    _, fields, found = cloud.ask(ingress, "GET", f"{bucket}{key}", signed)
    assert not is_kept or (found, dict(fields)["content-type"]) == (content, kind)  # the one put last: by us
    for method in ("GET", "HEAD"):
        cloud.ask(ingress, method, f"{bucket}{key}", {**signed, **part})
    cloud.ask(ingress, "GET", f"{bucket}?list-type=2&prefix={key[1:3]}", signed)
    cloud.ask(ingress, "DELETE", f"{bucket}{key}", signed)
    cloud.ask(ingress, "GET", f"{bucket}{key}", signed)


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
        data.ask(ingress, method, target)


TEXTS = st.text("caf\u00e9 1%&+'\"<;", max_size=6)
CONDITION = st.tuples(
    st.sampled_from("title title__contains title__startswith id__gt done done__in title__not".split()), TEXTS
)
HOW = st.tuples(st.sampled_from("_sort _sort_desc _size _next _facet _shape _labels".split()),
                st.sampled_from("id title done 3 max array objects on 1 nonsense".split()))  # fmt: skip
QUESTIONS = st.one_of(
    st.builds(
        lambda kind, pairs: Asked(method="GET", path=f"/shop/todos{kind}", query=pairs),
        st.sampled_from(["", ".json", ".csv"]),
        st.lists(CONDITION | HOW, max_size=3, unique_by=lambda pair: pair[0]),
    ),
    st.builds(
        lambda text: Asked(
            method="GET", path="/shop.json", query=[("sql", "select :text as a"), ("text", text)]
        ),
        TEXTS,
    ),
    st.builds(Asked, method=st.sampled_from(["GET", "POST"]), path=paths("/shop") | paths("/shop/todos")),
)


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=12)
@given(question=QUESTIONS)
def test_generated_questions_to_a_browser_of_data(data: Both, ingress: str, question: Asked) -> None:
    data.ask(ingress, question.method, question.canonical_target(ingress))
