"""REST APIs in the embedded cloud: served as they were deployed, below their stage, with AWS's answers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.marker import API_URL_HEADER
from microlambda.emulator.messages import HttpRequest, HttpResponse

from .accounts import REGION, Account

pytest.importorskip("moto.server")

RECORDED = Path(__file__).parents[1] / "runtime" / "events" / "rest-api.json"

TELLS = """
import json
def handler(event, context):
    return {"statusCode": 201, "body": json.dumps(event)}
"""
FAILS = """
def handler(event, context):
    raise ValueError("on purpose")
"""
CORS = {"gatewayresponse.header.Access-Control-Allow-Origin": "'https://shop.example'"}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Rest:
    """A REST API of the account, as we deploy them; `undeployed` keeps the last change from its stage."""

    account: Account
    function: str
    gateway: Any
    api: str

    @classmethod
    def of(cls, account: Account, source: str = TELLS, *, permission: bool = True) -> Rest:
        gateway = account.cloud.client("apigateway")
        made = gateway.create_rest_api(name="api", binaryMediaTypes=["*/*"])
        rest = cls(account, account.function(source), gateway, made["id"])
        part = gateway.create_resource(
            restApiId=rest.api, parentId=made["rootResourceId"], pathPart="{proxy+}"
        )
        for resource in (made["rootResourceId"], part["id"]):
            rest.put_method(resource, rest.function)
        if permission:
            account.lambdas.add_permission(
                FunctionName=rest.function,
                Qualifier="live",
                StatementId="gateway",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:{REGION}:{account.cloud.account}:{rest.api}/*",
            )
        gateway.create_stage(restApiId=rest.api, stageName="Prod", deploymentId=rest.deployment())
        return rest

    def put_method(self, resource: str, function: str) -> None:
        where = {"restApiId": self.api, "resourceId": resource, "httpMethod": "ANY"}
        self.gateway.put_method(**where, authorizationType="NONE")
        self.point_to(resource, function)

    def point_to(self, resource: str, function: str) -> None:
        arn = f"arn:aws:lambda:{REGION}:{self.account.cloud.account}:function:{function}:live"
        self.gateway.put_integration(
            restApiId=self.api,
            resourceId=resource,
            httpMethod="ANY",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
        )

    def deployment(self) -> str:
        made: str = self.gateway.create_deployment(restApiId=self.api)["id"]
        return made

    def deploy(self) -> None:
        move = {"op": "replace", "path": "/deploymentId", "value": self.deployment()}
        self.gateway.update_stage(restApiId=self.api, stageName="Prod", patchOperations=[move])

    def fetch(self, path: str, method: str = "GET", body: str | None = None) -> Answer:
        """Ask under the API's own host."""
        host = f"{self.api}.execute-api.{REGION}.localhost"
        return fetch(self.account.cloud.endpoint, path, method, body, host=host)


def fetch(url: str, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        raw = response.read()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, json.loads(raw) if raw else None)
    finally:
        connection.close()


OBSERVED: list[tuple[HttpRequest, HttpResponse]] = []


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    said: list[str] = []
    with EmbeddedCloud(
        region=REGION,
        say=said.append,
        observe=lambda request, answer, _invocation: OBSERVED.append((request, answer)),
    ) as cloud:
        yield Account(cloud, said)


@pytest.fixture(scope="module")
def rest(account: Account) -> Rest:
    return Rest.of(account)


def members(value: Any) -> Any:
    return {name: members(one) for name, one in value.items()} if isinstance(value, dict) else None


def test_the_event_is_that_which_was_recorded(rest: Rest) -> None:
    recorded = json.loads(RECORDED.read_text())

    event = rest.fetch("/Prod/hello").body

    for free in ("headers", "multiValueHeaders"):  # what clients and proxies send
        recorded.pop(free)
        event.pop(free)
    assert event["requestContext"].pop("deploymentId")  # AWS tells it since
    assert members(event) == members(recorded)
    same = ("resource", "path", "httpMethod", "queryStringParameters", "pathParameters", "stageVariables")
    assert {one: event[one] for one in same} == {one: recorded[one] for one in same}
    context = ("resourcePath", "httpMethod", "path", "protocol", "stage", "accountId")
    assert {one: event["requestContext"][one] for one in context} == {
        one: recorded["requestContext"][one] for one in context
    }
    assert event["requestContext"]["apiId"] == event["requestContext"]["domainPrefix"] == rest.api


