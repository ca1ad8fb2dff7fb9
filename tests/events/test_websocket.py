"""`@app.on_ws_connect`, `on_ws_message` and `on_ws_disconnect`; Powertools reads what we build."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.api_gateway_websocket_event import (
    APIGatewayWebSocketEvent as PowertoolsEvent,
)

from microlambda import (
    App,
    Blueprint,
    Forbidden,
    HTTPException,
    OutsideRequest,
    RegistrationError,
    Response,
    Unauthorized,
    UnknownEvent,
    WebSocketEvent,
    WrongAnswer,
    abort,
    request,
)
from microlambda.emulator.events.websocket import build

SENT = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_each_event_reaches_the_handler_of_its_route(app: App, is_bound: bool) -> None:
    seen: list[tuple[str, str, str]] = []

    def note(name: str) -> Any:
        return lambda event: seen.append((name, event.event_type, event.route_key))

    app.on_ws_connect(name="connect")(note("connect"))
    app.on_ws_message(name="default")(note("default"))
    app.on_ws_message("chat", name="chat")(note("chat"))
    app.on_ws_disconnect(name="disconnect")(note("disconnect"))

    events = {
        "connect": build("CONNECT"),
        "default": build("MESSAGE"),
        "chat": build("MESSAGE", route_key="chat"),
        "disconnect": build("DISCONNECT"),
    }
    results = [(app.handler(name) if is_bound else app)(event, None) for name, event in events.items()]

    assert results == [{"statusCode": 200}] * 4
    assert seen == [
        ("connect", "CONNECT", "$connect"),
        ("default", "MESSAGE", "$default"),
        ("chat", "MESSAGE", "chat"),
        ("disconnect", "DISCONNECT", "$disconnect"),
    ]


@pytest.mark.parametrize("event_type", ["CONNECT", "MESSAGE", "DISCONNECT"])
def test_powertools_reads_every_event_and_reads_the_same_as_we(event_type: str) -> None:
    raw = build(
        event_type,
        body={"action": "chat", "text": "Zoë"},
        connection_id="L0SM9cOFvHcCIhw=",
        headers={"Cookie": "a=1", "X-Kind": ["x", "y"]},
        query={"room": "7"},
        stage="prod",
        time=SENT,
    )

    ours, theirs = WebSocketEvent(raw), PowertoolsEvent(raw)
    context = theirs.request_context
    assert ours.connection_id == context.connection_id == "L0SM9cOFvHcCIhw="
    assert ours.event_type == context.event_type == event_type
    assert ours.route_key == context.route_key
    assert ours.domain_name == context.domain_name == "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
    assert ours.stage == context.stage == "prod"
    assert ours.api_id == context.api_id
    assert ours.source_ip == context.identity.source_ip
    assert ours.message_id == context.message_id
    assert ours.request_id == context.request_id == context.extended_request_id
    assert ours.disconnect_status_code == context.disconnect_status_code
    assert ours.disconnect_reason == context.disconnect_reason
    assert ours.connected_at.timestamp() * 1000 == context.connected_at
    assert context.request_time_epoch == SENT.timestamp() * 1000
    assert (context.message_direction, context.request_time) == ("IN", "24/Nov/2026:10:00:00 +0000")
    if event_type == "MESSAGE":
        assert (ours.body, ours.json()) == (theirs.decoded_body, theirs.json_body)
        assert ours.json_body == {"action": "chat", "text": "Zoë"}
    else:
        assert ours.body is theirs.body is None
    if event_type == "CONNECT":
        assert ours.connected_at == SENT
        assert theirs.headers["x-kind"] == "y"
        assert theirs.multi_value_headers["x-kind"] == ["x", "y"]
        assert theirs.query_string_parameters == {"room": "7"}
        assert theirs.multi_value_query_string_parameters == {"room": ["7"]}


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        pytest.param("héllo", "héllo", id="text"),
        pytest.param("", "", id="empty"),
        pytest.param(b"text", "text", id="bytes that are text"),
        pytest.param(b"\x00\xff", b"\x00\xff", id="bytes"),
        pytest.param(None, "null", id="JSON"),
    ],
)
def test_a_message_comes_as_it_was_sent(sent: Any, body: Any) -> None:
    assert WebSocketEvent(build("MESSAGE", body=sent)).body == body


@pytest.mark.parametrize("body", ["no json", ""])
def test_a_message_that_is_no_json_is_a_value_error(body: str) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        WebSocketEvent(build("MESSAGE", body=body)).json()


def test_parts_that_are_absent_are_empty() -> None:
    event = WebSocketEvent(build("MESSAGE"))

    assert (event.authorizer, event.request, event.disconnect_reason) == ({}, None, None)


def test_the_authorizer_speaks_in_every_event(app: App) -> None:
    @app.on_ws_message()
    def say(event: WebSocketEvent) -> Any:
        return event.authorizer["principalId"]

    raw = build("MESSAGE")
    raw["requestContext"]["authorizer"] = {"principalId": "zoe"}

    assert app(raw, None)["body"] == "zoe"


# The handshake ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "root"),
    [
        pytest.param(None, "/prod", id="execute-api: the stage is in the URL"),
        pytest.param("ws.example.com", "", id="a custom domain"),
    ],
)
def test_the_handshake_is_a_request(app: App, lambda_context: Any, domain: str | None, root: str) -> None:
    seen: dict[str, Any] = {}

    @app.on_ws_connect()
    def connect(event: WebSocketEvent) -> None:
        assert event.request is not None
        seen.update(method=request.method, path=request.path, root=request.root_path)
        seen.update(header=request.headers["x-room"], kinds=request.headers.getlist("X-Kind"))
        seen.update(rooms=request.args.getlist("room"), cookie=request.cookies["sid"])
        seen.update(address=request.remote_addr, body=request.data, context=request.lambda_context)
        seen.update(same=event.request.event is event.raw, current=app.current_request.method)

    raw = build(
        "CONNECT",
        headers={"X-Room": "tea", "X-Kind": ["x", "y"], "Cookie": "sid=7"},
        query={"room": ["1", "2 3"]},
        stage="prod",
        domain_name=domain,
    )
    app(raw, lambda_context)

    assert seen == {
        "method": "GET",
        "path": "/",
        "root": root,
        "header": "tea",
        "kinds": ["x", "y"],
        "rooms": ["1", "2 3"],
        "cookie": "7",
        "address": "203.0.113.7",
        "body": b"",
        "context": lambda_context,
        "same": True,
        "current": "GET",
    }


@pytest.mark.parametrize("event_type", ["MESSAGE", "DISCONNECT"])
def test_later_events_have_no_request(app: App, event_type: str) -> None:
    def handle(event: WebSocketEvent) -> None:
        assert event.request is None
        with pytest.raises(OutsideRequest, match="handler of events"):
            _ = request.headers

    app.on_ws_message(name="message")(handle)
    app.on_ws_disconnect(name="end")(handle)

    assert app(build(event_type), None) == {"statusCode": 200}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(Unauthorized("who are you?"), 401, id="401"),
        pytest.param(Forbidden("not you"), 403, id="403"),
        pytest.param(HTTPException("tea", status_code=418), 418, id="another"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_an_http_error_refuses_the_client(
    app: App, error: HTTPException, status: int, is_bound: bool
) -> None:
    @app.on_ws_connect()
    def connect(event: WebSocketEvent) -> None:
        raise error

    result = (app.handler("connect") if is_bound else app)(build("CONNECT"), None)

    assert result["statusCode"] == status
    assert result["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(result["body"])["detail"] == error.detail


def test_what_abort_is_given_is_the_answer(app: App) -> None:
    @app.on_ws_connect()
    async def connect(event: WebSocketEvent) -> None:
        abort(Response("full", status_code=503, headers={"Retry-After": "5"}))

    result = app(build("CONNECT"), None)

    assert (result["statusCode"], result["body"]) == (503, "full")
    assert result["headers"]["Retry-After"] == "5"


def test_an_http_error_of_middleware_refuses_the_client(app: App) -> None:
    @app.middleware("websocket")
    def guard(event: WebSocketEvent, get_response: Any) -> Any:
        raise Forbidden("not here")

    @app.on_ws_connect()
    def connect(event: WebSocketEvent) -> None: ...

    assert app(build("CONNECT"), None)["statusCode"] == 403


def test_any_other_error_fails_the_invocation(app: App) -> None:
    @app.on_ws_connect()
    def connect(event: WebSocketEvent) -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        app(build("CONNECT"), None)


@pytest.mark.parametrize("event_type", ["MESSAGE", "DISCONNECT"])
def test_later_there_is_nobody_to_refuse(app: App, event_type: str) -> None:
    def handle(event: WebSocketEvent) -> None:
        raise Forbidden("too late")

    app.on_ws_message(name="message")(handle)
    app.on_ws_disconnect(name="end")(handle)

    with pytest.raises(Forbidden, match="too late"):
        app(build(event_type), None)


def test_an_http_error_in_a_handler_of_another_source_still_fails_the_invocation(app: App) -> None:
    from microlambda.emulator.events.sqs import build as build_sqs

    app.on_sqs_message(queue="orders", name="orders")(lambda event: abort(403))

    with pytest.raises(Forbidden):
        app(build_sqs("orders", ["a"]), None)


# Answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, {"statusCode": 200}, id="nothing"),
        pytest.param(
            "hello",
            {"statusCode": 200, "headers": {"Content-Type": "text/html; charset=utf-8"}, "body": "hello"},
            id="text",
        ),
        pytest.param(
            {"a": [1]},
            {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": '{"a":[1]}'},
            id="a dict",
        ),
        pytest.param(
            [1],
            {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "[1]"},
            id="a list",
        ),
        pytest.param(
            ("no", 403, {"X-Why": "not you"}),
            {
                "statusCode": 403,
                "headers": {"X-Why": "not you", "Content-Type": "text/html; charset=utf-8"},
                "body": "no",
            },
            id="a tuple",
        ),
        pytest.param(
            b"\x00\xff",
            {
                "statusCode": 200,
                "headers": {"Content-Type": "application/octet-stream"},
                "body": "AP8=",
                "isBase64Encoded": True,
            },
            id="bytes",
        ),
        pytest.param(
            Response("", status_code=200, headers={"Sec-WebSocket-Protocol": "chat"}),
            {
                "statusCode": 200,
                "headers": {"Sec-WebSocket-Protocol": "chat", "Content-Type": "text/html; charset=utf-8"},
                "body": "",
            },
            id="a Response, with the protocol",
        ),
        pytest.param(
            Forbidden("no"),
            {
                "statusCode": 403,
                "headers": {"Content-Type": "application/problem+json"},
                "body": '{"type":"about:blank","title":"Forbidden","status":403,"detail":"no"}',
            },
            id="an error, returned",
        ),
    ],
)
@pytest.mark.parametrize("event_type", ["CONNECT", "MESSAGE"])
def test_a_handler_answers_what_a_view_may(app: App, event_type: str, value: Any, expected: Any) -> None:
    app.on_ws_connect(name="connect")(lambda event: value)
    app.on_ws_message(name="message")(lambda event: value)

    assert app(build(event_type), None) == expected


def test_a_response_that_is_a_constant_is_left_as_it_is(app: App) -> None:
    constant = Response({"a": 1})
    app.on_ws_message(name="message")(lambda event: constant)

    results = [app(build("MESSAGE"), None) for _ in range(2)]

    assert results[0] == results[1]
    assert list(constant.headers) == []


def test_pieces_are_joined_and_closed(app: App) -> None:
    closed: list[str] = []

    def pieces() -> Any:
        try:
            yield "a"
            yield "b"
        finally:
            closed.append("pieces")

    @app.on_ws_message()
    def say(event: WebSocketEvent) -> Any:
        response = Response(pieces(), mimetype="text/plain")
        response.call_on_close(lambda: closed.append("response"))
        return response

    result = app(build("MESSAGE"), None)

    assert (result["body"], closed) == ("ab", ["pieces", "response"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(7, "answered int", id="a number"),
        pytest.param({"a": object()}, "object", id="what JSON cannot hold"),
        pytest.param(("a", 99), "99", id="no status"),
    ],
)
def test_a_wrong_answer_names_the_handler(app: App, value: Any, words: str) -> None:
    app.on_ws_message(name="say")(lambda event: value)

    with pytest.raises(WrongAnswer) as caught:
        app(build("MESSAGE"), None)

    assert "'say'" in str(caught.value)
    assert words in str(caught.value)


# Declarations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route_key", "words"),
    [
        pytest.param("$connect", ["@app.on_ws_connect()"], id="connect"),
        pytest.param("$disconnect", ["@app.on_ws_disconnect()"], id="disconnect"),
        pytest.param("$chat", ["'$default'"], id="a reserved key"),
        pytest.param("", ["route_key=''"], id="empty"),
        pytest.param(7, ["route_key=7"], id="no str"),
    ],
)
def test_a_wrong_route_key_is_an_error_in_the_decorators_own_words(
    app: App, route_key: Any, words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_ws_message(route_key)

    assert "on_ws_message(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_key_with_marks_in_it_is_a_key(app: App) -> None:
    app.on_ws_message("rooms/v1.join-me_now", name="join")(lambda event: "in")

    assert app(build("MESSAGE", route_key="rooms/v1.join-me_now"), None)["body"] == "in"


@pytest.mark.parametrize(
    ("declare", "what"),
    [
        pytest.param(lambda app: app.on_ws_connect, r"the route '\$connect'", id="connect"),
        pytest.param(lambda app: app.on_ws_disconnect, r"the route '\$disconnect'", id="disconnect"),
        pytest.param(lambda app: app.on_ws_message, r"the route key '\$default'", id="message"),
    ],
)
def test_two_handlers_of_one_route_are_refused(app: App, declare: Any, what: str) -> None:
    declare(app)(name="first")(lambda event: None)

    with pytest.raises(RegistrationError, match=rf"would both get the \w+ of {what}"):
        declare(app)(name="second")(lambda event: None)


def test_a_route_that_nobody_handles_is_an_error_that_names_what_is_declared(app: App) -> None:
    @app.on_ws_connect()
    def connect(event: WebSocketEvent) -> None: ...

    @app.on_ws_message("chat")
    def chat(event: WebSocketEvent) -> None: ...

    with pytest.raises(UnknownEvent) as caught:
        app(build("MESSAGE", route_key="other"), None)
    with pytest.raises(UnknownEvent, match=r"websocket \(\$default\).*on_ws_message\(route_key='chat'\)"):
        app.handler("chat")(build("MESSAGE"), None)

    assert "'connect', @app.on_ws_connect()" in str(caught.value)
    assert "'chat', @app.on_ws_message(route_key='chat')" in str(caught.value)


def test_a_blueprints_handler_is_found(app: App) -> None:
    chat = Blueprint("chat")
    chat.on_ws_message("say", name="say")(lambda event: "said")
    app.register_blueprint(chat)

    assert app(build("MESSAGE", route_key="say"), None)["body"] == "said"


@pytest.mark.parametrize("event_type", ["CONNECT", "MESSAGE", "DISCONNECT"])
def test_what_it_is_called_in_a_log_holds_nothing_of_its_content(event_type: str) -> None:
    event = WebSocketEvent(
        build(event_type, body="s3cret", connection_id="c=", headers={"Authorization": "s3cret"})
    )

    assert str(event) == f"<WebSocketEvent {event_type} {event.route_key!r} of 'c='>"


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        pytest.param("CONNECT", None, id="connect"),
        pytest.param("MESSAGE", {"a": 1}, id="message"),
        pytest.param("DISCONNECT", {"statusCode": 1000, "reason": ""}, id="disconnect"),
    ],
)
def test_a_cloudevent_is_of_the_connection(event_type: str, data: Any) -> None:
    raw = build(event_type, body={"a": 1}, connection_id="c=", domain_name="ws.example.com", time=SENT)

    document = WebSocketEvent(raw).to_cloudevent()

    assert document["id"] == raw["requestContext"]["requestId"]
    assert document["type"] == f"com.amazonaws.apigateway.websocket.{event_type.lower()}"
    assert (document["source"], document["subject"]) == ("wss://ws.example.com/dev", "c=")
    assert document["time"] == "2026-11-24T10:00:00.123000Z"
    assert document.get("data") == data


def test_the_builder_refuses_what_a_websocket_api_does_not_send() -> None:
    with pytest.raises(ValueError, match="CONNECT, MESSAGE, DISCONNECT"):
        build("PING")
