"""The policy in the guide allows what the commands call, and names nothing that they do not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.deploy.address import find_url
from microlambda.deploy.invocation import invoke
from microlambda.deploy.logs import Logs
from tests.deploy import test_http_authorizers, test_rest_authorizers
from tests.deploy.conftest import REGION, Cloud, Project, models
from tests.deploy.test_drift import DRIFTS
from tests.deploy.test_function_url import set_cors_by_hand
from tests.deploy.test_mappings import switch_off
from tests.deploy.test_rest_api import change_an_answer, lose_a_path, protect_a_method
from tests.deploy.whole import make_what_is_read
from tests.plan.everything import everything

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "deploy.md"

#: Of a VPC: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
NETWORKS = {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}

#: What IAM checks beside the action of the call's own name.
ALSO = {
    ("lambda", "GetFunction"): {"lambda:ListTags"},
    # Of a layer: https://docs.aws.amazon.com/lambda/latest/dg/permissions-user-layer.html
    ("lambda", "CreateFunction"): {"lambda:TagResource", "lambda:GetLayerVersion", "iam:PassRole", *NETWORKS},
    ("lambda", "UpdateFunctionConfiguration"): {"lambda:GetLayerVersion", "iam:PassRole", *NETWORKS},
    ("logs", "CreateLogGroup"): {"logs:TagResource"},
    ("iam", "CreateRole"): {"iam:TagRole"},
    ("events", "PutRule"): {"events:TagResource"},
    ("scheduler", "CreateScheduleGroup"): {"scheduler:TagResource"},
    ("scheduler", "CreateSchedule"): {"iam:PassRole"},
    ("scheduler", "UpdateSchedule"): {"iam:PassRole"},
    # Which of them tags need is told differently: https://github.com/iann0036/iam-dataset/pull/39,
    # https://github.com/cloudtools/awacs/issues/254.
    ("apigatewayv2", "CreateApi"): {"apigateway:TagResource", "apigateway:PUT"},
    ("apigateway", "CreateRestApi"): {"apigateway:TagResource", "apigateway:PUT"},
    ("apigateway", "CreateStage"): {"apigateway:TagResource", "apigateway:PUT"},
    ("apigateway", "CreateApiKey"): {"apigateway:TagResource", "apigateway:PUT"},
    ("apigateway", "CreateUsagePlan"): {"apigateway:TagResource", "apigateway:PUT"},
}

REST_DRIFTS = (test_rest_authorizers.keep_answers_for_longer, test_rest_authorizers.add_an_authorizer)
HTTP_DRIFTS = (
    test_http_authorizers.keep_answers_for_longer,
    test_http_authorizers.add_an_authorizer,
    test_http_authorizers.add_a_route,
    test_http_authorizers.protect_everything,
)

ANOTHERS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def action(service: str, operation: str) -> str:
    """Name the IAM action of a call; API Gateway has one for each HTTP method."""
    if service in ("apigateway", "apigatewayv2"):
        model = models().load_service_model(service, "service-2")
        return f"apigateway:{model['operations'][operation]['http']['method']}"
    named = f"{service}:{operation}"
    if service == "s3":
        named = named.removesuffix("Configuration")
    return {"lambda:Invoke": "lambda:InvokeFunction"}.get(named, named)


@pytest.fixture
def allowed() -> set[str]:
    (block,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    statements: list[dict[str, Any]] = json.loads(block)["Statement"]
    actions = [one["Action"] for one in statements]
    return {name for some in actions for name in ([some] if isinstance(some, str) else some)}


def change_triggers(cloud: Cloud) -> None:
    """Change by hand what brings events."""
    sns, scheduler = cloud.client("sns"), cloud.client("scheduler")
    (one,) = sns.list_subscriptions()["Subscriptions"]
    sns.set_subscription_attributes(
        SubscriptionArn=one["SubscriptionArn"], AttributeName="FilterPolicy", AttributeValue="{}"
    )
    now = scheduler.get_schedule(GroupName="shop-dev", Name="shop-dev-wake")
    kept = ("GroupName", "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{name: now[name] for name in kept}, State="DISABLED")


def ask_for_more(project: Project, cloud: Cloud) -> str:
    """Attach a policy and detach it, and put the function into a VPC; gives the policy's ARN."""
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'
    made = cloud.client("iam").create_policy(PolicyName="mine", PolicyDocument=document)["Policy"]
    policy: str = made["Arn"]
    vpc = "vpc = { subnets = ['subnet-0000000a'], security_groups = ['sg-0000000a'] }"
    for text in (f"policies = ['{policy}']\n{vpc}", ""):
        project.write(text)
        project.deployer.deploy()
    return policy