@pytest.mark.parametrize(
    ("asked", "path", "full", "resource"),
    [
        ("/Prod", "/", "/Prod", "/"),
        ("/Prod/", "/", "/Prod/", "/"),
        ("/Prod?a=1", "/", "/Prod", "/"),
        ("/Prod/a%20b/c/", "/a%20b/c/", "/Prod/a%20b/c/", "/{proxy+}"),
        ("/Prod/Prod", "/Prod", "/Prod/Prod", "/{proxy+}"),
    ],
)
def test_the_stage_stands_in_the_full_path_alone(
    rest: Rest, asked: str, path: str, full: str, resource: str
) -> None:
    event = rest.fetch(asked).body

    assert (event["path"], event["requestContext"]["path"], event["resource"]) == (path, full, resource)
    assert event["queryStringParameters"] == ({"a": "1"} if "?" in asked else None)


def test_whoever_observes_sees_the_whole_path(rest: Rest) -> None:
    OBSERVED.clear()

    rest.fetch("/Prod/hello?a=1")

    assert [(request.target, answer.status) for request, answer in OBSERVED] == [("/Prod/hello?a=1", 201)]


def test_a_body_arrives(rest: Rest) -> None:
    event = rest.fetch("/Prod/orders", "POST", "three").body

    assert (event["httpMethod"], event["body"], event["isBase64Encoded"]) == ("POST", "dGhyZWU=", True)


@pytest.mark.parametrize("path", ["/", "/prod/hello", "/hello", "/Production"])
def test_a_stage_that_is_not_there_is_forbidden(rest: Rest, path: str) -> None:
    OBSERVED.clear()

    answer = rest.fetch(path)

    assert (answer.status, answer.body) == (403, {"message": "Forbidden"})
    assert answer.headers["x-amzn-errortype"] == "ForbiddenException"
    assert answer.headers["x-amzn-requestid"]
    assert rest.account.said[-1].endswith(f"of the REST API {rest.api}. It answers under: /Prod/")
    assert [(request.target, one.status) for request, one in OBSERVED] == [(path, 403)]


def test_a_method_that_is_not_there_is_a_missing_token(account: Account) -> None:
    rest = Rest.of(account)
    (root,) = [one for one in rest.gateway.get_resources(restApiId=rest.api)["items"] if one["path"] == "/"]
    rest.gateway.delete_method(restApiId=rest.api, resourceId=root["id"], httpMethod="ANY")
    rest.gateway.put_gateway_response(restApiId=rest.api, responseType="DEFAULT_4XX", responseParameters=CORS)
    rest.deploy()

    answer = rest.fetch("/Prod/")

    assert (answer.status, answer.body) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert rest.fetch("/Prod/x").status == 201


def test_a_target_that_is_none_is_a_bad_request(rest: Rest) -> None:
    assert rest.fetch("/Prod/%zz").status == 400


def test_a_change_is_served_when_it_is_deployed(account: Account) -> None:
    rest = Rest.of(account)
    other = account.function("def handler(event, context):\n    return {'body': '\"other\"'}\n")
    (part,) = [one for one in rest.gateway.get_resources(restApiId=rest.api)["items"] if "pathPart" in one]
    account.lambdas.add_permission(
        FunctionName=other,
        Qualifier="live",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )

    rest.point_to(part["id"], other)
    before = rest.fetch("/Prod/x")
    rest.deploy()

    assert before.status == 201
    assert rest.fetch("/Prod/x").body == "other"


