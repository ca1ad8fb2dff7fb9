"""The ingress function-url, planned: a URL of the alias, and what lets everybody call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from microlambda import App, IAMAuthorizer
from microlambda.plan.kinds import KINDS
from microlambda.plan.plan import Plan
from microlambda.plan.records import Function, FunctionUrl, Permission
from microlambda.plan.view import as_data, summary, title
from tests.plan.everything import without_authorizers
from tests.plan.planning import plan_in

URL = 'ingress = "function-url"'


@pytest.fixture
def shop() -> App:
    app = App("shop")
    app.get("/")(lambda: "hello")
    return app


@pytest.fixture
def planned(tmp_path: Path, shop: App) -> Plan:
    return plan_in(tmp_path, shop, URL)


def test_the_url_is_the_aliass_and_open_and_answers_as_a_whole(planned: Plan) -> None:
    (url,) = (one for one in planned.records if isinstance(one, FunctionUrl))

    assert (url.key, url.function_name, url.address) == ("http", "shop-dev-http", "shop-dev-http")
    assert (url.alias.kind, url.alias.key) == ("alias", "http")
    assert (url.auth_type, url.invoke_mode) == ("NONE", "BUFFERED")


def test_everybody_may_call_the_url_and_through_it_the_function(planned: Plan) -> None:
    through, invoke = (one for one in planned.records if isinstance(one, Permission))

    assert (through.name, through.action) == ("microlambda-function-url", "lambda:InvokeFunctionUrl")
    assert (through.principal, through.url_auth_type, through.via_url) == ("*", "NONE", False)
    assert (invoke.name, invoke.action) == ("microlambda-function-url-invoke", "lambda:InvokeFunction")
    assert (invoke.principal, invoke.url_auth_type, invoke.via_url) == ("*", None, True)
    assert through.source is invoke.source is None


def test_a_url_of_protected_views_asks_for_signatures_of_this_account(tmp_path: Path) -> None:
    app = App("shop")
    app.get("/", authorizer=IAMAuthorizer())(lambda: "hello")

    through, invoke, url = plan_in(tmp_path, app, URL).records[-3:]

    assert isinstance(through, Permission)
    assert isinstance(invoke, Permission)
    assert isinstance(url, FunctionUrl)
    assert str(through.principal) == str(invoke.principal) == "${account}"
    assert (through.url_auth_type, invoke.via_url, url.auth_type) == ("AWS_IAM", True, "AWS_IAM")
    assert summary(url) == ("open to callers of this account",)
    assert as_data(through)["principal"] == "${account}"


def test_the_records_are_in_the_order_of_creation_and_no_api_is_among_them(planned: Plan) -> None:
    kinds = [record.kind for record in planned.records]

    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert kinds[-3:] == ["permission", "permission", "function-url"]
    assert "http-api" not in kinds


def test_no_two_records_of_one_kind_have_one_key_or_address(tmp_path: Path) -> None:
    records = plan_in(tmp_path, without_authorizers(), URL).records

    assert len({(one.kind, one.key) for one in records}) == len(records)
    assert len({(one.kind, one.address) for one in records}) == len(records)


def test_a_url_waits_as_long_as_the_function_may_run(tmp_path: Path, shop: App) -> None:
    made = plan_in(tmp_path, shop, f"{URL}\ntimeout = 900")

    assert [one.timeout for one in made.records if isinstance(one, Function)] == [900]


def test_an_app_without_routes_has_no_url(tmp_path: Path) -> None:
    app = App("shop")
    app.task(name="resize")(lambda: None)

    assert plan_in(tmp_path, app, URL).of_kind("function-url") == ()


def test_a_plan_shows_the_url_as_open(planned: Plan) -> None:
    (url,) = planned.of_kind("function-url")

    assert (title(url), summary(url)) == ("URL of shop-dev-http", ("open to the internet",))
    assert as_data(url) == {
        "kind": "function-url",
        "key": "http",
        "name": "shop-dev-http",
        "alias": "${alias.http.arn}",
        "function_name": "shop-dev-http",
        "auth_type": "NONE",
        "invoke_mode": "BUFFERED",
    }