def use_api_keys(project: Project, cloud: Cloud) -> None:
    """Ask for keys, change them by hand, and ask for fewer."""
    project.app.get("/orders/{number}", api_key_required=True)(lambda number: number)
    project.write('ingress = "rest-api"\napi_keys = ["a", "b"]')
    project.deployer.deploy()
    gateway = cloud.client("apigateway")
    key, *_others = gateway.get_api_keys()["items"]
    patch = {"op": "replace", "path": "/enabled", "value": "false"}
    gateway.update_api_key(apiKey=key["id"], patchOperations=[patch])
    project.write('ingress = "rest-api"\napi_keys = ["a"]\ntags = { team = "red" }')
    project.deployer.deploy()


def use_authorizers(project: Project, cloud: Cloud) -> None:
    """Ask an authorizer, of either kind of API, change it by hand, and add another."""
    check = project.app.authorizer(name="check")(lambda request: True)
    project.app.get("/members", authorizer=check)(lambda: "hello")
    for ingress, drifts in (("rest-api", REST_DRIFTS), ("http-api", HTTP_DRIFTS)):
        project.write(f'ingress = "{ingress}"')
        for drift in (None, *drifts):
            if drift is not None:
                drift(cloud)
            project.deployer.deploy()


def use_everything(project: Project, cloud: Cloud) -> None:
    """Deploy, change each kind of thing, look at it, delete it."""
    project.deployer.deploy()
    iam, role = cloud.client("iam"), f"shop-dev-http-{REGION}"
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(ANOTHERS))
    for drift in DRIFTS:
        drift(cloud)
        project.deployer.deploy()
    policy = ask_for_more(project, cloud)
    project.code = "two"
    project.write(
        "memory = 512\nlog_retention = 'forever'\ntags = { team = 'red' }\nreserved_concurrency = 5"
    )
    project.deployer.deploy()
    project.write("")
    plain, project.app = project.app, everything()
    make_what_is_read(cloud, project.plan)
    project.deployer.deploy()
    change_triggers(cloud)
    project.write("tags = { team = 'red' }")
    switch_off(cloud)
    project.deployer.deploy()
    plain.task(name="resize")(lambda: None)  # without what it says of failures
    project.app = plain
    project.deployer.deploy()
    project.write('ingress = "function-url"')
    project.deployer.deploy()
    set_cors_by_hand(cloud)
    project.deployer.deploy()
    project.write('ingress = "rest-api"')
    project.deployer.deploy()
    for drift in (lose_a_path, protect_a_method, change_an_answer):
        drift(cloud)
    project.write('ingress = "rest-api"\nendpoint_type = "edge"\ntags = { team = "red" }')
    project.deployer.deploy()
    use_api_keys(project, cloud)
    project.app = App("shop")
    project.app.get("/")(lambda: "hello")
    use_authorizers(project, cloud)
    scope = project.plan.scope
    find_url(cloud.aws, scope)
    invoke(cloud.aws, scope, "shop-dev-http", b"{}")
    for handler in ("http", None):
        assert list(Logs.of(cloud.aws, scope, handler).read(datetime.now(UTC))) == []
    iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    project.deployer.delete(logs=True)


def test_the_guides_policy_allows_every_call_and_nothing_else(
    project: Project, cloud: Cloud, allowed: set[str]
) -> None:
    use_everything(project, cloud)

    needed = {action(*call) for call in cloud.operations}
    needed |= {name for call in cloud.operations for name in ALSO.get(call, ())}
    assert needed - allowed == set()
    assert allowed - needed == set()
