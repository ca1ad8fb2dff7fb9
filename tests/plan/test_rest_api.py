"""The ingress "rest-api" in the plan: paths, stage, endpoint, the gateway's own answers, the permission."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from microlambda import CORS, App
from microlambda.plan.compile import compile_plan
from microlambda.plan.names import rest_stage_name
from microlambda.plan.records import Permission, Ref, RestApi
from microlambda.plan.view import as_data, summary, title
from microlambda.project.settings import load_settings
from tests.plan.planning import PIECES, plan_in

REST = 'ingress = "rest-api"\n'


@pytest.fixture
def shop() -> App:
    app = App("shop")
    app.get("/")(lambda: "hello")
    return app


def planned(folder: Path, app: App, text: str = "") -> RestApi:
    (record,) = plan_in(folder, app, REST + text).of_kind("rest-api")
    assert isinstance(record, RestApi)
    return record


def test_everything_goes_to_the_alias(tmp_path: Path, shop: App) -> None:
    record = planned(tmp_path, shop)

    assert record.target == Ref(kind="alias", key="http")
    assert record.resources == {"/": {}, "/{proxy+}": {}}
    assert record.binary_types == ("*/*",)
    assert (record.name, record.stage, record.timeout) == ("shop-dev", "dev", 29_000)
    assert record.tags == {"microlambda:id": "k3v9x2", "microlambda:app": "shop", "microlambda:stage": "dev"}


def test_it_may_call_the_alias_and_stands_in_the_place_of_an_http_api(tmp_path: Path, shop: App) -> None:
    plan = plan_in(tmp_path, shop, REST)

    (permission,) = plan.of_kind("permission")
    assert isinstance(permission, Permission)
    assert (permission.name, permission.principal) == ("microlambda-rest-api", "apigateway.amazonaws.com")
    assert permission.source == Ref(kind="rest-api", key="http", attribute="source_arn")
    assert plan.of_kind("http-api") == ()


def test_an_app_without_routes_has_none(tmp_path: Path) -> None:
    app = App("shop")
    app.schedule("rate(1 day)", name="tidy")(lambda event: None)

    assert plan_in(tmp_path, app, REST).of_kind("rest-api") == ()


@pytest.mark.parametrize(
    ("text", "endpoint_type"),
    [("", "REGIONAL"), ('endpoint_type = "regional"', "REGIONAL"), ('endpoint_type = "edge"', "EDGE")],
)
def test_it_is_entered_in_its_region_unless_the_settings_say_at_the_edge(
    tmp_path: Path, shop: App, text: str, endpoint_type: str
) -> None:
    record = planned(tmp_path, shop, text)

    assert record.endpoint_type == endpoint_type
    assert title(record) == "REST API shop-dev"
    assert summary(record) == ("open to the internet", endpoint_type.lower())
    assert as_data(record)["target"] == "${alias.http.arn}"


@pytest.mark.parametrize(
    ("stage", "name"),
    [("dev", "dev"), ("pre-prod", "pre_prod"), ("pre_prod", "pre_prod"), ("v-" * 80, "v_" * 64)],
)
def test_a_stage_is_named_as_api_gateway_takes_it(stage: str, name: str) -> None:
    assert rest_stage_name(stage) == name
    assert re.fullmatch(r"[A-Za-z0-9_]{1,128}", name)


def test_a_stage_with_a_hyphen_keeps_it_everywhere_else(tmp_path: Path, shop: App) -> None:
    (tmp_path / "microlambda.toml").write_text(f"{REST}[stages.pre-prod]")
    settings = replace(load_settings(tmp_path, "pre-prod"), region="eu-west-1")

    plan = compile_plan(shop, settings, app_path="app:app", pieces=PIECES, environ={})

    (record,) = plan.of_kind("rest-api")
    assert isinstance(record, RestApi)
    assert (record.stage, record.name) == ("pre_prod", "shop-pre-prod")
    assert record.tags["microlambda:stage"] == "pre-prod"


ALLOW = "gatewayresponse.header.Access-Control-Allow-Origin"
WITH = "gatewayresponse.header.Access-Control-Allow-Credentials"
EXPOSE = "gatewayresponse.header.Access-Control-Expose-Headers"

POLICIES = [
    pytest.param(CORS(), {ALLOW: "'*'"}, id="any"),
    pytest.param(CORS("https://Shop.example:443"), {ALLOW: "'https://shop.example'"}, id="one"),
    pytest.param(
        CORS("https://shop.example", credentials=True),
        {ALLOW: "'https://shop.example'", WITH: "'true'"},
        id="one-with-credentials",
    ),
    pytest.param(CORS(["https://a.example", "https://b.example"]), {ALLOW: "'*'"}, id="several"),
    pytest.param(
        CORS(["https://a.example", "https://b.example"], credentials=True), {ALLOW: "'*'"}, id="credentials"
    ),
    pytest.param(CORS("https://*.shop.example"), {ALLOW: "'*'"}, id="subdomains"),
    pytest.param(CORS(re.compile(r"https://\w+\.example")), {ALLOW: "'*'"}, id="pattern"),
    pytest.param(CORS(["*", "https://a.example"]), {ALLOW: "'*'"}, id="any-and-one"),
    pytest.param(
        CORS(expose=["X-One", "X'Quoted", "X-Two"]), {ALLOW: "'*'", EXPOSE: "'X-One, X-Two'"}, id="expose"
    ),
]


@pytest.mark.parametrize(("cors", "parameters"), POLICIES)
def test_the_gateways_own_answers_carry_what_can_be_said_of_the_apps_cors(
    tmp_path: Path, shop: App, cors: CORS, parameters: dict[str, str]
) -> None:
    shop.cors = cors

    assert planned(tmp_path, shop).answers == {"DEFAULT_4XX": parameters, "DEFAULT_5XX": parameters}


def test_without_cors_they_are_left_to_the_gateway(tmp_path: Path, shop: App) -> None:
    shop.get("/public", cors=True)(lambda: "for everybody")

    assert planned(tmp_path, shop).answers == {}
