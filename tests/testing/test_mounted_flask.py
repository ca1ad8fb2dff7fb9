"""A Flask application behind every ingress answers as it does behind a plain server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import flask
import pytest
from hypothesis import given

from microlambda import App
from tests.testing.generated import ASKED, Asked
from tests.testing.plain_servers import Answered, plainly, served_by_werkzeug, through, without_the_query

#: Werkzeug closes no file whose content is not sent (HEAD, 304), whoever serves it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

INGRESSES = ("http-api", "rest-api", "function-url", "alb", "vpc-lattice")


def make_flask(folder: Path) -> flask.Flask:
    """Make an application that tells what it was asked, and answers in each of Flask's ways."""
    made = flask.Flask("pages", static_folder=str(folder), static_url_path="/static")
    made.secret_key = "for the test"
    request = flask.request

    @made.route("/echo/<path:rest>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def echo(rest: str) -> Any:
        return {
            "method": request.method,
            "rest": rest,
            "path": request.path,
            "args": list(request.args.items(multi=True)),
            "form": list(request.form.items(multi=True)),
            "files": [(name, file.filename, file.read().hex()) for name, file in request.files.items()],
            "cookies": sorted(request.cookies.items()),
            "asked": request.headers.get("X-Asked"),
            "type": request.content_type,
            "data": request.get_data().hex(),
        }

    @made.get("/cookies")
    def cookies() -> flask.Response:
        answer = flask.make_response("two")
        answer.set_cookie("a", "1", httponly=True)
        answer.set_cookie("b", "ä; 2")
        flask.session["seen"] = True
        return answer

    @made.get("/go/<path:target>")
    def go(target: str) -> Any:
        return flask.redirect(flask.url_for("echo", rest=target, q="ü"))

    @made.get("/bytes")
    def all_bytes() -> Any:
        return flask.send_file(BytesIO(bytes(range(256))), mimetype="image/png")

    @made.get("/pieces")
    def pieces() -> Any:
        return flask.Response((f"{number}\n" for number in range(3)), mimetype="text/plain")

    @made.get("/empty")
    def empty() -> Any:
        return "", 204

    @made.get("/fails")
    def fails() -> Any:
        raise RuntimeError("as it should")

    @made.get("/slashed/")
    def slashed() -> str:
        return "slashed"

    return made


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> flask.Flask:
    folder = tmp_path_factory.mktemp("static")
    (folder / "style.css").write_text("body { color: red }\n" * 200)
    return make_flask(folder)


@pytest.fixture(scope="module")
def server(pages: flask.Flask) -> Iterator[int]:
    with served_by_werkzeug(pages) as port:
        yield port


def mounted(
    pages: flask.Flask, ingress: str, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> Answered:
    app = App("pages")
    app.compress_above = None
    app.mount("/", pages)
    return through(app, ingress, method, target, headers, body)


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "target",
    [
        "/echo/a", "/cookies", "/go/x%20y", "/bytes", "/pieces", "/empty", "/fails", "/slashed", "/slashed/",
        "/static/style.css", "/static/none.css", "/none", "/", "/echo/a%2Fb", "/echo/a//b", "/echo/%25",
    ],
)  # fmt: skip
def test_each_way_of_answering(
    pages: flask.Flask, server: int, ingress: str, method: str, target: str
) -> None:
    headers = {"Host": "shop.example"}
    ours, plain = (
        mounted(pages, ingress, method, target, headers, None),
        plainly(server, method, target, headers, None),
    )

    assert without_times(ours) == without_times(plain)


def without_times(answer: Answered) -> Answered:
    """Take away the session's signature, which has the second in it, and the type of a body that is none."""
    status, headers, body = answer
    kept = [(name, text[:30] if text.startswith("session=") else text) for name, text in headers]
    return status, [one for one in kept if status != 204 or one[0] != "content-type"], body


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize(
    "asked", [{"Range": "bytes=10-19"}, {"Range": "bytes=9999-"}, {"If-None-Match": "etag"}]
)
def test_a_part_of_a_file_and_one_that_is_known(
    pages: flask.Flask, server: int, ingress: str, asked: dict[str, str]
) -> None:
    target, headers = "/static/style.css", dict(asked)
    if "If-None-Match" in headers:
        headers["If-None-Match"] = dict(plainly(server, "GET", target, {}, None)[1])["etag"]

    assert mounted(pages, ingress, "GET", target, headers, None) == plainly(
        server, "GET", target, headers, None
    )


@given(asked=ASKED)
@pytest.mark.parametrize("ingress", INGRESSES)
def test_generated_requests(pages: flask.Flask, server: int, ingress: str, asked: Asked) -> None:
    sent = (asked.method, asked.target(ingress), asked.headers, asked.body)
    ours, plain = mounted(pages, ingress, *sent), plainly(server, *sent)

    if plain[0] == 200:
        assert json.loads(ours[2]) == json.loads(plain[2])
    if ingress in {"rest-api", "http-api-1.0"}:  # which tell the query decoded, and by its keys
        ours, plain = without_the_query(ours), without_the_query(plain)
    assert ours == plain
