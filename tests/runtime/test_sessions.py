"""`session`, with Flask on the other side of the cookie."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import pytest
from flask.sessions import SecureCookieSessionInterface
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup

from microlambda import App, OutsideRequest, session
from microlambda.runtime.errors import ConfigurationError, EncodingError
from microlambda.runtime.session_json import SessionJSON
from microlambda.testing.client import TestClient

KEY = "a long random value"

Act = Callable[[Any], Any]


def served(act: Act, app: App, proxy: Any = session) -> TestClient:
    """A client of an app whose view does something with the session."""
    app.secret_key = app.secret_key or KEY

    @app.get("/")
    def view() -> str:
        return repr(act(proxy))

    return app.test_client()


def of_flask(act: Act, **config: Any) -> Any:
    """The same view in Flask."""
    app = flask.Flask("shop")
    app.config.update(SECRET_KEY=KEY, TESTING=True, **config)

    @app.get("/")
    def view() -> str:
        return repr(act(flask.session))

    return app.test_client()


def flasks_serializer(*keys: str) -> URLSafeTimedSerializer:
    app = flask.Flask("shop")
    app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"] = keys[-1], list(keys[:-1])
    made = SecureCookieSessionInterface().get_signing_serializer(app)
    assert made is not None
    return made


def cookie(client: TestClient) -> str | None:
    kept = client.get_cookie("session")
    return None if kept is None else kept.value


# What can be in it ------------------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda one: one.replace(microsecond=0, tzinfo=UTC))
    | st.text().map(Markup)
)
KEYS = st.text() | st.sampled_from([" t", " b", " di", " d", " m", " u", " t__"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES))
def test_flask_reads_what_we_write_and_we_what_flask_writes(values: dict[str, Any]) -> None:
    theirs = flask.sessions.session_json_serializer

    assert theirs.loads(SessionJSON.dumps(values)) == values
    assert SessionJSON.loads(theirs.dumps(values)) == values


def test_types_come_back_as_they_were() -> None:
    moment = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
    values = {"t": (1, (2,)), "b": b"\x00\xff", "u": uuid.uuid4(), "d": moment, "m": Markup("<b>"), "l": [()]}

    read = SessionJSON.loads(SessionJSON.dumps(values))

    assert read == values
    assert {key: type(one) for key, one in read.items()} == {key: type(one) for key, one in values.items()}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {1, 2}}, r"session\['a'\] is set, which the session cannot keep"),
        ({"a": [0, {"b": object()}]}, r"session\['a'\]\[1\]\['b'\] is object, which"),
        ({"a": {1: 2}}, r"session\['a'\] has the key 1, and keys of JSON are str"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_place(value: dict[str, Any], message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        SessionJSON.dumps(value)


# The cookie -------------------------------------------------------------------------------------------


def test_it_is_remembered_from_one_request_to_the_next(app: App) -> None:
    def count(session: Any) -> Any:
        session["count"] = session.get("count", 0) + 1
        return session["count"]

    client = served(count, app)

    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_the_cookie_is_read_by_flask_and_flasks_by_us(app: App) -> None:
    def show(session: Any) -> Any:
        session["seen"] = session.get("seen", 0) + 1
        return dict(session)

    ours, theirs = served(show, app), of_flask(show)

    ours.get("/")
    theirs.set_cookie("session", cookie(ours) or "")
    assert theirs.get("/").text == "{'seen': 2}"
    sent = theirs.get_cookie("session")
    ours.set_cookie("session", sent.value)
    assert ours.get("/").text == "{'seen': 3}"


ACTS: dict[str, list[Act]] = {
    "untouched": [lambda _session: None],
    "read": [lambda session: session.get("a")],
    "set": [lambda session: session.update(a=1)],
    "set and read": [lambda session: session.update(a=1), lambda session: session["a"]],
    "set the same": [lambda session: session.update(a=1), lambda session: session.update(a=1)],
    "inside": [lambda session: session.update(a=[]), lambda session: session["a"].append(1)],
    "inside and said": [
        lambda session: session.update(a=[]),
        lambda session: session["a"].append(1) or setattr(session, "modified", True),  # type: ignore[func-returns-value]
    ],
    "pop": [lambda session: session.update(a=1, b=2), lambda session: session.pop("a")],
    "pop nothing": [lambda session: session.update(a=1), lambda session: session.pop("b", None)],
    "pop the last": [lambda session: session.update(a=1), lambda session: session.pop("a")],
    "clear": [lambda session: session.update(a=1), lambda session: session.clear()],
    "clear what is new": [lambda session: session.clear()],
    "setdefault": [lambda session: session.setdefault("a", 1), lambda session: session.setdefault("a", 2)],
    "delete": [lambda session: session.update(a=1, b=2), lambda session: session.__delitem__("a")],
    "popitem": [lambda session: session.update(a=1, b=2), lambda session: session.popitem()],
    "permanent": [lambda session: setattr(session, "permanent", True), lambda session: session.permanent],
    "no longer permanent": [
        lambda session: session.update(a=1, _permanent=True),
        lambda session: setattr(session, "permanent", False),
    ],
    "in": [
        lambda session: session.update(a=1),
        lambda session: ("a" in session, list(session), len(session)),
    ],
    "truth": [
        lambda session: bool(session),
        lambda session: session.update(a=1),
        lambda session: bool(session),
    ],
}
CONFIGS: dict[str, dict[str, Any]] = {
    "default": {},
    "named": {"SESSION_COOKIE_NAME": "shop", "SESSION_COOKIE_PATH": "/", "SESSION_COOKIE_HTTPONLY": False},
    "strict": {"SESSION_COOKIE_SAMESITE": "Strict", "SESSION_COOKIE_DOMAIN": "localhost"},
    "not refreshed": {"SESSION_REFRESH_EACH_REQUEST": False, "PERMANENT_SESSION_LIFETIME": timedelta(days=1)},
}


def written(response: Any) -> tuple[str, bool, set[tuple[str, str]], str]:
    """The answer, whether a cookie is set, its attributes without the value and the moment, and Vary."""
    fields = [value for name, value in response.headers.items() if name.lower() == "set-cookie"]
    attributes = {
        (name.strip().lower(), "" if name.strip().lower() == "expires" and "1970" not in value else value)
        for field in fields
        for name, _, value in (part.partition("=") for part in field.split(";")[1:])
    }
    return response.text, bool(fields), attributes, response.headers.get("vary", "")


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("acts", ACTS)
def test_cookies_are_set_where_flask_sets_them(app: App, acts: str, config: str) -> None:
    given = {"SESSION_COOKIE_SECURE": False, "SESSION_COOKIE_SAMESITE": None, **CONFIGS[config]}
    step = [0]

    def act(session: Any) -> Any:
        return ACTS[acts][step[0]](session)

    app.config.update(given)
    ours, theirs = served(act, app), of_flask(act, **given)

    for number in range(len(ACTS[acts])):
        step[0] = number
        assert written(ours.get("/")) == written(theirs.get("/"))


def test_it_is_secure_http_only_and_lax_by_default(app: App) -> None:
    client = served(lambda session: session.update(a=1), app)

    field = client.get("/", base_url="https://shop.example.com").headers["set-cookie"]
    here = client.get("/", base_url="http://127.0.0.1:8000").headers["set-cookie"]
    elsewhere = client.get("/", base_url="http://shop.example.com").headers["set-cookie"]

    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {one.strip() for one in field.split(";")}
    assert "Secure" in elsewhere
    assert "Secure" not in here  # a browser would keep it from http://127.0.0.1


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]", "[::1]:8000"])
def test_this_machine_gets_it_without_https_whatever_the_port(app: App, host: str) -> None:
    client = served(lambda session: session.update(a=1), app)

    assert "Secure" not in client.get("/", base_url=f"http://{host}").headers["set-cookie"]
    assert "Secure" in client.get("/", base_url=f"https://{host}").headers["set-cookie"]


def test_nothing_is_loaded_and_nothing_sent_where_nobody_looks(app: App) -> None:
    @app.get("/plain")
    def plain() -> str:
        return "plain"

    served(lambda session: session.update(a=1), app)

    headers = app.test_client().get("/plain").headers

    assert "set-cookie" not in headers
    assert "vary" not in headers


LOADED = """
import json, sys
from microlambda import App, session

