"""Load balancers, VPC Lattice and HTTP APIs of format 1.0: what only they do with requests and answers."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import click
import pytest

from microlambda.cli.local import command
from microlambda.emulator.gateway import FAILURES, INGRESSES, Failure
from microlambda.emulator.gateway.failure import OF_AUTHORIZERS, OF_SIGNATURES
from microlambda.emulator.messages import HttpResponse
from microlambda.project.errors import ToolError
from microlambda.project.settings import load_settings

from .gateways import Front

ALB = ("alb", "alb-multi-value")


def pairs(response: HttpResponse, name: str) -> list[str]:
    return [value for key, value in response.headers if key.lower() == name]


# Events of an ALB ------------------------------------------------------------------------------------


def test_an_alb_decodes_neither_path_nor_query() -> None:
    target = "/caf%C3%A9/a%2Fb?a%20b=c+d&x=%2B&x=2&empty=&bare"

    one = Front("alb").event("GET", target)
    many = Front("alb-multi-value").event("GET", target)

    assert one["path"] == many["path"] == "/caf%C3%A9/a%2Fb"
    assert one["queryStringParameters"] == {"a%20b": "c+d", "x": "2", "empty": "", "bare": ""}
    assert many["multiValueQueryStringParameters"] == {
        "a%20b": ["c+d"],
        "x": ["%2B", "2"],
        "empty": [""],
        "bare": [""],
    }


def test_an_albs_header_names_are_in_lower_case_and_of_repeats_the_last_stays() -> None:
    headers = (("X-Many", "1"), ("x-many", "2"), ("Accept-Language", "de"))

    one = Front("alb").event("GET", "/", *headers)["headers"]
    many = Front("alb-multi-value").event("GET", "/", *headers)["multiValueHeaders"]

    assert (one["x-many"], one["accept-language"]) == ("2", "de")
    assert (many["x-many"], many["accept-language"]) == (["1", "2"], ["de"])
    assert all(name == name.lower() for name in [*one, *many])


@pytest.mark.parametrize("ingress", ALB)
def test_an_event_of_one_kind_has_nothing_of_the_other(ingress: str) -> None:
    event = Front(ingress).event("GET", "/?a=1")

    single = {"headers", "queryStringParameters"}
    multiple = {"multiValueHeaders", "multiValueQueryStringParameters"}
    assert (event.keys() & (single | multiple)) == (single if ingress == "alb" else multiple)


def test_an_alb_without_a_query_sends_an_empty_map() -> None:
    assert Front("alb").event()["queryStringParameters"] == {}
    assert Front("alb-multi-value").event()["multiValueQueryStringParameters"] == {}


@pytest.mark.parametrize(
    ("sent", "trace"),
    [
        (None, r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"),
        (
            "Root=1-67891233-abcdef012345678912345678",
            r"Self=1-[0-9a-f-]{33};Root=1-67891233-abcdef012345678912345678",
        ),
        ("CalledFrom=app", r"Self=(1-[0-9a-f-]{33});Root=\1;CalledFrom=app"),
    ],
)
def test_an_alb_joins_the_trace_that_the_caller_began(sent: str | None, trace: str) -> None:
    headers = (("X-Amzn-Trace-Id", sent),) if sent else ()

    event = Front("alb").event("GET", "/", *headers)

    assert re.fullmatch(trace, event["headers"]["x-amzn-trace-id"])


def test_an_alb_overwrites_the_callers_protocol() -> None:
    event = Front("alb-multi-value").event(
        "GET", "/", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "1")
    )

    assert event["multiValueHeaders"]["x-forwarded-proto"] == ["http"]
    assert event["multiValueHeaders"]["x-forwarded-port"] == ["80"]


@pytest.mark.parametrize(
    ("headers", "is_text"),
    [
        pytest.param((("Content-Type", "application/json"),), True, id="json"),
        pytest.param((("Content-Type", "TEXT/csv; charset=utf-8"),), True, id="text"),
        pytest.param((("Content-Type", "application/xml"),), True, id="xml"),
        pytest.param((("Content-Type", "application/x-www-form-urlencoded"),), False, id="form"),
        pytest.param((("Content-Type", "image/png"),), False, id="bytes"),
        pytest.param((("Content-Type", "text/plain"), ("Content-Encoding", "gzip")), False, id="compressed"),
        pytest.param((), False, id="no-content-type"),
    ],
)
@pytest.mark.parametrize("ingress", ALB)
def test_an_albs_bodies_are_text_by_type_and_encoding(
    ingress: str, headers: tuple[tuple[str, str], ...], is_text: bool
) -> None:
    event = Front(ingress).event("POST", "/", *headers, body=b"a=1")

    assert event["isBase64Encoded"] is not is_text
    assert event["body"] == "a=1" if is_text else b64decode(event["body"]) == b"a=1"


def test_no_body_is_an_empty_one_behind_an_alb() -> None:
    event = Front("alb").event()

    assert (event["body"], event["isBase64Encoded"]) == ("", False)


# Answers to an ALB -----------------------------------------------------------------------------------


def test_an_alb_reads_the_map_of_its_setting_and_not_the_other() -> None:
    answer = {
        "statusCode": 200,
        "headers": {"X-A": "single"},
        "multiValueHeaders": {"X-A": ["one", "two"]},
        "body": "",
    }

    assert pairs(Front("alb", answer).send(), "x-a") == ["single"]
    assert pairs(Front("alb-multi-value", answer).send(), "x-a") == ["one", "two"]


def test_names_that_differ_in_case_are_fields_of_their_own() -> None:
    answer = {"statusCode": 200, "headers": {"set-cookie": "a=1", "Set-Cookie": "b=2"}}

    for ingress in ("alb", "vpc-lattice"):
        assert pairs(Front(ingress, answer).send(), "set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": "no status"}, id="no-status"),
        pytest.param({"statusCode": "200"}, id="status-is-a-string"),  # adamchainz/apig-wsgi#52
        pytest.param({"statusCode": 200.0}, id="status-is-a-float"),
        pytest.param([1], id="list"),
        pytest.param("text", id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(
            {"statusCode": 200, "headers": {"X": True}, "multiValueHeaders": {"X": [True]}},
            id="header-is-a-boolean",  # jeremydaly/lambda-api#117
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"X": 1}, "multiValueHeaders": {"X": [1]}}, id="header-is-a-number"
        ),
        pytest.param({"statusCode": 200, "headers": [], "multiValueHeaders": []}, id="headers-are-a-list"),
        pytest.param(
            {"statusCode": 200, "headers": {"X": "a\r\nb"}, "multiValueHeaders": {"X": ["a\r\nb"]}},
            id="cr-lf",
        ),
    ],
)
@pytest.mark.parametrize("ingress", ALB)
def test_an_alb_takes_nothing_but_its_own_format(ingress: str, answer: Any) -> None:
    assert Front(ingress, answer).send().status == 502


@pytest.mark.parametrize("ingress", ALB)
def test_an_albs_own_answer_is_a_page(ingress: str) -> None:
    response = Front(ingress, error="Unhandled").send()

    assert (response.status, response.header("content-type")) == (502, "text/html")
    assert response.header("server") == "awselb/2.0"
    assert b"<center><h1>502 Bad Gateway</h1></center>" in response.body


def test_an_alb_names_itself_where_the_answer_names_no_server() -> None:
    named = Front("alb", {"statusCode": 200, "headers": {"Server": "mine"}}).send()

    assert pairs(named, "server") == ["mine"]
    assert pairs(Front("alb").send(), "server") == ["awselb/2.0"]


@pytest.mark.parametrize("ingress", ALB)
def test_an_answer_over_a_megabyte_is_502_behind_an_alb(ingress: str) -> None:
    assert Front(ingress, {"statusCode": 200, "body": "x" * 1_048_576}).send().status == 502
    assert Front(ingress, {"statusCode": 200, "body": "x" * 1_048_000}).send().status == 200


@pytest.mark.parametrize("ingress", ALB)
def test_a_body_over_a_megabyte_is_413_behind_an_alb(ingress: str) -> None:
    front = Front(ingress)

    assert front.send("POST", "/", body=b"x" * 1_048_577).status == 413
    assert front.events == []
    assert front.send("POST", "/", body=b"x" * 1_048_576).status == 200


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        pytest.param("/", [("X-Long", "x" * 16_000)], 200, id="a-long-header"),
        pytest.param("/", [("X-Long", "x" * 16_400)], 400, id="a-header-over-16-k"),
        pytest.param("/" + "x" * 16_400, [], 400, id="a-request-line-over-16-k"),
        pytest.param("/", [(f"X-{number}", "x" * 15_000) for number in range(5)], 400, id="all-over-64-k"),
    ],
)
def test_an_albs_limits_of_headers(target: str, headers: list[tuple[str, str]], status: int) -> None:
    assert Front("alb").send("GET", target, *headers).status == status


def test_an_alb_waits_as_long_as_the_function_may_run() -> None:
    assert INGRESSES["alb"].integration_timeout is None


# VPC Lattice -----------------------------------------------------------------------------------------


def test_lattices_path_is_the_request_target() -> None:
    event = Front("vpc-lattice").event("GET", "/caf%C3%A9/a%2Fb?x=1&x=b+c")

    assert event["path"] == "/caf%C3%A9/a%2Fb?x=1&x=b+c"
    assert event["queryStringParameters"] == {"x": ["1", "b c"]}


def test_lattices_headers_are_lists_under_lower_case_names() -> None:
    event = Front("vpc-lattice").event("GET", "/", ("X-Many", "1"), ("x-many", "2"))

    assert event["headers"]["x-many"] == ["1", "2"]
    assert all(isinstance(values, list) for values in event["headers"].values())


def test_what_lattice_does_not_write_is_the_callers() -> None:
    event = Front("vpc-lattice").event("GET", "/", ("X-Forwarded-Proto", "gopher"))

    assert event["headers"]["x-forwarded-proto"] == ["gopher"]


@pytest.mark.parametrize(
    ("body", "told"), [(b"", (None, False)), (b"{}", ("{}", False)), (b"\xff", ("/w==", True))]
)
def test_lattices_bodies_are_base64_where_they_are_no_string(body: bytes, told: tuple[Any, bool]) -> None:
    event = Front("vpc-lattice").event("POST", "/", body=body)

    assert (event["body"], event["isBase64Encoded"]) == told


# HTTP APIs with payload 1.0 --------------------------------------------------------------------------


def test_format_1_of_an_http_api_has_the_decoded_path() -> None:
    event = Front("http-api-1.0").event("GET", "/caf%C3%A9/%2541?x=1&x=b+c")

    assert (event["version"], event["path"]) == ("1.0", "/café/%41")
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "b c"]}
    assert event["requestContext"]["stage"] == "$default"


@pytest.mark.parametrize("answer", [{"a": 1}, "text", [1], b"null"], ids=["object", "string", "list", "null"])
def test_format_1_of_an_http_api_has_no_short_answers(answer: Any) -> None:
    response = Front("http-api-1.0", answer).send()

    assert (response.status, response.body) == (500, b'{"message":"Internal Server Error"}')


def test_format_1_of_an_http_api_takes_both_maps() -> None:
    answer = {
        "statusCode": 200,
        "headers": {"X-A": "1", "Date": "x"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }

    response = Front("http-api-1.0", answer).send()

    assert (pairs(response, "x-a"), pairs(response, "date")) == (["1"], [])
    assert pairs(response, "set-cookie") == ["a=1", "b=2"]


# All of them -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", sorted(INGRESSES))
def test_every_ingress_has_a_complete_row_of_failures_with_sources(ingress: str) -> None:
    unasked = set() if ingress == "rest-api" else {Failure.NO_API_KEY}  # nobody else checks keys
    if "api" not in ingress:
        unasked |= {Failure.NO_API}  # nobody else has custom domains
        unasked |= OF_AUTHORIZERS  # nor authorizers
    if ingress in ("alb", "alb-multi-value", "vpc-lattice"):
        unasked |= OF_SIGNATURES  # these let everybody in
    assert set(FAILURES[ingress]) == set(Failure) - unasked
    assert all(cell.source for cell in FAILURES[ingress].values())


@pytest.mark.parametrize("ingress", ["alb", "alb-multi-value", "vpc-lattice", "http-api-1.0"])
def test_the_settings_refuse_what_is_not_deployed(ingress: str, tmp_path: Path) -> None:
    (tmp_path / "microlambda.toml").write_text(f'ingress = "{ingress}"\n')

    with pytest.raises(ToolError, match="must be one of 'http-api', 'rest-api', 'function-url'"):
        load_settings(tmp_path, "local")


def test_local_offers_every_ingress() -> None:
    option = next(parameter for parameter in command.params if parameter.name == "ingress")

    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) == set(INGRESSES)
