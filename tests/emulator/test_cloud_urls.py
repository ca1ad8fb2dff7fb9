"""Function URLs in the embedded cloud: they answer under their hosts, whom the policy lets in, and move."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.errors import PortInUse
from microlambda.emulator.server import Server

from .accounts import ECHO, REGION, Account, zipped

pytest.importorskip("moto.server")

WEB = """
import json
def handler(event, context):
    http = event["requestContext"]
    told = {
        "raw": event["rawPath"], "path": http["http"]["path"], "id": http["apiId"],
        "domain": http["domainName"], "arn": context.invoked_function_arn, "cookies": event.get("cookies"),
    }
    return {"statusCode": 201, "headers": {"x-version": context.function_version}, "body": json.dumps(told)}
"""

FORBIDDEN = (
    b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    b'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)

THROUGH = {"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
INVOKE = {"StatementId": "invoke", "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    said: list[str] = []
    with EmbeddedCloud(region=REGION, say=said.append) as cloud:
        yield Account(cloud, said)


def make_url(
    account: Account, function: str, *permissions: dict[str, Any], auth_type: str = "NONE"
) -> dict[str, Any]:
    """Give the alias `live` a URL, and those permissions."""
    for permission in permissions:
        account.lambdas.add_permission(
            FunctionName=function, Qualifier="live", **{"Principal": "*", **permission}
        )
    made: dict[str, Any] = account.lambdas.create_function_url_config(
        FunctionName=function, Qualifier="live", AuthType=auth_type
    )
    return made


def id_of(url: dict[str, Any]) -> str:
    return str(url["FunctionUrl"]).partition("://")[2].partition(".")[0]


def fetch(
    account: Account,
    host: str,
    path: str = "/",
    method: str = "GET",
    body: bytes | None = None,
    **fields: str,
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(account.cloud.endpoint).netloc, timeout=30)
    try:
        connection.request(method, path, body=body, headers={"host": host, **fields})
        response = connection.getresponse()
        return (
            response.status,
            response.read(),
            {name.lower(): value for name, value in response.getheaders()},
        )
    finally:
        connection.close()


def at(account: Account, url: dict[str, Any], path: str = "/") -> tuple[int, bytes, dict[str, str]]:
    return fetch(account, f"{id_of(url)}.lambda-url.{REGION}.localhost", path)


def signed(
    account: Account, url: dict[str, Any], access_key: str, secret: str
) -> tuple[int, bytes, dict[str, str]]:
    host = f"{id_of(url)}.lambda-url.{REGION}.localhost"
    request = AWSRequest("GET", f"http://{host}/", headers={"Host": host})
    SigV4Auth(Credentials(access_key, secret), "lambda", REGION).add_auth(request)
    fields = {name: value for name, value in request.headers.items() if name != "Host"}
    return fetch(account, host, **fields)


@pytest.mark.parametrize("domain", ["localhost", "on.aws"])
def test_a_url_answers_under_its_own_host(account: Account, domain: str) -> None:
    name = account.function(WEB)
    url = make_url(account, name, THROUGH, INVOKE)
    host = f"{id_of(url)}.lambda-url.{REGION}.{domain}"

    status, body, fields = fetch(account, host, "/a%20b", origin="https://site.example", cookie="a=1")

    assert (status, fields["x-version"]) == (201, "1")
    assert json.loads(body) == {
        "raw": "/a%20b",
        "path": "/a b",
        "id": id_of(url),
        "domain": f"{id_of(url)}.lambda-url.{REGION}.on.aws",
        "arn": f"arn:aws:lambda:{REGION}:{account.cloud.account}:function:{name}:live",
        "cookies": ["a=1"],
    }


def test_a_url_is_served_at_the_root_of_a_port_and_says_so(account: Account) -> None:
    name = account.function(WEB)
    url = make_url(account, name, THROUGH, INVOKE)
    port = urlsplit(account.cloud.endpoint).port
    assert url["FunctionUrl"] == f"http://{id_of(url)}.lambda-url.{REGION}.localhost:{port}/"

    served = account.cloud.serve("function-url", id_of(url))

    connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=30)
    connection.request("GET", "/x")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["path"]) == (201, "/x")
    connection.close()
    told = account.lambdas.get_function_url_config(FunctionName=name, Qualifier="live")["FunctionUrl"]
    assert told == f"{served}/"


def test_a_port_in_use_is_told(account: Account) -> None:
    url = make_url(account, account.function(ECHO))
    with Server(lambda environ, start_response: [], port=0) as other, pytest.raises(PortInUse):
        account.cloud.serve("function-url", id_of(url), other.port)


REFUSED = [
    pytest.param([], "lambda:InvokeFunctionUrl", id="none"),
    pytest.param([THROUGH], "lambda:InvokeFunction", id="the-second-lacks"),
    pytest.param([INVOKE], "lambda:InvokeFunctionUrl", id="the-first-lacks"),
    pytest.param(
        [{**THROUGH, "FunctionUrlAuthType": "AWS_IAM"}, INVOKE], "lambda:InvokeFunctionUrl", id="auth-type"
    ),
    pytest.param([THROUGH, {**INVOKE, "InvokedViaFunctionUrl": False}], "lambda:InvokeFunction", id="false"),
    pytest.param(
        [THROUGH, {**INVOKE, "Principal": "apigateway.amazonaws.com"}], "lambda:InvokeFunction", id="service"
    ),
    pytest.param(
        [THROUGH, {**INVOKE, "SourceAccount": "123456789012"}], "lambda:InvokeFunction", id="condition"
    ),
]


@pytest.mark.parametrize(("permissions", "lacks"), REFUSED)
def test_whom_the_policy_does_not_let_in_is_forbidden_and_it_is_said_why(
    account: Account, permissions: list[dict[str, Any]], lacks: str
) -> None:
    name = account.function(ECHO)
    url = make_url(account, name, *permissions)
    account.said.clear()

    status, body, fields = at(account, url)

    assert (status, body, fields["x-amzn-errortype"]) == (403, FORBIDDEN, "AccessDeniedException")
    assert any(line.endswith(f":function:{name}:live lets everybody {lacks}") for line in account.said)


def test_a_permission_of_everybody_for_everything_opens_a_url(account: Account) -> None:
    unconditional = {"StatementId": "all", "Action": "lambda:InvokeFunction"}
    url = make_url(account, account.function(WEB), THROUGH, unconditional)

    assert at(account, url)[0] == 201


def test_what_lets_a_url_in_lets_no_api_in(account: Account) -> None:
    name = account.function(WEB)
    make_url(account, name, THROUGH, INVOKE)
    api_id = account.api(name, permission=False)

    assert fetch(account, f"{api_id}.execute-api.{REGION}.localhost")[0] == 500


def test_a_url_that_asks_for_iam_is_open_to_those_who_sign(account: Account) -> None:
    ours = {"Principal": account.cloud.account}
    url = make_url(
        account,
        account.function(WEB),
        {**THROUGH, **ours, "FunctionUrlAuthType": "AWS_IAM"},
        {**INVOKE, **ours},
        auth_type="AWS_IAM",
    )
    iam = account.cloud.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]

    def status(access_key: str, secret: str) -> int:
        return signed(account, url, access_key, secret)[0]

    assert at(account, url)[0] == 403
    assert status("test", "test") == 201
    assert status(key["AccessKeyId"], key["SecretAccessKey"]) == 201
    assert status(key["AccessKeyId"], "other") == 403
    assert status("AKIAIOSFODNN7EXAMPLE", "test") == 403


def test_a_url_that_asks_for_iam_and_lets_nobody_of_the_account_in_is_forbidden(account: Account) -> None:
    url = make_url(account, account.function(WEB), auth_type="AWS_IAM")

    status, body, _ = signed(account, url, "test", "test")

    assert (status, body) == (403, FORBIDDEN)


def test_a_url_that_is_not_there_is_forbidden(account: Account) -> None:
    status, body, fields = fetch(account, f"abc123.lambda-url.{REGION}.localhost")

    assert (status, body, fields["x-amzn-errortype"]) == (403, b'{"Message":null}', "AccessDeniedException")


@pytest.mark.parametrize("gone", ["delete_function_url_config", "delete_alias", "delete_function"])
def test_a_url_that_has_gone_answers_no_more(account: Account, gone: str) -> None:
    name = account.function(WEB)
    url = make_url(account, name, THROUGH, INVOKE)
    assert at(account, url)[0] == 201
    wanted = {
        "delete_function_url_config": {"Qualifier": "live"},
        "delete_alias": {"Name": "live"},
        "delete_function": {},
    }[gone]

    getattr(account.lambdas, gone)(FunctionName=name, **wanted)

    assert at(account, url)[:2] == (403, b'{"Message":null}')


def test_an_alias_made_anew_has_no_url(account: Account) -> None:
    name = account.function(WEB)
    make_url(account, name, THROUGH, INVOKE)
    account.lambdas.delete_alias(FunctionName=name, Name="live")
    account.lambdas.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.lambdas.get_function_url_config(FunctionName=name, Qualifier="live")


def test_a_url_whose_alias_moves_serves_the_new_code(account: Account) -> None:
    name = account.function(WEB)
    url = make_url(account, name, THROUGH, INVOKE)
    assert at(account, url)[2]["x-version"] == "1"

    account.lambdas.update_function_code(FunctionName=name, ZipFile=zipped(app=WEB + "\n# new\n"))
    version = account.lambdas.publish_version(FunctionName=name)["Version"]
    assert at(account, url)[2]["x-version"] == "1"
    account.lambdas.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    assert at(account, url)[2]["x-version"] == "2"


def test_a_body_over_6_mb_is_refused(account: Account) -> None:
    url = make_url(account, account.function(ECHO), THROUGH, INVOKE)
    host = f"{id_of(url)}.lambda-url.{REGION}.localhost"

    status, body, _ = fetch(account, host, "/", "POST", b"x" * (6 * 1024 * 1024 + 1))

    assert status == 413
    assert b"must be smaller than 6291456 bytes" in body


def test_the_function_and_its_alias_have_urls_of_their_own(account: Account) -> None:
    name = account.function(WEB)
    ofalias = make_url(account, name, THROUGH, INVOKE)
    own = account.lambdas.create_function_url_config(FunctionName=name, AuthType="NONE")

    assert ofalias["FunctionArn"] == f"{own['FunctionArn']}:live"
    assert id_of(ofalias) != id_of(own)
    assert at(account, own)[:2] == (403, FORBIDDEN)  # its policy is another
    account.lambdas.delete_function_url_config(FunctionName=name, Qualifier="live")
    assert account.lambdas.get_function_url_config(FunctionName=name)["FunctionUrl"] == own["FunctionUrl"]


def test_a_second_url_of_one_alias_is_a_conflict(account: Account) -> None:
    name = account.function(WEB)
    make_url(account, name)

    with pytest.raises(ClientError, match="FunctionUrlConfig exists for this Lambda function"):
        make_url(account, name)


def test_a_url_needs_its_alias(account: Account) -> None:
    name = account.function(WEB, live=False)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        make_url(account, name)


def test_what_is_set_of_a_url_is_kept_until_it_is_set_otherwise(account: Account) -> None:
    name = account.function(WEB)
    url = make_url(account, name)
    where = {"FunctionName": name, "Qualifier": "live"}

    account.lambdas.update_function_url_config(**where, Cors={"AllowOrigins": ["*"]})
    updated = account.lambdas.update_function_url_config(**where, InvokeMode="RESPONSE_STREAM")
    assert (updated["Cors"], updated["InvokeMode"]) == ({"AllowOrigins": ["*"]}, "RESPONSE_STREAM")
    bare = account.lambdas.update_function_url_config(**where, Cors={})

    assert "Cors" not in bare
    assert bare["FunctionUrl"] == url["FunctionUrl"]
