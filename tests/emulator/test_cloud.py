"""The embedded cloud, through boto3 and HTTP: functions run, aliases move, APIs answer, and it is closed."""

from __future__ import annotations

import http.client
import io
import json
import os
import threading
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.errors import PortInUse
from microlambda.emulator.server import Server
from microlambda.project.distributions import is_installed

from .accounts import ECHO, REGION, Account, zipped

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    said: list[str] = []
    printed: list[tuple[str, bytes]] = []
    with EmbeddedCloud(
        region=REGION, say=said.append, output=lambda name, line: printed.append((name, line))
    ) as cloud:
        yield Account(cloud, said, printed)


def fetch(url: str, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_function_runs_and_answers(account: Account) -> None:
    name = account.function(ECHO, live=False)

    answer, payload = account.invoke(name, {"a": [1, "é"]})

    assert payload == {"a": [1, "é"]}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer


def test_the_configured_environment_memory_and_handler_apply(account: Account) -> None:
    source = """
import os
def other(event, context):
    names = "TABLE AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION _HANDLER AWS_EXECUTION_ENV TZ"
    told = [os.environ[name] for name in names.split()]
    return [*told, context.memory_limit_in_mb, context.invoked_function_arn]
"""
    name = account.function(source, Environment={"Variables": {"TABLE": "orders"}}, Handler="app.other")

    _, payload = account.invoke(name, Qualifier="live")

    arn = f"arn:aws:lambda:{REGION}:123456789012:function:{name}:live"
    assert payload == ["orders", name, "1", "app.other", "AWS_Lambda_python3.13", ":UTC", "256", arn]


def test_each_call_has_a_trace_id(account: Account) -> None:
    source = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"

    _, payload = account.invoke(account.function(source, live=False))

    assert payload.startswith("Root=1-")


def test_a_moved_alias_serves_the_new_code_and_versions_stay(account: Account) -> None:
    name = account.function("def handler(event, context):\n    return 'old'\n")
    assert account.invoke(name, Qualifier="live")[1] == "old"

    account.lambdas.update_function_code(
        FunctionName=name, ZipFile=zipped(app="def handler(event, context):\n    return 'new'\n")
    )
    assert account.invoke(name, Qualifier="live")[1] == "old"
    assert account.invoke(name)[1] == "new"
    version = account.lambdas.publish_version(FunctionName=name)["Version"]
    account.lambdas.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    assert account.invoke(name, Qualifier="live")[1] == "new"
    assert account.invoke(name, Qualifier="1")[1] == "old"
    assert account.invoke(f"{name}:live")[0]["ExecutedVersion"] == "2"
    assert account.invoke(f"arn:aws:lambda:{REGION}:123456789012:function:{name}:1")[1] == "old"


def test_a_changed_configuration_gets_new_environments(account: Account) -> None:
    source = "import os\ndef handler(event, context):\n    return os.environ.get('A'), os.getpid()\n"
    name = account.function(source, live=False, Environment={"Variables": {"A": "1"}})
    first = account.invoke(name)[1]

    account.lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "2"}})
    second = account.invoke(name)[1]

    assert (first[0], second[0]) == ("1", "2")
    assert first[1] != second[1]
    assert account.invoke(name)[1] == second


def test_an_error_of_the_function_is_told(account: Account) -> None:
    name = account.function("def handler(event, context):\n    raise KeyError('k')\n", live=False)

    answer, payload = account.invoke(name, LogType="Tail")

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "KeyError"
    log = b64decode(answer["LogResult"]).decode().splitlines()
    assert log[0].startswith("START RequestId: ")
    assert log[1] == "[ERROR] KeyError: 'k'"
    assert log[-2].startswith("END RequestId: ")
    assert log[-1].startswith("REPORT RequestId: ")


LOGGING = """
import logging, time
def handler(event, context):
    logging.getLogger("shop").debug("too much")
    logging.getLogger("shop").info("sold %s", "tea")
    print("plain")
    if event == "fail":
        raise KeyError("k")
    time.sleep(600 if event == "stay" else 0)
"""


