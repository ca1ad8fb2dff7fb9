"""API keys in the embedded cloud: resources matched as by API Gateway, keys let in as usage plans say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.gateway.guards import Guard
from microlambda.emulator.gateway.resources import Matched, Resources

from .accounts import REGION, Account
from .test_cloud_rest import Rest, fetch

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    said: list[str] = []
    with EmbeddedCloud(region=REGION, say=said.append) as cloud:
        yield Account(cloud, said)


@pytest.fixture(scope="module")
def rest(account: Account) -> Rest:
    """Give an API with `/users/{id}`, whose GET asks for a key, and ANY beside it."""
    made = Rest.of(account)
    (root,) = [one for one in resources(made) if one["path"] == "/"]
    users = child(made, root["id"], "users")
    user = child(made, users, "{id}")
    for resource in (users, user, child(made, user, "{proxy+}")):
        made.put_method(resource, made.function)
    where = {"restApiId": made.api, "resourceId": user, "httpMethod": "GET"}
    made.gateway.put_method(**where, authorizationType="NONE", apiKeyRequired=True)
    like = made.gateway.get_integration(restApiId=made.api, resourceId=user, httpMethod="ANY")
    made.gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=like["uri"])
    made.deploy()
    return made


def resources(rest: Rest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rest.gateway.get_resources(restApiId=rest.api)["items"]
    return found


def child(rest: Rest, parent: str, part: str) -> str:
    made: str = rest.gateway.create_resource(restApiId=rest.api, parentId=parent, pathPart=part)["id"]
    return made


@pytest.fixture
def key(rest: Rest) -> Iterator[dict[str, Any]]:
    """Give a key that is in a usage plan for the stage."""
    made: dict[str, Any] = rest.gateway.create_api_key(name="partner", enabled=True)
    stage = {"apiId": rest.api, "stage": "Prod"}
    plan = rest.gateway.create_usage_plan(name="plan", apiStages=[stage])["id"]
    rest.gateway.create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
    yield {**made, "plan": plan}
    rest.gateway.delete_api_key(apiKey=made["id"])


def asked(rest: Rest, path: str, key: str | None = None, method: str = "GET") -> Any:
    host = f"{rest.api}.execute-api.{REGION}.localhost"
    headers = {} if key is None else {"x-api-key": key}
    return fetch(rest.account.cloud.endpoint, f"/Prod{path}", method, None, host=host, **headers)


def test_a_key_of_the_stages_usage_plan_is_let_in_and_told_of(rest: Rest, key: dict[str, Any]) -> None:
    event = asked(rest, "/users/7", key["value"]).body

    assert event["resource"] == event["requestContext"]["resourcePath"] == "/users/{id}"
    assert event["pathParameters"] == {"id": "7"}
    identity = event["requestContext"]["identity"]
    assert (identity["apiKeyId"], identity["apiKey"]) == (key["id"], key["value"])


@pytest.mark.parametrize("sent", [None, "", "wrong"])
def test_without_a_right_key_the_gateway_forbids(rest: Rest, key: dict[str, Any], sent: str | None) -> None:
    answer = asked(rest, "/users/7", sent)

    assert (answer.status, answer.body) == (403, {"message": "Forbidden"})
    assert answer.headers["x-amzn-errortype"] == "ForbiddenException"


def switch_off(rest: Rest, key: dict[str, Any]) -> None:
    patch = {"op": "replace", "path": "/enabled", "value": "false"}
    rest.gateway.update_api_key(apiKey=key["id"], patchOperations=[patch])


def take_out(rest: Rest, key: dict[str, Any]) -> None:
    rest.gateway.delete_usage_plan_key(usagePlanId=key["plan"], keyId=key["id"])


def take_the_stage_out(rest: Rest, key: dict[str, Any]) -> None:
    patch = {"op": "remove", "path": "/apiStages", "value": f"{rest.api}:Prod"}
    rest.gateway.update_usage_plan(usagePlanId=key["plan"], patchOperations=[patch])


@pytest.mark.parametrize("change", [switch_off, take_out, take_the_stage_out])
def test_a_key_that_may_not_call_is_forbidden(rest: Rest, key: dict[str, Any], change: Any) -> None:
    assert asked(rest, "/users/7", key["value"]).status == 201

    change(rest, key)

    assert asked(rest, "/users/7", key["value"]).status == 403


@pytest.mark.parametrize(
    ("path", "method", "resource"),
    [
        ("/users", "GET", "/users"),
        ("/users/7", "PUT", "/users/{id}"),
        ("/users/7/orders/1", "GET", "/users/{id}/{proxy+}"),
        ("/orders", "GET", "/{proxy+}"),
    ],
)
def test_what_asks_for_no_key_is_open_and_tells_none(
    rest: Rest, key: dict[str, Any], path: str, method: str, resource: str
) -> None:
    event = asked(rest, path, key["value"], method).body

    assert event["resource"] == resource
    assert "apiKeyId" not in event["requestContext"]["identity"]


def test_a_usage_plan_with_stages_is_not_removed(rest: Rest, key: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="there are API Stages associated with it, including"):
        rest.gateway.delete_usage_plan(usagePlanId=key["plan"])


def test_a_key_is_in_a_usage_plan_once(rest: Rest, key: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ConflictException"):
        rest.gateway.create_usage_plan_key(usagePlanId=key["plan"], keyId=key["id"], keyType="API_KEY")


def test_what_is_not_in_a_usage_plan_or_not_there_is_not_found(rest: Rest, key: dict[str, Any]) -> None:
    take_out(rest, key)

    with pytest.raises(ClientError, match="NotFoundException"):
        take_out(rest, key)
    with pytest.raises(ClientError, match="NotFoundException"):
        rest.gateway.delete_usage_plan(usagePlanId="none")


def test_a_stage_is_taken_out_of_a_usage_plan_once(rest: Rest, key: dict[str, Any]) -> None:
    [stage] = rest.gateway.get_usage_plan(usagePlanId=key["plan"])["apiStages"]
    patch = {"op": "remove", "path": "/apiStages", "value": f"{stage['apiId']}:{stage['stage']}"}
    rest.gateway.update_usage_plan(usagePlanId=key["plan"], patchOperations=[patch])

    with pytest.raises(ClientError, match="NotFoundException.*API Stage not found"):
        rest.gateway.update_usage_plan(usagePlanId=key["plan"], patchOperations=[patch])


@pytest.mark.parametrize("kind", ["apikeys", "usageplans"])
def test_keys_and_usage_plans_have_tags(rest: Rest, key: dict[str, Any], kind: str) -> None:
    arn = f"arn:aws:apigateway:{REGION}::/{kind}/{key['id' if kind == 'apikeys' else 'plan']}"

    rest.gateway.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    rest.gateway.untag_resource(resourceArn=arn, tagKeys=["a"])

    assert rest.gateway.get_tags(resourceArn=arn)["tags"] == {"b": "2"}


def test_a_resource_goes_with_what_is_in_it(account: Account) -> None:
    rest = Rest.of(account)
    (root,) = [one for one in resources(rest) if one["path"] == "/"]
    outer = child(rest, root["id"], "a")
    child(rest, child(rest, outer, "b"), "c")

    rest.gateway.delete_resource(restApiId=rest.api, resourceId=outer)

    assert sorted(one["path"] for one in resources(rest)) == ["/", "/{proxy+}"]


KNOWN = Resources(
    guards={
        **{path: {} for path in ("/", "/{proxy+}", "/a", "/a/{id}", "/a/{id}/{proxy+}", "/a/b", "/f")},
        "/f/{rest+}": {"GET": Guard(api_key=True)},
    }
)


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", {}),
        ("//", "/", {}),
        ("/x/y", "/{proxy+}", {"proxy": "x/y"}),
        ("/a/", "/a", {}),
        ("/a/b", "/a/b", {}),
        ("/a/c", "/a/{id}", {"id": "c"}),
        ("/a/%62", "/a/{id}", {"id": "%62"}),
        ("/a/c/d/e/", "/a/{id}/{proxy+}", {"id": "c", "proxy": "d/e"}),
        ("/f/x/y", "/f/{rest+}", {"rest": "x/y"}),
    ],
)
def test_a_fixed_part_comes_before_a_variable_and_that_before_the_rest(
    path: str, resource: str, parameters: dict[str, str]
) -> None:
    assert KNOWN.match(path) == Matched(resource=resource, parameters=parameters)


def test_a_resource_once_entered_is_not_left() -> None:
    assert KNOWN.match("/a/b/c") is None
