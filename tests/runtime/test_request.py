"""What the request gives to a view beyond Werkzeug's semantics, and how its rare half is loaded."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import pytest

from microlambda.runtime.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from microlambda.runtime.http.header_fields import HeaderFields
from microlambda.runtime.http.multidict import MissingKey, MultiDict
from microlambda.runtime.http.request import Request
from microlambda.runtime.http.request_fields import RequestFields
from microlambda.runtime.ingress import infer
from microlambda.runtime.routing.rule import Rule


def make(
    body: str | None = None,
    content_type: str | None = "application/json",
    *,
    method: str = "POST",
    path: str = "/",
    headers: dict[str, str] | None = None,
    config: dict[str, Any] | None = None,
    **event: Any,
) -> Request:
    """The request of an HTTP API's event."""
    fields = {"host": "api.example.com", **({"content-type": content_type} if content_type else {})}
    whole = {
        "version": "2.0",
        "rawPath": path,
        "headers": fields | (headers or {}),
        "body": body,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "domainName": "api.example.com",
            "stage": "$default",
        },
        **event,
    }
    ingress = infer(whole)
    assert ingress is not None
    request = ingress.to_request(whole, None)
    if config is not None:
        request.config = config
    return request


PROBE = """
import sys, json
from microlambda.runtime.http.request import Request
request = Request(None, {}, None, "GET", "/")
CODE
loaded = [name.rpartition(".")[2] for name in sys.modules if name.startswith("microlambda.runtime.http.")]
print(json.dumps([answer, loaded]))
"""


def fresh(code: str) -> Any:
    """The answer of code that runs where the rare half is not loaded yet, and what is loaded then."""
    said = subprocess.run(
        [sys.executable, "-c", PROBE.replace("CODE", code)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_a_request_loads_little_until_a_rare_name_is_read() -> None:
    _, loaded = fresh("answer = [request.path, request.method, request.url_rule, repr(request)]")

    assert "request" in loaded
    assert {"request_fields", "header_fields", "forms", "json_body", "multidict", "cookies"}.isdisjoint(
        loaded
    )


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("answer = request.endpoint", None),
        ("answer = [hasattr(request, 'stage_vars'), hasattr(request, 'nothing')]", [True, False]),
        ("answer = [name in dir(request) for name in ('url', 'args', 'nothing')]", [True, True, False]),
        ("request.max_form_parts = 3; answer = request.max_form_parts", 3),
        ("request.endpoint; request.max_form_parts = 3; answer = request.max_form_parts", 3),
        ("request.user = 'ann'; answer = [request.endpoint, request.user]", [None, "ann"]),
        (
            "class Own(Request):\n  @property\n  def script_root(self): return super().script_root + '!'\n"
            "answer = Own(None, {}, None, 'GET', '/', '/v1').script_root",
            "/v1!",
        ),
        (
            "try: request.nothing\nexcept AttributeError as exc: answer = [str(exc), exc.name]",
            ["'Request' object has no attribute 'nothing'", "nothing"],
        ),
        (
            "import copy; answer = copy.copy(request).path",
            "/",
        ),
    ],
    ids=["read", "hasattr", "dir", "set", "set later", "own", "subclass", "unknown", "copy"],
)  # fmt: skip
def test_the_rare_half_is_there_from_the_first_look(code: str, answer: object) -> None:
    assert fresh(code)[0] == answer


@pytest.mark.parametrize("name", ["url", "args", "scheme"], ids=["first rare", "common", "rare"])
def test_an_attribute_error_inside_a_property_is_not_masked(name: str) -> None:
    # The Ingress is None here, so each of these fails with an AttributeError of its own.
    code = f"try: request.{name}\nexcept AttributeError as exc: answer = str(exc)"

    assert fresh(code)[0].startswith("'NoneType' object has no attribute")


def test_threads_may_load_it_at_once() -> None:
    code = """
import threading
seen, gate = [], threading.Barrier(8)
def look():
    gate.wait()
    seen.append(Request(None, {}, None, "GET", "/").max_form_parts)
threads = [threading.Thread(target=look) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
answer = seen
"""

    assert fresh(code)[0] == [1_000] * 8