app = App("shop")
app.secret_key = "a long random value"
app.get("/plain")(lambda: "plain")
app.get("/seen")(lambda: {"seen": session.get("seen")})

def ask(path):
    event = json.loads(sys.stdin.readline())
    event.update(rawPath=path, cookies=["session=forged"])
    event["requestContext"]["http"]["path"] = path
    assert app(event, None)["statusCode"] == 200
    return "itsdangerous" in sys.modules

print([ask("/plain"), ask("/seen")])
"""


def test_what_signs_is_loaded_with_the_first_session_that_is_looked_into(app: App) -> None:
    app.get("/plain")(lambda: "plain")
    event = json.dumps(app.test_client().get("/plain").event)

    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        input=f"{event}\n{event}\n",
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[False, True]\n"


def test_what_an_error_leaves_behind_is_kept(app: App) -> None:
    def fail(session: Any) -> Any:
        session["tried"] = True
        raise ValueError("on purpose")

    client = served(fail, app)
    client.raise_errors = False

    response = client.get("/")

    assert (response.status_code, flasks_serializer(KEY).loads(cookie(client) or "")) == (
        500,
        {"tried": True},
    )


def test_hooks_see_it_and_what_the_last_of_them_writes_is_sent(app: App) -> None:
    @app.before_request
    def before() -> None:
        session["before"] = 1

    @app.after_request
    def after(response: Any) -> Any:
        session["after"] = 2
        return response

    client = served(lambda session: session.update(view=3), app)
    client.get("/")

    assert flasks_serializer(KEY).loads(cookie(client) or "") == {"before": 1, "view": 3, "after": 2}


# Keys -------------------------------------------------------------------------------------------------


def test_an_older_key_is_read_and_the_new_one_signs(app: App) -> None:
    app.secret_key = "new"
    app.config["SECRET_KEY_FALLBACKS"] = ["oldest", "old"]
    client = served(lambda session: session.setdefault("a", 1) and session.update(b=2), app)

    for key in ("oldest", "old", "new"):
        client.set_cookie("session", str(flasks_serializer(key).dumps({"a": 7})))
        client.get("/")
        assert flasks_serializer("new").loads(cookie(client) or "") == {"a": 7, "b": 2}


def test_a_key_may_be_asked_for_when_it_is_needed(app: App) -> None:
    asked: list[str] = []

    def key() -> str:
        asked.append("key")
        return KEY

    app.secret_key = key
    client = served(lambda session: session.update(a=1), app)
    assert asked == []

    client.get("/")

    assert asked
    assert flasks_serializer(KEY).loads(cookie(client) or "") == {"a": 1}


def signed_by_nothing(held: dict[str, Any]) -> str:
    """A cookie as Flask would sign it with an empty key, which anybody has."""
    made = flasks_serializer("any")
    made.secret_keys = [b""]
    return str(made.dumps(held))


@pytest.mark.parametrize("empty", ["", None, b"", str], ids=["text", "none", "bytes", "asked-for"])
def test_an_older_key_that_is_empty_is_none(app: App, empty: Any) -> None:
    app.config["SECRET_KEY_FALLBACKS"] = [empty]
    client = served(lambda session: session.setdefault("b", 1), app)
    client.set_cookie("session", signed_by_nothing({"a": 7}))

    client.get("/")

    assert flasks_serializer(KEY).loads(cookie(client) or "") == {"b": 1}


def test_a_key_that_is_empty_when_it_is_asked_for_reads_and_signs_nothing(app: App) -> None:
    app.secret_key = str
    app.config["SECRET_KEY_FALLBACKS"] = [KEY]
    seen: list[dict[str, Any]] = []

    def view(session: Any) -> None:
        seen.append(dict(session))
        session["b"] = 1

    client = served(view, app)
    client.set_cookie("session", signed_by_nothing({"a": 7}))

    with pytest.raises(ConfigurationError, match="nothing signs it: set app.secret_key"):
        client.get("/")
    assert seen == [{}]


FORGED = {
    "another key": str(flasks_serializer("another").dumps({"a": 7})),
    "another salt": str(URLSafeTimedSerializer(KEY, salt="other").dumps({"a": 7})),
    "no signature": "eyJhIjo3fQ",
    "changed": str(flasks_serializer(KEY).dumps({"a": 7})).replace("e", "f", 1),
    "rubbish": "....",
    "empty": "",
    "not JSON": str(flasks_serializer(KEY).make_signer(b"cookie-session").sign("bm8").decode()),
    "a list": str(flasks_serializer(KEY).dumps([1, 2])),
}


@pytest.mark.parametrize("sent", FORGED.values(), ids=FORGED)
def test_what_is_not_signed_by_us_is_an_empty_session(app: App, sent: str) -> None:
    client = served(dict, app)
    client.set_cookie("session", sent)

    assert client.get("/").text == "{}"


def test_a_session_that_is_too_old_is_empty(app: App) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    client = served(dict, app)
    signer = flasks_serializer(KEY)
    for age, text in ((30, "{'a': 7}"), (90, "{}")):
        moment = int(datetime.now(UTC).timestamp()) - age
        maker: Any = signer.make_signer("cookie-session")
        maker.get_timestamp = lambda moment=moment: moment
        client.set_cookie("session", maker.sign(signer.dump_payload({"a": 7})).decode())

        assert client.get("/").text == text


def test_the_key_may_stand_in_the_config_as_in_flask(app: App) -> None:
    app.config["SECRET_KEY"] = KEY

    @app.get("/")
    def index() -> str:
        session["a"] = 1
        return ""

    client = app.test_client()
    client.get("/")

    assert flasks_serializer(KEY).loads(cookie(client) or "") == {"a": 1}


def test_without_a_key_it_is_empty_and_cannot_be_written(app: App) -> None:
    @app.get("/read")
    def read() -> str:
        return repr((session.get("a"), dict(session)))

    @app.get("/write")
    def write() -> str:
        session["a"] = 1
        return ""

    client = app.test_client()
    client.set_cookie("session", "whatever")

    assert client.get("/read").text == "(None, {})"
    with pytest.raises(ConfigurationError, match="nothing signs it: set app.secret_key"):
        client.get("/write")


def test_outside_of_a_request_there_is_none(app: App) -> None:
    with pytest.raises(OutsideRequest, match="session was read where no request is being answered"):
        session["a"]

    @app.lambda_function()
    def work(event: Any, context: Any) -> Any:
        return session.get("a")

    with pytest.raises(OutsideRequest, match="session was read in a handler of events"):
        app.test_client().invoke("work")
