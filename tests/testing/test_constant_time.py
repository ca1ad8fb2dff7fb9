"""What callers send as a credential is compared in a time that says nothing: by `hmac.compare_digest`."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from werkzeug.test import Client

from microlambda import App, IAMAuthorizer
from microlambda.local.control import Control


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[set[Any]]:
    """Give the pairs that are compared while the test runs."""
    pairs: list[set[Any]] = []
    compare = hmac.compare_digest

    def noted(one: Any, other: Any) -> bool:
        pairs.append({one, other})
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    return pairs


def test_an_api_key_is_compared_with_each_of_the_keys(compared: list[set[Any]]) -> None:
    app = App("shop")
    app.get("/partners", api_key_required=True)(lambda: "in")
    client = app.test_client(ingress="rest-api", api_keys=["the first key", "the other key"])

    assert client.get("/partners", headers={"X-Api-Key": "the first kex"}).status_code == 403
    assert compared == [{b"the first kex", b"the first key"}, {b"the first kex", b"the other key"}]
    assert client.get("/partners", headers={"X-Api-Key": "the first key"}).status_code == 200
    assert compared[3] == {b"the first key", b"the other key"}  # also where the first one is right


def test_a_signature_is_compared_with_the_one_that_would_be_right(compared: list[set[Any]]) -> None:
    app = App("shop")
    app.get("/admin", authorizer=IAMAuthorizer())(lambda: "in")

    assert app.test_client().signed().get("/admin").status_code == 200
    assert [pair for pair in compared if {len(one) for one in pair} == {64}]  # of hexadecimal digits


def test_the_token_of_a_local_server_is_compared(compared: list[set[Any]]) -> None:
    control = Control(called, called, called)  # type: ignore[arg-type]  # nothing is called
    sent = "x" * len(control.token)

    answer = Client(control).post(
        "/_microlambda/invoke/echo",
        headers={"X-Microlambda-Token": sent, "Host": "127.0.0.1"},
        environ_overrides={"REMOTE_ADDR": "127.0.0.1"},
    )

    assert answer.status_code == 401
    assert compared == [{sent.encode(), control.token.encode()}]


def called(*_arguments: object) -> Any:
    raise AssertionError("a caller without the token reached it")