def test_every_rare_name_is_lent() -> None:
    make().url, make().origin  # loads the rare half

    for half in (HeaderFields, RequestFields):
        names = {name for name in vars(half) if not name.startswith("__")}
        assert {name for name in names if vars(Request).get(name) is not vars(half)[name]} == set()
        assert names.isdisjoint(Request.__slots__)


def test_the_class_has_its_rare_names_before_they_are_loaded() -> None:
    code = "answer = [hasattr(Request, 'form'), 'origin' in dir(Request), hasattr(Request, 'nothing')]"

    assert fresh(code)[0] == [True, True, False]


def test_a_form_that_is_read_before_its_files_is_parsed_once() -> None:
    code = """
import microlambda.runtime.http.forms as forms
reads = []
forms.read_form = lambda request: reads.append(1) or ("form", "files")
answer = [request.form, request.files, request.form, len(reads)]
"""

    assert fresh(code)[0] == ["form", "files", "form", 1]


def test_requests_do_not_share_what_they_read() -> None:
    first, second = make("[1]", rawQueryString="a=1"), make("[2]", rawQueryString="a=2")

    assert (first.json, first.args["a"], first.url) == ([1], "1", "https://api.example.com/?a=1")
    assert (second.json, second.args["a"], second.url) == ([2], "2", "https://api.example.com/?a=2")


# JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"a": 1e999}', "the number 1e999 is too large"),
        ("[-1E+400]", "the number -1E+400 is too large"),
        ("[NaN]", "JSON has no NaN"),
        ("[-Infinity]", "JSON has no -Infinity"),
        ('{"a": 1,\n "b": ]}', "line 2 column 7 (char 15)"),
        ("[1] x", "line 1 column 5 (char 4)"),
        ("", "the body is empty"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5_000, "a number is too long"),
    ],
    ids=["1e999", "-1E+400", "nan", "infinity", "line", "extra", "empty", "deep", "digits"],
)
def test_bad_json_is_400_that_says_where(body: str, detail: str) -> None:
    with pytest.raises(BadRequest) as caught:
        make(body).json  # noqa: B018  # reading it is the point

    assert detail in str(caught.value.detail)


def test_json_that_is_not_utf_8_is_400_with_the_position() -> None:
    # RFC 8259 has no charset but UTF-8: what the content type says of it changes nothing, as in Werkzeug.
    with pytest.raises(BadRequest, match=r"byte 0xe9 in position 4"):
        make("WyJjYel4Il0=", "application/json; charset=latin-1", isBase64Encoded=True).json  # noqa: B018


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_json_in_the_other_encodings_of_unicode_is_read(encoding: str) -> None:
    import base64

    body = base64.b64encode('{"café": 1.5}'.encode(encoding)).decode()

    assert make(body, isBase64Encoded=True).json == {"café": 1.5}


def test_get_json_as_flask_has_it() -> None:
    request = make("[1]", "text/plain")

    with pytest.raises(
        UnsupportedMediaType, match=r"the body is text/plain\. Send Content-Type: application/json"
    ):
        request.json  # noqa: B018
    assert request.get_json(silent=True) is None
    assert request.get_json(force=True, cache=False) == [1]
    assert request.get_json(force=True) is request.json is request.get_json()
    assert make("{").get_json(silent=True) is None
    assert request.get_json(cache=False, force=True) is not request.json


# The body -------------------------------------------------------------------------------------


def test_data_stream_and_get_data_are_the_same_body() -> None:
    request = make("Y2Fm6Q==", "text/plain; charset=ISO-8859-1", isBase64Encoded=True)

    assert request.get_data(cache=False) == b"caf\xe9"
    assert "data" not in vars(request)
    assert (request.stream.read(2), request.stream.read(), request.stream.read()) == (b"ca", b"f\xe9", b"")
    assert (request.data, request.raw_body, request.charset) == (b"caf\xe9", b"caf\xe9", "latin_1")
    assert request.get_data(as_text=True) == "café"


def test_text_that_is_not_in_its_charset_has_replacement_characters_as_in_werkzeug() -> None:
    assert make("/w==", "text/plain", isBase64Encoded=True).get_data(as_text=True) == "\ufffd"


