"""What API Gateway refuses of authorizers and of what names them, the moto of these tests refuses, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.deploy.conftest import ACCOUNT, REGION, Cloud, asked_of_callers, create_function
from tests.deploy.test_http_authorizers import THEIRS, uri

POOLS = [f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_{name}" for name in ("Aa1", "Bb2")]


class HttpApi:
    """An HTTP API with one authorizer of each type, and a route that asks the function."""

    def __init__(self, cloud: Cloud) -> None:
        self.client = cloud.client("apigatewayv2")
        self.where = {"ApiId": self.client.create_api(Name="x", ProtocolType="HTTP")["ApiId"]}
        self.function = self.make("function")
        token = {"Issuer": "https://issuer.example", "Audience": ["web"]}
        self.jwt = self.make("jwt", AuthorizerType="JWT", JwtConfiguration=token)
        self.route = self.ask("GET /a", "CUSTOM", self.function, AuthorizationScopes=["read"])

    def make(self, name: str, **asked: Any) -> str:
        function = {"AuthorizerUri": uri(THEIRS), "AuthorizerPayloadFormatVersion": "2.0"}
        given = {"AuthorizerType": "REQUEST", "IdentitySource": ["$request.header.X"], **function, **asked}
        made: str = self.client.create_authorizer(**self.where, Name=name, **given)["AuthorizerId"]
        return made

    def ask(self, key: str, kind: str, authorizer: str | None = None, **more: Any) -> str:
        named = {} if authorizer is None else {"AuthorizerId": authorizer}
        made: str = self.client.create_route(
            **self.where, RouteKey=key, AuthorizationType=kind, **named, **more
        )["RouteId"]
        return made

    def update(self, **asked: Any) -> dict[str, Any]:
        self.client.update_route(**self.where, RouteId=self.route, **asked)
        (found,) = self.client.get_routes(**self.where)["Items"]
        return dict(found)

    def patch(self, authorizer: str, **asked: Any) -> None:
        self.client.update_authorizer(**self.where, AuthorizerId=authorizer, **asked)

    def delete(self, authorizer: str) -> None:
        self.client.delete_authorizer(**self.where, AuthorizerId=authorizer)


class RestApi:
    """The same of a REST API, whose method `GET /` asks the function."""

    def __init__(self, cloud: Cloud) -> None:
        self.client = cloud.client("apigateway")
        api = self.client.create_rest_api(name="x")
        self.where = {"restApiId": api["id"]}
        self.method = {**self.where, "resourceId": api["rootResourceId"], "httpMethod": "GET"}
        self.function = self.make("function")
        self.pools = self.make("pools", type="COGNITO_USER_POOLS", providerARNs=POOLS[:1])
        self.ask("CUSTOM", self.function)

    def make(self, name: str, **asked: Any) -> str:
        given = {"type": "REQUEST", "authorizerUri": uri(THEIRS), **asked}
        made: str = self.client.create_authorizer(**self.where, name=name, **given)["id"]
        return made

    def ask(self, kind: str, authorizer: str | None = None, method: str = "GET") -> None:
        named = {} if authorizer is None else {"authorizerId": authorizer}
        self.client.put_method(**{**self.method, "httpMethod": method}, authorizationType=kind, **named)

    def patch(self, authorizer: str, path: str, value: str, op: str = "replace") -> dict[str, Any]:
        operations = [{"op": op, "path": path, "value": value}]
        answer = self.client.update_authorizer(
            **self.where, authorizerId=authorizer, patchOperations=operations
        )
        return dict(answer)

    def delete(self, authorizer: str) -> None:
        self.client.delete_authorizer(**self.where, authorizerId=authorizer)


OF_HTTP: dict[str, tuple[Callable[[HttpApi], object], str]] = {
    "a second of one name": (lambda api: api.make("jwt"), "BadRequestException"),
    "a name that is taken": (lambda api: api.patch(api.function, Name="jwt"), "BadRequestException"),
    "a change of none": (lambda api: api.patch("gone", Name="new"), "NotFoundException"),
    "a removal of none": (lambda api: api.delete("gone"), "NotFoundException"),
    "a removal of one in use": (lambda api: api.delete(api.function), "ConflictException"),
    "a second route of one key": (lambda api: api.ask("GET /a", "NONE"), "ConflictException"),
    "a removal of no route": (
        lambda api: api.client.delete_route(**api.where, RouteId="gone"),
        "NotFoundException",
    ),
    "a route without its authorizer": (lambda api: api.ask("GET /b", "JWT"), "BadRequestException"),
    "a route with another": (lambda api: api.ask("GET /b", "JWT", api.function), "BadRequestException"),
    "an authorizer without its type": (lambda api: api.update(AuthorizerId=api.jwt), "BadRequestException"),
    "another type of the same": (lambda api: api.update(AuthorizationType="JWT"), "BadRequestException"),
}


@pytest.mark.parametrize("what", OF_HTTP)
def test_an_http_api_refuses(cloud: Cloud, what: str) -> None:
    act, code = OF_HTTP[what]
    api = HttpApi(cloud)

    with pytest.raises(ClientError) as refused:
        act(api)

    assert refused.value.response["Error"]["Code"] == code


OF_REST: dict[str, tuple[Callable[[RestApi], object], str]] = {
    "a second of one name": (lambda api: api.make("pools"), "BadRequestException"),
    "a name that is taken": (lambda api: api.patch(api.function, "/name", "pools"), "BadRequestException"),
    "a change of none": (lambda api: api.patch("gone", "/name", "new"), "NotFoundException"),
    "a removal of none": (lambda api: api.delete("gone"), "NotFoundException"),
    "a removal of one in use": (lambda api: api.delete(api.function), "ConflictException"),
    "a removal of the last user pool": (
        lambda api: api.patch(api.pools, "/providerARNs", POOLS[0], "remove"),
        "BadRequestException",
    ),
    "a method without its authorizer": (
        lambda api: api.ask("CUSTOM", method="PUT"),
        "BadRequestException",
    ),
    "a method with another": (
        lambda api: api.ask("COGNITO_USER_POOLS", api.function, "PUT"),
        "BadRequestException",
    ),
}


@pytest.mark.parametrize("what", OF_REST)
def test_a_rest_api_refuses(cloud: Cloud, what: str) -> None:
    act, code = OF_REST[what]
    api = RestApi(cloud)

    with pytest.raises(ClientError) as refused:
        act(api)

    assert refused.value.response["Error"]["Code"] == code


def test_a_route_that_asks_nobody_names_no_authorizer(cloud: Cloud) -> None:
    api = HttpApi(cloud)

    found = api.update(AuthorizationType="NONE")

    assert found["AuthorizationType"] == "NONE"
    assert "AuthorizerId" not in found
    api.delete(api.function)


def test_an_empty_list_takes_scopes_away_and_none_leaves_them(cloud: Cloud) -> None:
    api = HttpApi(cloud)

    assert api.update(Target="integrations/x")["AuthorizationScopes"] == ["read"]
    assert api.update(AuthorizationScopes=[])["AuthorizationScopes"] == []
    assert api.update(AuthorizationType="JWT", AuthorizerId=api.jwt)["AuthorizerId"] == api.jwt


def test_an_http_api_lists_its_authorizers(cloud: Cloud) -> None:
    api = HttpApi(cloud)

    found = api.client.get_authorizers(**api.where)["Items"]

    assert {one["Name"]: one["AuthorizerId"] for one in found} == {"function": api.function, "jwt": api.jwt}


def test_user_pools_are_added_and_removed(cloud: Cloud) -> None:
    api = RestApi(cloud)

    assert api.patch(api.pools, "/providerARNs", POOLS[1], "add")["providerARNs"] == POOLS
    assert api.patch(api.pools, "/providerARNs", POOLS[0], "remove")["providerARNs"] == POOLS[1:]


def test_a_stage_serves_authorizers_as_they_were_deployed(cloud: Cloud) -> None:
    api = RestApi(cloud)
    api.client.put_integration(**api.method, type="MOCK", uri="x")
    api.client.create_deployment(**api.where, stageName="dev")
    api.patch(api.function, "/authorizerResultTtlInSeconds", "7")
    api.client.delete_method(**api.method)
    api.delete(api.function)

    (served,) = asked_of_callers(api.where["restApiId"]).values()

    assert (served["authorization"], served["scopes"], served["api_key"]) == ("CUSTOM", (), False)
    assert (served["authorizer"]["name"], served["authorizer"]["authorizerResultTtlInSeconds"]) == (
        "function",
        300,
    )


def test_an_account_that_may_call_is_its_root_in_the_policy(cloud: Cloud) -> None:
    create_function(cloud, "f", {})
    lambda_ = cloud.client("lambda")

    lambda_.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="111122223333"
    )

    (statement,) = json.loads(lambda_.get_policy(FunctionName="f")["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