@pytest.mark.skipif(not is_installed("awslambdaric"), reason="microlambda's own client writes text")
@pytest.mark.parametrize(
    ("event", "status"), [(None, "success"), ("fail", "error"), ("stay", "timeout")], ids=str
)
def test_a_version_logs_in_the_json_format_that_its_function_had(
    account: Account, event: str | None, status: str
) -> None:
    name = account.function(LOGGING, LoggingConfig={"LogFormat": "JSON"}, Timeout=1)
    account.lambdas.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text"})

    text, _ = account.invoke(name, event, LogType="Tail")
    answer, _ = account.invoke(name, event, Qualifier="live", LogType="Tail")

    start, line, plain, *errors, report = b64decode(answer["LogResult"]).decode().splitlines()
    request = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert plain == "plain"
    assert json.loads(start)["type"] == "platform.start"
    assert json.loads(start)["record"] == {"requestId": request, "version": "1"}
    assert {"level": "INFO", "message": "sold tea", "requestId": request}.items() <= json.loads(line).items()
    assert json.loads(report)["type"] == "platform.report"
    assert json.loads(report)["record"]["status"] == status
    assert json.loads(report)["record"]["metrics"]["memorySizeMB"] == 256
    assert [json.loads(one)["errorType"] for one in errors] == (["KeyError"] if event == "fail" else [])
    assert b64decode(text["LogResult"]).decode().startswith("START RequestId: ")


def test_a_function_out_of_time_is_ended(account: Account) -> None:
    name = account.function(
        "import time\ndef handler(event, context): time.sleep(600)\n", live=False, Timeout=1
    )

    answer, payload = account.invoke(name, LogType="Tail")

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert "Status: timeout" in b64decode(answer["LogResult"]).decode()


@pytest.mark.parametrize("module", ["click", "werkzeug", "microlambda", "moto", "pytest", "flask"])
def test_what_the_archive_lacks_cannot_be_imported(account: Account, module: str) -> None:
    name = account.function(f"import {module}\n{ECHO}", live=False)

    answer, payload = account.invoke(name)

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert payload["errorMessage"] == f"Unable to import module 'app': No module named '{module}'"


