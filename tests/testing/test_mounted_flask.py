"""A Flask application behind every ingress answers as it does behind a plain server."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import flask
import pytest
from hypothesis import given, settings

from microlambda.emulator.gateway import INGRESSES
from tests.testing.both_ways import BothWays
from tests.testing.generated import Asked, requests_under
from tests.testing.plain_servers import Answered, as_far_as_told, served_by_werkzeug

#: Werkzeug closes no file whose content is not sent (HEAD, 304), whoever serves it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

HOST = {"Host": "shop.example"}


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
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothWays]:
    folder = tmp_path_factory.mktemp("static")
    (folder / "style.css").write_text("body { color: red }\n" * 200)
    made = make_flask(folder)
    with served_by_werkzeug(made) as port:
        yield BothWays(made, port)


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "target",
    [
        "/echo/a", "/cookies", "/go/x%20y", "/bytes", "/pieces", "/empty", "/fails", "/slashed", "/slashed/",
        "/static/style.css", "/static/none.css", "/none", "/", "/echo/a%2Fb", "/echo/a//b", "/echo/%25",
    ],
)  # fmt: skip
def test_each_way_of_answering(pages: BothWays, ingress: str, method: str, target: str) -> None:
    pages.agree(ingress, method, target, HOST, compared=without_times)


def without_times(answer: Answered) -> Answered:
    """Take away the session's signature, which has the second in it, and the type of a body that is none."""
    status, headers, body = answer
    kept = [(name, text[:30] if text.startswith("session=") else text) for name, text in headers]
    return status, [one for one in kept if status != 204 or one[0] != "content-type"], body


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize(
    "asked", [{"Range": "bytes=10-19"}, {"Range": "bytes=9999-"}, {"If-None-Match": "etag"}]
)
def test_a_part_of_a_file_and_one_that_is_known(pages: BothWays, ingress: str, asked: dict[str, str]) -> None:
    ask = partial(pages.agree, ingress, "GET", "/static/style.css", compared=lambda answer: answer)
    if "If-None-Match" in asked:
        asked = {"If-None-Match": dict(ask({})[1])["etag"]}

    assert ask(asked)[0] in {206, 304, 416}


@pytest.fixture(scope="module")
def validated(pages: BothWays) -> BothWays:
    """The same, where the App calls it through the validator, which raises at what PEP 3333 forbids."""
    return BothWays(validator(pages.application), pages.port)


def agree(both: BothWays, ingress: str, asked: Asked) -> None:
    target, headers = asked.target(ingress), {**HOST, **asked.fields}
    both.agree(ingress, asked.method, target, headers, asked.content, compared=as_far_as_told(ingress))


@given(asked=requests_under("/echo"))
@pytest.mark.parametrize("ingress", INGRESSES)
def test_generated_requests(pages: BothWays, ingress: str, asked: Asked) -> None:
    agree(pages, ingress, asked)


@settings(max_examples=50)
@given(asked=requests_under("/echo"))
@pytest.mark.parametrize("ingress", INGRESSES)
def test_generated_requests_are_valid(validated: BothWays, ingress: str, asked: Asked) -> None:
    agree(validated, ingress, asked)
