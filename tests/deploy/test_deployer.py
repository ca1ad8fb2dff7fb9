"""What a deploy does to an account, told by the calls that it makes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from microlambda import App
from tests.deploy.conftest import (
    ACCOUNT,
    FIRST_DEPLOY,
    REGION,
    Cloud,
    Project,
    deploy_again,
    entrance,
)


def test_a_first_deploy_creates_everything_in_order(project: Project, cloud: Cloud) -> None:
    outcome = project.deployer.deploy()

    assert cloud.changes == FIRST_DEPLOY
    assert outcome.url == f"https://{entrance(outcome)}.execute-api.{REGION}.amazonaws.com/"
    assert [line.split()[1] for line in project.said] == [
        *("role", "log", "layer", "function", "version", "alias", "HTTP", "permission")
    ]


def test_what_every_function_has_is_told_with_the_functions_name(project: Project, cloud: Cloud) -> None:
    made = [change.line for change in project.deployer.deploy().changes]
    removed = project.deployer.delete()

    assert "+ alias live of shop-dev-http" in made
    assert "+ permission microlambda-http-api of shop-dev-http" in made
    assert "- alias live of shop-dev-http" in [change.line for change in removed]
    assert "removing the alias 'live' of shop-dev-http" in [change.doing for change in removed]


def test_the_function_is_what_the_settings_say(project: Project, cloud: Cloud) -> None:
    project.write(
        'python = "3.12"\narchitecture = "arm64"\nmemory = 512\ntimeout = 7\n'
        '[environment]\nTOKEN = "${env:T}"'
    )
    project.environ["T"] = "s3cret"

    project.deployer.deploy()

    function = cloud.client("lambda").get_function(FunctionName="shop-dev-http")
    configuration = function["Configuration"]
    assert configuration["Runtime"] == "python3.12"
    assert configuration["Architectures"] == ["arm64"]
    assert (configuration["MemorySize"], configuration["Timeout"]) == (512, 7)
    assert configuration["Handler"] == "microlambda.runtime.entry.handler"
    assert configuration["Environment"]["Variables"] == {
        "TOKEN": "s3cret",
        "MICROLAMBDA_APP": "app:app",
        "MICROLAMBDA_HANDLER": "http",
    }
    assert configuration["Role"] == f"arn:aws:iam::{ACCOUNT}:role/microlambda/shop/dev/shop-dev-http-{REGION}"
    assert function["Tags"] == {
        "microlambda:id": "k3v9x2",
        "microlambda:app": "shop",
        "microlambda:stage": "dev",
    }


def test_the_role_may_write_its_own_log_and_nothing_else(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    iam, name = cloud.client("iam"), f"shop-dev-http-{REGION}"
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    (statement,) = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/shop-dev-http:*"
    (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_the_permission_to_call_tasks_comes_and_goes_with_the_tasks(project: Project, cloud: Cloud) -> None:
    before = project.app
    project.app = App("shop")
    project.app.get("/")(lambda: "hello")
    project.app.task(name="resize")(lambda key: None)

    project.deployer.deploy()

    iam, name = cloud.client("iam"), f"shop-dev-http-{REGION}"
    document = iam.get_role_policy(RoleName=name, PolicyName="microlambda-tasks")["PolicyDocument"]
    (statement,) = document["Statement"]
    assert statement["Resource"] == [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-resize:live"]
    assert project.deployer.changes() == ()

    iam.put_role_policy(RoleName=name, PolicyName="of-the-user", PolicyDocument=json.dumps(document))
    project.app = before
    project.deployer.deploy()

    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["microlambda-logs", "of-the-user"]


def test_the_api_calls_the_alias_and_only_that_api_may(project: Project, cloud: Cloud) -> None:
    outcome = project.deployer.deploy()

    api = {"ApiId": entrance(outcome)}
    gateway, lambda_ = cloud.client("apigatewayv2"), cloud.client("lambda")
    alias = lambda_.get_alias(FunctionName="shop-dev-http", Name="live")
    (integration,) = gateway.get_integrations(**api)["Items"]
    assert integration["IntegrationUri"] == alias["AliasArn"]
    assert integration["PayloadFormatVersion"] == "2.0"
    (route,) = gateway.get_routes(**api)["Items"]
    assert route["RouteKey"] == "$default"
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    (stage,) = gateway.get_stages(**api)["Items"]
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    policy = json.loads(lambda_.get_policy(FunctionName="shop-dev-http", Qualifier="live")["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"] == (
        f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{entrance(outcome)}/*"
    )


def test_everything_taggable_carries_our_tags(project: Project, cloud: Cloud) -> None:
    project.write('tags = { team = "red" }')
    outcome = project.deployer.deploy()

    expected = {**project.plan.scope.tags, "team": "red"}
    logs, iam = cloud.client("logs"), cloud.client("iam")
    role = iam.get_role(RoleName=f"shop-dev-http-{REGION}")["Role"]
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == expected
    group = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/shop-dev-http")["logGroups"][0]
    arn = group["arn"].removesuffix(":*")
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    assert cloud.client("apigatewayv2").get_api(ApiId=entrance(outcome))["Tags"] == expected


def test_a_second_deploy_changes_nothing_and_takes_no_lock(project: Project) -> None:
    first = project.deployer.deploy()
    project.cloud.calls.clear()

    second = project.deployer.deploy()

    assert project.cloud.mutating == []
    assert "Invoke" not in project.cloud.calls
    assert second.changes == ()
    assert second.url == first.url


def test_a_code_change_is_three_calls_and_a_check(project: Project, cloud: Cloud, answers: Any) -> None:
    project.deployer.deploy()
    project.code = "two"
    cloud.calls.clear()
    answers.events.clear()

    project.deployer.deploy()

    assert cloud.changes == ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"]
    assert cloud.calls.index("Invoke") < cloud.calls.index("UpdateAlias")
    assert answers.events == [("shop-dev-http", {"microlambda": {"check": 1}})]
    assert cloud.last("Invoke")["query_string"] == {"Qualifier": "2"}
    alias = cloud.client("lambda").get_alias(FunctionName="shop-dev-http", Name="live")
    assert alias["FunctionVersion"] == "2"


def test_the_archive_is_not_built_when_the_code_is_the_same(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write("memory = 512")
    project.cloud.calls.clear()

    project.built.clear()

    project.deployer.deploy()

    assert project.built == []

    assert cloud.changes == ["UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"]


CHANGED = [
    pytest.param("memory = 512", "memory 256 -> 512 MB", id="memory"),
    pytest.param("timeout = 12", "timeout 30 -> 12 s", id="timeout"),
    pytest.param('architecture = "arm64"', "architecture x86_64 -> arm64", id="architecture"),
    pytest.param("[environment]\nLOG = 's3cret'", "environment +LOG", id="environment"),
    pytest.param("log_retention = 7", "retention 30 -> 7 days", id="retention"),
    pytest.param("log_retention = 'forever'", "retention 30 -> forever", id="retention-forever"),
    pytest.param("tags = { team = 'red' }", "tags team", id="tags"),
]


@pytest.mark.parametrize(("text", "reason"), CHANGED)
def test_each_change_has_its_reason_and_converges(project: Project, text: str, reason: str) -> None:
    project.write('python = "3.12"')
    project.deployer.deploy()
    project.write(f'python = "3.12"\n{text}')

    changes = project.deployer.changes()
    project.deployer.deploy()

    assert reason in [one for change in changes for one in change.reasons]
    assert "s3cret" not in "".join(change.line for change in changes)
    if "architecture" not in text:  # moto keeps the architecture that a function was created with
        assert deploy_again(project) == []


def test_a_changed_and_a_removed_variable_are_named(project: Project) -> None:
    project.write("[environment]\nOLD = '1'\nSAME = '2'\nTOKEN = 'one-secret'")
    project.deployer.deploy()
    project.write("[environment]\nSAME = '2'\nTOKEN = 'two-secret'")

    (function, *_rest) = project.deployer.changes()

    assert function.line == "~ function shop-dev-http: environment -OLD ~TOKEN"