def test_boto3_is_there_as_in_the_managed_runtime_and_leads_to_this_cloud(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "prod")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.amazonaws.com")
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    account.cloud.client("s3").create_bucket(
        Bucket="of-boto3", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    source = """
import os, sys, boto3
def handler(event, context):
    s3 = boto3.client("s3")
    services = ("s3", "sts", "dynamodb", "lambda", "logs")
    return {
        "endpoints": [boto3.client(name).meta.endpoint_url for name in services],
        "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
        "account": boto3.client("sts").get_caller_identity()["Account"],
        "region": s3.meta.region_name,
        "environment": dict(os.environ),
        "path": sys.path,
    }
"""
    name = account.function(source, live=False)

    _, told = account.invoke(name)

    assert set(told["endpoints"]) == {account.cloud.endpoint}
    assert "of-boto3" in told["buckets"]  # beside those of other tests
    assert told["account"] == "123456789012"
    assert told["region"] == REGION
    environment = told["environment"]
    assert (
        not {"SECRET_OF_THE_PARENT", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY"} & environment.keys()
    )
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "test"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert "127.0.0.1" in environment["NO_PROXY"]
    assert not [folder for folder in told["path"] if "site-packages" in folder]


def test_the_code_folder_comes_first_and_is_read_only(account: Account) -> None:
    source = """
import os, sys, pathlib
def handler(event, context):
    here = pathlib.Path(__file__)
    mode = oct(here.stat().st_mode)[-3:]
    return [os.getcwd(), sys.path[0], str(here.parent), mode, os.environ["LAMBDA_TASK_ROOT"]]
"""
    name = account.function(source, live=False)

    _, (cwd, first, parent, mode, root) = account.invoke(name)

    assert cwd == first == parent == root
    assert mode == "444"


def test_layers_are_on_the_path(account: Account) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("python/shared.py", "VALUE = 'from the layer'\n")
    layer = account.lambdas.publish_layer_version(LayerName="deps", Content={"ZipFile": archive.getvalue()})
    source = "import shared\ndef handler(event, context):\n    return shared.VALUE\n"
    name = account.function(source, live=False, Layers=[layer["LayerVersionArn"]])

    assert account.invoke(name)[1] == "from the layer"


def test_a_later_layer_hides_what_an_earlier_one_has(account: Account) -> None:
    layers = []
    for name in ("earlier", "later"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as out:
            out.writestr("python/shared.py", f"VALUE = {name!r}\n")
        layer = account.lambdas.publish_layer_version(LayerName=name, Content={"ZipFile": content.getvalue()})
        layers.append(layer["LayerVersionArn"])
    source = "import shared\ndef handler(event, context):\n    return shared.VALUE\n"

    assert account.invoke(account.function(source, live=False, Layers=layers))[1] == "later"


def test_event_invocations_run_in_the_background(account: Account) -> None:
    bucket = account.cloud.client("s3")
    bucket.create_bucket(Bucket="later", CreateBucketConfiguration={"LocationConstraint": REGION})
    source = """
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket="later", Key="done", Body=event)
"""
    name = account.function(source, live=False)

    answer, payload = account.invoke(name, "hello", InvocationType="Event")

    assert (answer["StatusCode"], payload) == (202, None)
    bucket.get_waiter("object_exists").wait(
        Bucket="later", Key="done", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


def test_dry_runs_run_nothing(account: Account) -> None:
    name = account.function("1 / 0", live=False)

    assert account.invoke(name, InvocationType="DryRun")[0]["StatusCode"] == 204


@pytest.mark.parametrize(
    ("name", "qualifier", "arn"),
    [("nobody", None, "nobody"), ("nobody", "live", "nobody:live"), ("known", "beta", "known:beta")],
)
def test_unknown_functions_and_qualifiers_are_refused_as_on_aws(
    account: Account, name: str, qualifier: str | None, arn: str
) -> None:
    known = account.function(ECHO)
    name, arn = name.replace("known", known), arn.replace("known", known)

    with pytest.raises(ClientError) as caught:
        account.lambdas.invoke(FunctionName=name, **({"Qualifier": qualifier} if qualifier else {}))

    error = caught.value.response["Error"]
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"] == f"Function not found: arn:aws:lambda:{REGION}:123456789012:function:{arn}"


def test_an_event_that_is_not_json_is_refused(account: Account) -> None:
    name = account.function(ECHO, live=False)

    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        account.lambdas.invoke(FunctionName=name, Payload=b"{nonsense")


def test_an_event_over_the_limit_is_refused(account: Account) -> None:
    name = account.function(ECHO, live=False)

    with pytest.raises(ClientError, match="RequestEntityTooLargeException|RequestTooLargeException"):
        account.lambdas.invoke(FunctionName=name, Payload=json.dumps("x" * 6_300_000))


def test_what_is_printed_is_handed_on_and_logged(account: Account) -> None:
    name = account.function("def handler(event, context):\n    print('hello', event)\n", live=False)
    account.logs.create_log_group(logGroupName=f"/aws/lambda/{name}")

    account.invoke(name, 1)
    account.invoke(name, 2)

    assert [line for who, line in account.printed if who == name] == [b"hello 1\n", b"hello 2\n"]
    events = account.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    kinds = [event["message"].split(" ")[0].split("\t")[0] for event in events]
    assert kinds == ["START", "hello", "END", "REPORT"] * 2
    assert "\tInit Duration: " in events[3]["message"]
    assert "\tInit Duration: " not in events[7]["message"]
    streams = account.logs.describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert len(streams) == 1
    assert "/[$LATEST]" in streams[0]["logStreamName"]


def test_without_a_log_group_nothing_is_written(account: Account) -> None:
    name = account.function(ECHO, live=False)

    account.invoke(name)

    groups = account.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert groups == []


def policy(account: Account, name: str, qualifier: str | None) -> list[str]:
    try:
        text = account.lambdas.get_policy(
            FunctionName=name, **({"Qualifier": qualifier} if qualifier else {})
        )
    except account.lambdas.exceptions.ResourceNotFoundException:
        return []
    return [statement["Sid"] for statement in json.loads(text["Policy"])["Statement"]]


def test_policies_belong_to_their_qualifier(account: Account) -> None:
    name = account.function(ECHO)
    common = {"FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    account.lambdas.add_permission(StatementId="a", Qualifier="live", **common)
    account.lambdas.add_permission(StatementId="a", **common)
    account.lambdas.add_permission(StatementId="b", Qualifier="live", SourceAccount="123456789012", **common)

    assert policy(account, name, "live") == ["a", "b"]
    assert policy(account, name, None) == ["a"]
    assert policy(account, name, "1") == []

    with pytest.raises(account.lambdas.exceptions.ResourceConflictException, match="already exists"):
        account.lambdas.add_permission(StatementId="a", Qualifier="live", **common)
    account.lambdas.remove_permission(FunctionName=name, StatementId="a", Qualifier="live")
    with pytest.raises(account.lambdas.exceptions.ResourceNotFoundException, match="is not found"):
        account.lambdas.remove_permission(FunctionName=name, StatementId="a", Qualifier="live")

    assert policy(account, name, "live") == ["b"]
    assert policy(account, name, None) == ["a"]
    with pytest.raises(account.lambdas.exceptions.ResourceNotFoundException, match="Function not found"):
        account.lambdas.add_permission(StatementId="a", Qualifier="beta", **common)


def test_statements_are_worded_as_on_aws(account: Account) -> None:
    name = account.function(ECHO)

    answer = account.lambdas.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="s",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
        SourceArn="arn:aws:s3:::bucket",
        SourceAccount="123456789012",
    )

    assert json.loads(answer["Statement"]) == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunctionUrl",
        "Resource": f"arn:aws:lambda:{REGION}:123456789012:function:{name}:live",
        "Condition": {
            "StringEquals": {"lambda:FunctionUrlAuthType": "NONE", "AWS:SourceAccount": "123456789012"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    }


def test_a_deleted_function_takes_its_policy_and_processes_with_it(account: Account) -> None:
    source = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    name = account.function(source)
    account.lambdas.add_permission(
        FunctionName=name, Qualifier="live", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
    )
    pid = account.invoke(name, Qualifier="live")[1]

    account.lambdas.delete_function(FunctionName=name)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(account.lambdas.exceptions.ResourceNotFoundException):
        account.lambdas.get_policy(FunctionName=name, Qualifier="live")


WEB = """
import json
def handler(event, context):
    context, headers = event["requestContext"], event["headers"]
    told = {"path": event["rawPath"], "api": context["apiId"], "host": headers["host"]}
    return {"statusCode": 201, "headers": {"content-type": "application/json"}, "body": json.dumps(told)}
"""


def test_a_deployed_api_is_served_at_the_root_of_its_port(account: Account) -> None:
    api_id = account.api(account.function(WEB))

    url = account.cloud.serve_api(api_id)
    status, body = fetch(url, "/a%20b")

    assert status == 201
    assert json.loads(body) == {"path": "/a b", "api": api_id, "host": urlsplit(url).netloc}


@pytest.mark.parametrize("domain", ["localhost", "amazonaws.com"])
def test_a_deployed_api_answers_under_its_own_host(account: Account, domain: str) -> None:
    api_id = account.api(account.function(WEB))
    host = f"{api_id}.execute-api.{REGION}.{domain}"

    status, body = fetch(account.cloud.endpoint, "/x", host=host, origin="https://site.example")

    assert (status, json.loads(body)["path"]) == (201, "/x")


def test_an_api_says_where_it_answers(account: Account) -> None:
    api_id = account.api(account.function(WEB))
    apis = account.cloud.client("apigatewayv2")
    port = urlsplit(account.cloud.endpoint).port

    by_host = apis.get_api(ApiId=api_id)["ApiEndpoint"]
    served = account.cloud.serve_api(api_id)

    assert by_host == f"http://{api_id}.execute-api.{REGION}.localhost:{port}"
    assert apis.get_api(ApiId=api_id)["ApiEndpoint"] == served


def test_every_answer_says_that_it_is_not_from_aws(account: Account) -> None:
    answer = account.cloud.client("sts").get_caller_identity()

    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-microlambda-cloud"] == "1"


def test_an_api_without_permission_answers_500_and_says_why(account: Account) -> None:
    api_id = account.api(account.function(WEB), permission=False)

    status, body = fetch(account.cloud.serve_api(api_id))

    assert (status, body) == (500, b'{"message":"Internal Server Error"}')
    assert any("no statement in the policy" in line for line in account.said)


def test_an_api_that_is_not_there_answers_404(account: Account) -> None:
    status, body = fetch(account.cloud.endpoint, "/", host=f"abc123.execute-api.{REGION}.localhost")

    assert (status, body) == (404, b'{"message":"Not Found"}')


def test_an_api_whose_alias_moves_serves_the_new_code(account: Account) -> None:
    name = account.function("def handler(event, context):\n    return 'old'\n")
    url = account.cloud.serve_api(account.api(name))
    assert fetch(url)[1] == b"old"

    account.lambdas.update_function_code(
        FunctionName=name, ZipFile=zipped(app="def handler(event, context):\n    return 'new'\n")
    )
    version = account.lambdas.publish_version(FunctionName=name)["Version"]
    account.lambdas.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    assert fetch(url)[1] == b"new"


def test_an_api_port_in_use_is_told(account: Account) -> None:
    api_id = account.api(account.function(WEB))
    with Server(lambda environ, start_response: [], port=0) as other, pytest.raises(PortInUse):
        account.cloud.serve_api(api_id, other.port)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param({"Origin": "https://evil.example"}, "web pages", id="origin"),
        pytest.param({"Origin": "null"}, "web pages", id="null-origin"),
        pytest.param({"Origin": "http://127.0.0.1:8000"}, "web pages", id="local-origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, "web pages", id="image-of-a-page"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, "web pages", id="image-of-a-local-page"),
        pytest.param({"host": "evil.example"}, "own names", id="host"),
        pytest.param({"host": "127.0.0.1.evil.example"}, "own names", id="host-that-looks-like-ours"),
        pytest.param({"host": "evil.example:80@127.0.0.1"}, "own names", id="host-with-user"),
        pytest.param({"host": "s3.eu-west-1.amazonaws.com"}, "own names", id="host-of-aws"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_web_sites_are_refused(account: Account, method: str, headers: dict[str, str], why: str) -> None:
    status, body = fetch(account.cloud.endpoint, "/", method, **headers)

    assert status == 403
    assert why in json.loads(body)["Message"]


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_what_the_developer_opens_in_a_browser_is_answered(account: Account, site: str) -> None:
    account.cloud.client("s3", region_name="us-east-1").create_bucket(Bucket=f"pages-{site}")
    account.cloud.client("s3").put_object(Bucket=f"pages-{site}", Key="a.txt", Body=b"a", ACL="public-read")

    answer = fetch(account.cloud.endpoint, f"/pages-{site}/a.txt", Sec_Fetch_Site=site)

    assert answer == (200, b"a")


@pytest.mark.parametrize("site", ["none", "same-origin", "same-site", "cross-site"])
def test_the_users_own_api_is_open_to_pages(account: Account, site: str) -> None:
    api_id = account.api(account.function(ECHO))
    host = f"{api_id}.execute-api.{REGION}.localhost"

    status, _ = fetch(account.cloud.endpoint, "/", host=host, Sec_Fetch_Site=site)

    assert status == 200


def test_no_answer_invites_other_origins(account: Account) -> None:
    connection = http.client.HTTPConnection(urlsplit(account.cloud.endpoint).netloc, timeout=30)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    connection.close()

    assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/", "/moto-api/data.json"])
def test_motos_own_switches_are_closed(account: Account, path: str) -> None:
    assert fetch(account.cloud.endpoint, path, "POST")[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:5000", "[::1]:5000", "s3.localhost"])
def test_names_of_this_machine_are_let_in(account: Account, host: str) -> None:
    assert fetch(account.cloud.endpoint, "/", host=host)[0] != 403


def test_metadata_with_underscores_reaches_s3(account: Account) -> None:
    s3 = account.cloud.client("s3")
    s3.create_bucket(Bucket="meta", CreateBucketConfiguration={"LocationConstraint": REGION})

    s3.put_object(Bucket="meta", Key="k", Body=b"x", Metadata={"my_key": "v"})

    assert s3.head_object(Bucket="meta", Key="k")["Metadata"] == {"my_key": "v"}


def test_clients_do_not_read_the_developers_configuration(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = tmp_path / "config"
    configuration.write_text(
        "[default]\nregion = us-west-2\nendpoint_url = https://real.example\n[profile prod]\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://real.example")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    sts = account.cloud.client("sts")

    assert (sts.meta.endpoint_url, sts.meta.region_name) == (account.cloud.endpoint, REGION)
    assert sts.get_caller_identity()["Account"] == account.cloud.account


def test_calls_at_once_run_side_by_side(account: Account) -> None:
    name = account.function("import os\ndef handler(event, context):\n    return os.getpid()\n", live=False)
    pids: list[int] = []
    threads = [threading.Thread(target=lambda: pids.append(account.invoke(name)[1])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(pids) == 4


def test_motos_own_triggers_are_off(account: Account) -> None:
    name = account.function(ECHO)
    sqs = account.cloud.client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    account.lambdas.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    sns = account.cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=f"arn:aws:lambda:{REGION}:123456789012:function:{name}"
    )

    assert sqs.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    assert sns.publish(TopicArn=topic, Message="m")["MessageId"]