def test_the_gateways_own_answers_carry_what_was_deployed_for_them(account: Account) -> None:
    rest = Rest.of(account, FAILS)
    assert "access-control-allow-origin" not in rest.fetch("/Prod/").headers
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        rest.gateway.put_gateway_response(restApiId=rest.api, responseType=kind, responseParameters=CORS)
    rest.deploy()

    failed, refused = rest.fetch("/Prod/"), rest.fetch("/Prod/?a={b}")

    assert (failed.status, failed.body) == (502, {"message": "Internal server error"})
    assert refused.status == 400
    for answer in (failed, refused):
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_an_answer_of_the_function_carries_nothing_of_the_gateways(account: Account) -> None:
    rest = Rest.of(account)
    rest.gateway.put_gateway_response(restApiId=rest.api, responseType="DEFAULT_4XX", responseParameters=CORS)
    rest.deploy()

    assert "access-control-allow-origin" not in rest.fetch("/Prod/").headers


def test_without_permission_it_answers_500_and_says_why(account: Account) -> None:
    rest = Rest.of(account, permission=False)

    answer = rest.fetch("/Prod/a")

    assert (answer.status, answer.body) == (500, {"message": "Internal server error"})
    source = f"arn:aws:execute-api:{REGION}:{account.cloud.account}:{rest.api}/Prod/GET/a"
    assert (
        f"no statement in the policy of arn:aws:lambda:{REGION}:{account.cloud.account}:function"
        in "".join(account.said)
    )
    assert any(source in line for line in account.said)


def test_a_function_that_is_gone_is_told(account: Account) -> None:
    rest = Rest.of(account)
    account.lambdas.delete_function(FunctionName=rest.function)

    assert rest.fetch("/Prod/").status == 500
    assert any(f"there is no function arn:aws:lambda:{REGION}" in line for line in account.said)


def test_a_port_of_its_own_serves_it_below_its_stage(account: Account) -> None:
    rest = Rest.of(account)

    url = account.cloud.serve_api(rest.api)

    assert urlsplit(url).path == "/Prod"
    event = fetch(url, "/Prod/x").body
    assert (event["path"], event["requestContext"]["path"]) == ("/x", "/Prod/x")
    assert fetch(url, "/x").status == 403


def test_an_api_says_where_it_answers(account: Account) -> None:
    rest = Rest.of(account)

    def told() -> str:
        answer = rest.gateway.get_stages(restApiId=rest.api)
        found: str = answer["ResponseMetadata"]["HTTPHeaders"][API_URL_HEADER.lower()]
        return found

    port = urlsplit(account.cloud.endpoint).port
    assert told() == f"http://{rest.api}.execute-api.{REGION}.localhost:{port}"
    assert f"{told()}/Prod" != account.cloud.serve_api(rest.api) == f"{told()}/Prod"


def test_tags_of_apis_and_stages_are_kept(account: Account) -> None:
    rest = Rest.of(account)
    for arn in (f"arn:aws:apigateway:{REGION}::/restapis/{rest.api}{one}" for one in ("", "/stages/Prod")):
        rest.gateway.tag_resource(resourceArn=arn, tags={"team": "red", "cost": "1"})
        rest.gateway.untag_resource(resourceArn=arn, tagKeys=["cost"])

        assert rest.gateway.get_tags(resourceArn=arn)["tags"] == {"team": "red"}


def test_what_is_there_is_not_made_again(rest: Rest) -> None:
    resources = {one["path"]: one["id"] for one in rest.gateway.get_resources(restApiId=rest.api)["items"]}
    (deployment,) = rest.gateway.get_deployments(restApiId=rest.api)["items"]

    for call, asked in (
        (
            rest.gateway.put_method,
            {"resourceId": resources["/"], "httpMethod": "ANY", "authorizationType": "NONE"},
        ),
        (rest.gateway.create_resource, {"parentId": resources["/"], "pathPart": "{proxy+}"}),
        (rest.gateway.delete_deployment, {"deploymentId": deployment["id"]}),
    ):
        with pytest.raises(ClientError, match=r"already|Active stages"):
            call(restApiId=rest.api, **asked)
    with pytest.raises(rest.gateway.exceptions.NotFoundException):
        rest.gateway.delete_rest_api(restApiId="none")