@pytest.mark.parametrize("name", ["klingon", "zip", "rot13", "unicode_escape", "idna", "utf-7", "../x", ""])
def test_a_charset_that_is_none_is_400(name: str) -> None:
    with pytest.raises(BadRequest, match="charset .* is not known"):
        make("a", f'text/plain; charset="{name}"').get_data(as_text=True)


@pytest.mark.parametrize("read", ["data", "json", "stream", "form", "raw_body", "json_body"])
def test_a_body_over_the_limit_is_413_naming_it(read: str) -> None:
    content_type = "application/x-www-form-urlencoded" if read == "form" else "application/json"
    request = make("[1,2]", content_type, config={"MAX_CONTENT_LENGTH": 4})

    with pytest.raises(ContentTooLarge, match=r"the body has 5 bytes, over 4 \(MAX_CONTENT_LENGTH\)"):
        getattr(request, read)
    with pytest.raises(ContentTooLarge):
        request.get_data(cache=False)


def test_a_view_can_set_the_limit_of_its_own_request() -> None:
    wider = make("[1,2]", config={"MAX_CONTENT_LENGTH": 4})
    wider.max_content_length = 5
    narrower = make("[1,2]")
    narrower.max_content_length = 4

    assert (wider.json, wider.max_content_length) == ([1, 2], 5)
    with pytest.raises(ContentTooLarge):
        narrower.json  # noqa: B018
    assert (make().max_content_length, make().max_form_memory_size, make().max_form_parts) == (
        None,
        500_000,
        1_000,
    )


# The rest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "blueprint", "blueprints"),
    [("show", None, []), ("shop.show", "shop", ["shop"]), ("a.b.show", "a.b", ["a.b", "a"])],
)
def test_the_view_by_name(endpoint: str, blueprint: str | None, blueprints: list[str]) -> None:
    request = make()
    assert (request.endpoint, request.blueprint, request.blueprints) == (None, None, [])

    request.url_rule = Rule("/", lambda: "", endpoint=endpoint)

    assert (request.endpoint, request.blueprint, request.blueprints) == (endpoint, blueprint, blueprints)


def test_a_percent_of_the_path_stands_encoded_in_the_url() -> None:
    # Werkzeug writes it as it is, and the URL of /%2541 would lead to /A.
    request = make(path="/%41 ?")

    assert (request.path, request.base_url) == ("/%41 ?", "https://api.example.com/%2541%20%3F")


def test_the_address_is_the_gateways_word_and_nobody_is_logged_in() -> None:
    request = make(headers={"x-forwarded-for": "198.51.100.7"})

    assert (request.remote_addr, request.remote_user) == ("192.0.2.1", None)


def test_stage_variables_under_both_names() -> None:
    request = make(stageVariables={"table": "orders"})

    assert request.stage_variables == request.stage_vars == {"table": "orders"}
    assert make().stage_variables is None


def test_the_user_agent_is_text() -> None:
    agent = make(headers={"user-agent": "curl/8.5"}).user_agent

    assert (agent, agent.string, agent.browser, "curl" in agent, bool(make().user_agent)) == (
        "curl/8.5", "curl/8.5", None, True, False)  # fmt: skip


def test_a_condition_that_is_none_can_be_shown() -> None:
    request = make(headers={"if-range": 'no-cache="a,b'})

    assert (str(request.if_range), repr(request.if_range)) == ('no-cache="a,b', '<IfRange no-cache="a,b>')


def test_credentials_do_not_show() -> None:
    authorization = make(headers={"authorization": "Basic QUM6c2VjcmV0"}).authorization

    assert repr(authorization) == "<Authorization basic>"
    assert (
        copy.copy(authorization) == authorization != make(headers={"authorization": "Bearer x"}).authorization
    )


def test_what_a_request_carries_is_read_only_and_can_be_copied() -> None:
    values = MultiDict([("a", "1"), ("a", "2"), ("b", "3")])

    for twin in (values.copy(), copy.copy(values), copy.deepcopy(values), pickle.loads(pickle.dumps(values))):
        assert (type(twin), twin.items(multi=True)) == (MultiDict, values.items(multi=True))
    assert (values.listvalues(), values.get("b", type=int)) == ([["1", "2"], ["3"]], 3)
    with pytest.raises(TypeError, match="read-only"):
        values["a"] = "4"
    with pytest.raises(MissingKey):
        values["c"]
