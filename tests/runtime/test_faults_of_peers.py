"""What the peers get wrong with HTTP: each fault is a test, here or where its subject is tested.

They were reproduced with Chalice, Zappa, Powertools, Mangum, apig-wsgi, serverless-wsgi and Azure's WSGI
bridge. The peers' faults with events, bundles and deployments are no part of this.
"""

from __future__ import annotations

import ast
import datetime
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from microlambda import App, abort, request
from microlambda.emulator.gateway import INGRESSES

TESTS = Path(__file__).parent

#: The fault, and the test that would see it here.
ELSEWHERE = {
    "Chalice: a blueprint registered twice loses methods and CORS": (
        "blueprints:registered_twice_it_loses_nothing"
    ),
    "Chalice: a datetime, UUID or set in the answer is an error": "dispatch:types_that_json_lacks",
    "Chalice: no async def": "async:views_hooks_and_handlers_may_all_be_async",
    "Chalice: CR and LF pass in lists of values": "ingress:a_header_that_would_smuggle_another_is_refused",
    "Chalice: methods in lower case never match": "routing:methods_are_taken_in_any_case",
    "Chalice: integers as header values are 500s": "dispatch:integer_header_values_are_fine",
    "Zappa: the stage eats the path of an HTTP API": (
        "ingress_shapes:a_named_stage_of_an_http_api_is_the_root_path"
    ),
    "Zappa: the stage eats the path of a REST API": (
        "ingress_shapes:zappas_fault_a_rest_stage_does_not_eat_a_path_that_begins_alike"
    ),
    "Zappa, apig-wsgi: the caller chooses its address": (
        "ingress:the_clients_address_is_the_gateways_word_never_the_callers"
    ),
    "Zappa, apig-wsgi: the same behind an ALB": "ingress_shapes:behind_an_alb_the_client_is_the_last_hop",
    "Zappa: two cookies come out as eight": "ingress:each_cookie_goes_out_once",
    "Zappa: a TypeError runs the view three times": "dispatch:a_type_error_in_a_view_runs_it_once",
    "Zappa: unknown events answer None": (
        "ingress_shapes:an_unknown_event_is_an_error_that_lists_the_known_shapes"
    ),
    "Zappa: tracebacks reach the caller": (
        "dispatch:an_unhandled_error_is_logged_once_and_tells_the_caller_nothing"
    ),
    "Zappa: tracebacks reach the caller of a debug app": "errors:a_page_leaks_nothing_of_an_unhandled_error",
    "Zappa: +json goes out as base64": "ingress:an_answer_is_text_or_base64_by_its_type_and_content",
    "Powertools: 404 where 405 is due": "ingress:another_method_is_405_with_those_that_there_are",
    "Powertools: no HEAD": "ingress:head_is_get_without_the_body",
    "Powertools: a tuple becomes a JSON list": "dispatch:what_a_view_returns",
    "Powertools: a dot in a rule is any character": "routing:a_path_that_the_rule_does_not_match",
    "Powertools: threads overwrite the current event": "dispatch:three_threads_never_see_each_others_request",
    "Mangum: paths of HTTP APIs are decoded twice": "ingress:a_path_is_decoded_once",
    "serverless-wsgi: the last of repeated headers wins": "ingress:repeated_headers_go_out_all_of_them",
    "serverless-wsgi: the same on the way in": "ingress:repeated_headers_come_in",
}


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_fault_has_its_test(place: str) -> None:
    module, _, name = place.partition(":")
    tree = ast.parse((TESTS / f"test_{module}.py").read_text())

    assert f"test_{name}" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


Ask = Callable[..., TestResponse]


@pytest.fixture(params=["wsgi", *INGRESSES])
def ask(app: App, request: pytest.FixtureRequest) -> Ask:
    """Sends a request on each road to the app; errors are answered as they are for callers."""
    if request.param == "wsgi":
        return Client(app.wsgi).open
    return app.test_client(ingress=request.param, raise_errors=False).open


def test_chalices_fault_what_cannot_be_encoded_fails_outside_the_error_handlers(app: App, ask: Ask) -> None:
    @app.errorhandler(500)
    def failed(error: Any) -> tuple[dict[str, str], int]:
        return {"failed": type(error.original_exception).__name__}, 503

    @app.get("/known")
    async def known() -> dict[str, Any]:
        return {"id": uuid.UUID(int=1), "on": datetime.date(2026, 1, 2), "tags": {"a"}}

    @app.get("/unknown")
    async def unknown() -> Any:
        return {"thing": object()}

    @app.get("/broken")
    async def broken() -> Any:
        raise LookupError

    told = [(answer.status_code, answer.get_json()) for answer in map(ask, ("/known", "/unknown", "/broken"))]

    assert told == [
        (200, {"id": "00000000-0000-0000-0000-000000000001", "on": "2026-01-02", "tags": ["a"]}),
        (503, {"failed": "EncodingError"}),
        (503, {"failed": "LookupError"}),
    ]


def test_chalices_fault_captures_leak_into_another_route(app: App, ask: Ask) -> None:
    @app.get("/<first>/<second>/end")
    @app.get("/<path:whole>")
    @app.get("/fixed/<only>")
    def captured(**captures: str) -> dict[str, Any]:
        assert request.view_args == captures
        return captures

    @app.get("/plain")
    def plain() -> Any:
        return {"uri_params": request.uri_params, "view_args": request.view_args}

    paths = ("/a/b/end", "/plain", "/a/b/c", "/fixed/b", "/fixed/b/end", "/fixed/b/c", "/plain")
    told = [ask(path).get_json() for path in paths]

    nothing: dict[str, Any] = {"uri_params": None, "view_args": {}}
    assert told == [
        {"first": "a", "second": "b"},
        nothing,
        {"whole": "a/b/c"},
        {"only": "b"},
        {"first": "fixed", "second": "b"},
        {"whole": "fixed/b/c"},
        nothing,
    ]


def test_azures_fault_paths_beyond_ascii_are_garbled(app: App, ask: Ask) -> None:
    app.get("/<path:name>")(lambda name: [name, request.path])

    assert ask("/caf%C3%A9/%E2%82%AC").get_json() == ["café/€", "/café/€"]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_azures_fault_an_answer_of_the_500s_is_an_error(app: App, ask: Ask, status: int) -> None:
    app.get("/returned")(lambda: ({"told": status}, status))
    app.get("/raised")(lambda: abort(status, "later", headers={"Retry-After": "9"}))

    returned, raised = ask("/returned"), ask("/raised")

    assert (returned.status_code, returned.get_json()) == (status, {"told": status})
    assert (raised.status_code, raised.headers["Retry-After"]) == (status, "9")
    assert raised.get_json()["detail"] == "later"
