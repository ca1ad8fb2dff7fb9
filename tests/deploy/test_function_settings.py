"""What settings and decorators ask of a function beside its code: /tmp, traces, concurrency, failures."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda.deploy.errors import DeployFailed
from microlambda.plan.kinds import KINDS
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    clean,
    deploy_again,
    fail_at,
    lose_reply_of,
    on_answer,
    unlock,
    without_numbers,
)

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"
OTHER = f"arn:aws:sqs:{REGION}:{ACCOUNT}:other"


def live(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("lambda").get_function_configuration(
        FunctionName="shop-dev-http", Qualifier="live"
    )
    return found


def concurrency(cloud: Cloud) -> int | None:
    answer = cloud.client("lambda").get_function_concurrency(FunctionName="shop-dev-http")
    found: int | None = answer.get("ReservedConcurrentExecutions")
    return found


SETTINGS = [
    ("snap_start = true", "SnapStart None -> PublishedVersions"),
    ("ephemeral_storage = 1024", "ephemeral storage 512 -> 1024 MB"),
    ("tracing = true", "tracing PassThrough -> Active"),
    ('log_format = "json"', "log format Text -> JSON"),
]


@pytest.mark.parametrize(("line", "reason"), SETTINGS, ids=["snapshots", "storage", "tracing", "log format"])
def test_a_setting_of_the_function_is_a_new_version(
    project: Project, cloud: Cloud, line: str, reason: str
) -> None:
    project.write("python = '3.12'")
    project.deployer.deploy()
    project.write(f"python = '3.12'\n{line}")

    changes = project.deployer.deploy().changes

    assert f"~ function shop-dev-http: {reason}" in [change.line for change in changes]
    assert cloud.changes[-3:] == ["UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"]
    assert deploy_again(project) == []
    project.write("python = '3.12'")
    assert project.deployer.deploy().changes
    assert deploy_again(project) == []


def test_a_first_deploy_has_them_all(project: Project, cloud: Cloud) -> None:
    project.write('ephemeral_storage = 1024\ntracing = true\nlog_format = "json"\nreserved_concurrency = 5')

    project.deployer.deploy()

    now = live(cloud)
    assert (now["EphemeralStorage"], now["TracingConfig"]) == ({"Size": 1024}, {"Mode": "Active"})
    assert now["LoggingConfig"]["LogFormat"] == "JSON"
    assert concurrency(cloud) == 5
    assert deploy_again(project) == []


def test_reserved_concurrency_changes_without_a_new_version_and_is_given_back(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()
    project.write("reserved_concurrency = 5")
    cloud.calls.clear()

    changes = [change.line for change in project.deployer.deploy().changes]

    assert changes == ["~ function shop-dev-http: reserved concurrency none -> 5"]
    assert cloud.changes == ["PutFunctionConcurrency"]
    assert concurrency(cloud) == 5
    project.write("")
    project.deployer.deploy()
    assert concurrency(cloud) is None
    assert deploy_again(project) == []


def layer(cloud: Cloud, name: str) -> str:
    """Publish a layer as somebody else does, and give its version's ARN."""
    answer = cloud.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": b"x"})
    arn: str = answer["LayerVersionArn"]
    return arn


def layers(cloud: Cloud) -> list[str]:
    return [one["Arn"] for one in live(cloud)["Layers"]]


def test_layers_of_others_lie_on_ours_in_the_order_of_the_settings(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    (ours,) = layers(cloud)
    fonts, tools = layer(cloud, "fonts"), layer(cloud, "tools")
    placed = tools.replace(REGION, "${region}").replace(ACCOUNT, "${account}")
    project.write(f"layers = ['{fonts}', '{placed}']")

    changes = project.deployer.deploy().changes

    assert f"~ function shop-dev-http: layers {fonts} {placed}" in [change.line for change in changes]
    assert layers(cloud) == [ours, fonts, tools]
    assert deploy_again(project) == []
    project.write(f"layers = ['{tools}', '{fonts}']")
    project.deployer.deploy()
    assert layers(cloud) == [ours, tools, fonts]
    project.write("")
    project.deployer.deploy()
    assert layers(cloud) == [ours]
    assert deploy_again(project) == []
    assert layer(cloud, "fonts").endswith(":2")  # theirs are left alone


def test_layers_that_were_taken_off_by_hand_come_back(project: Project, cloud: Cloud) -> None:
    fonts = layer(cloud, "fonts")
    project.write(f"layers = ['{fonts}']")
    project.deployer.deploy()
    before = layers(cloud)
    cloud.client("lambda").update_function_configuration(FunctionName="shop-dev-http", Layers=[])

    project.deployer.deploy()

    assert layers(cloud) == before
    assert deploy_again(project) == []


VPC = "vpc = { subnets = ['subnet-0000000b', 'subnet-0000000a'], security_groups = ['sg-0000000a'] }"


def network(cloud: Cloud) -> tuple[list[str], list[str]]:
    found = live(cloud).get("VpcConfig") or {}
    return found.get("SubnetIds", []), found.get("SecurityGroupIds", [])


def policies(cloud: Cloud) -> list[str]:
    names: list[str] = cloud.client("iam").list_role_policies(RoleName=f"shop-dev-http-{REGION}")[
        "PolicyNames"
    ]
    return names


def test_a_function_goes_into_a_vpc_and_out_of_it(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write(VPC)

    changes = [change.line for change in project.deployer.deploy().changes]

    assert (
        "subnets none -> subnet-0000000a subnet-0000000b, security groups none -> sg-0000000a" in changes[1]
    )
    assert network(cloud) == (["subnet-0000000a", "subnet-0000000b"], ["sg-0000000a"])
    assert cloud.changes[-4:] == [
        *("PutRolePolicy", "UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"),
    ]
    assert deploy_again(project) == []
    project.write("")
    project.deployer.deploy()
    assert network(cloud) == ([], [])
    assert deploy_again(project) == []


def test_the_permission_for_interfaces_is_there_first_and_stays_to_take_them_away(
    project: Project, cloud: Cloud
) -> None:
    project.write(VPC)
    project.deployer.deploy()
    calls = [one for one in cloud.changes if one in ("PutRolePolicy", "CreateFunction")]
    assert calls == ["PutRolePolicy", "PutRolePolicy", "CreateFunction"]
    project.write("")

    project.deployer.deploy()

    assert "microlambda-vpc" in policies(cloud)
    assert deploy_again(project) == []


def test_the_order_of_subnets_is_no_difference_and_another_one_is(project: Project, cloud: Cloud) -> None:
    project.write(VPC)
    project.deployer.deploy()
    turned = ["subnet-0000000b", "subnet-0000000a"]
    by_hand = cloud.client("lambda").update_function_configuration
    on_answer(cloud, "lambda", "GetFunctionConfiguration", lambda answer: _turn(answer, turned))
    on_answer(cloud, "lambda", "GetFunction", lambda answer: _turn(answer["Configuration"], turned))
    assert deploy_again(project) == []

    turned[:] = []
    by_hand(
        FunctionName="shop-dev-http",
        VpcConfig={"SubnetIds": ["subnet-0000000c"], "SecurityGroupIds": ["sg-0000000a"]},
    )
    project.deployer.deploy()

    assert network(cloud)[0] == ["subnet-0000000a", "subnet-0000000b"]


def test_a_vpc_whose_ec2_is_asked_too_much_at_once_is_asked_again(project: Project, cloud: Cloud) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/pull/3062."""
    project.write(VPC)
    told = "Your request has been throttled by EC2, please make sure you have enough API rate limit."
    fail_at(cloud, "CreateFunction", "InvalidParameterValueException", told)

    project.deployer.deploy()

    assert network(cloud) == (["subnet-0000000a", "subnet-0000000b"], ["sg-0000000a"])


def _turn(configuration: dict[str, Any], ids: list[str]) -> None:
    if ids:
        configuration["VpcConfig"]["SubnetIds"] = list(ids)


def test_a_function_without_a_vpc_or_snapshots_is_not_spoken_of_either(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()

    asked = cloud.last("CreateFunction")["body"]

    assert b"VpcConfig" not in asked
    assert b"SnapStart" not in asked


def test_the_snapshot_of_a_version_is_waited_for(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write("python = '3.12'\nsnap_start = true")
    pending = ["Pending", "Pending", "Active"]

    def snapshot(answer: dict[str, Any]) -> None:
        if answer.get("Version") == "2" and pending:
            answer["State"] = pending.pop(0)

    for call in ("PublishVersion", "GetFunctionConfiguration"):
        on_answer(cloud, "lambda", call, snapshot)
    cloud.sleeps.clear()

    project.deployer.deploy()

    assert pending == []
    assert len(cloud.sleeps) == 2
    assert cloud.calls.index("Invoke", cloud.calls.index("UpdateFunctionConfiguration")) > cloud.calls.index(
        "PublishVersion", cloud.calls.index("UpdateFunctionConfiguration")
    )
    assert live(cloud)["SnapStart"]["ApplyOn"] == "PublishedVersions"


def test_a_snapshot_that_fails_is_told_and_the_alias_stays(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write("python = '3.12'\nsnap_start = true")

    def failed(answer: dict[str, Any]) -> None:
        answer |= {"State": "Failed", "StateReason": "the snapshot took too long"}

    on_answer(cloud, "lambda", "PublishVersion", failed)

    with pytest.raises(DeployFailed, match="ready: the snapshot took too long"):
        project.deployer.deploy()
    assert live(cloud)["Version"] == "1"


def test_a_version_whose_snapshot_failed_is_not_given_again(project: Project, cloud: Cloud) -> None:
    """PublishVersion answers with the newest version again where nothing has changed since."""
    project.deployer.deploy()
    project.write("python = '3.12'\nsnap_start = true")

    def failed(answer: dict[str, Any]) -> None:
        if answer["Version"] == "2":
            answer |= {"State": "Failed", "StateReason": "too many snapshots at once"}

    on_answer(cloud, "lambda", "PublishVersion", failed)
    with pytest.raises(DeployFailed, match="ready: too many snapshots at once"):
        project.deployer.deploy()
    versions = cloud.client("lambda").list_versions_by_function(FunctionName="shop-dev-http")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "1"]


def role_of_the_user(cloud: Cloud) -> str:
    arn: str = cloud.client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    return arn


def test_a_function_runs_as_a_role_of_the_users_which_is_left_as_it_is(
    project: Project, cloud: Cloud
) -> None:
    mine = role_of_the_user(cloud)
    project.write(f"iam_role_arn = '{mine}'")

    project.deployer.deploy()

    assert live(cloud)["Role"] == mine
    assert {"CreateRole", "PutRolePolicy", "TagRole"} & set(cloud.calls) == set()
    assert deploy_again(project) == []
    project.deployer.delete(logs=True)
    assert [one["RoleName"] for one in cloud.client("iam").list_roles()["Roles"]] == ["mine"]


def test_a_function_changes_to_a_role_of_the_users_and_back(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    mine = role_of_the_user(cloud)
    project.write(f"iam_role_arn = '{mine.replace(ACCOUNT, '${account}')}'")

    changes = [change.line for change in project.deployer.deploy().changes]

    needs = "which has to allow logs:CreateLogStream logs:PutLogEvents"
    assert f"~ function shop-dev-http: role, {needs}" in changes
    assert changes[-1] == f"- role shop-dev-http-{REGION}"
    assert live(cloud)["Role"] == mine
    assert deploy_again(project) == []
    project.write("")
    project.deployer.deploy()
    assert live(cloud)["Role"].endswith(f"/shop-dev-http-{REGION}")
    assert deploy_again(project) == []


def test_a_role_of_another_account_is_refused_before_anything_is_changed(
    project: Project, cloud: Cloud
) -> None:
    project.write("iam_role_arn = 'arn:aws:iam::999999999999:role/mine'")

    with pytest.raises(DeployFailed, match=f"a role of the account 999999999999.* alone: {ACCOUNT}"):
        project.deployer.changes()
    with pytest.raises(DeployFailed, match="a role of the account 999999999999"):
        project.deployer.deploy()

    assert cloud.mutating == []


def work(project: Project, **options: Any) -> None:
    """Give the app a function of this name with these options, in place of an earlier one."""
    from microlambda import App

    project.app = App("shop")
    project.app.lambda_function(name="work", **options)(lambda event, context: None)


def invoke_config(cloud: Cloud) -> dict[str, Any] | None:
    client = cloud.client("lambda")
    try:
        answer = client.get_function_event_invoke_config(FunctionName="shop-dev-work", Qualifier="live")
    except client.exceptions.ResourceNotFoundException:
        return None
    return {
        "retries": answer.get("MaximumRetryAttempts"),
        "age": answer.get("MaximumEventAgeInSeconds"),
        "to": answer.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    }


def test_what_becomes_of_failing_invocations_is_put_on_the_alias_and_changed(
    project: Project, cloud: Cloud
) -> None:
    work(project, retries=0, on_failure=QUEUE)
    project.deployer.deploy()
    assert cloud.last("PutFunctionEventInvokeConfig")["url_path"].endswith("/event-invoke-config")
    assert invoke_config(cloud) == {"retries": 0, "age": None, "to": QUEUE}
    assert deploy_again(project) == []

    work(project, retries=1, maximum_age=60)
    changes = [change.line for change in project.deployer.deploy().changes]

    assert changes[-1] == (
        "~ failed invocations of shop-dev-work: retries 0 -> 1, maximum age none -> 60 s, "
        f"on failure {QUEUE} -> none"
    )
    assert invoke_config(cloud) == {"retries": 1, "age": 60, "to": None}
    assert deploy_again(project) == []


def test_what_a_decorator_no_longer_says_is_left_to_aws_and_nobody_is_asked(
    project: Project, cloud: Cloud
) -> None:
    work(project, retries=0)
    project.deployer.deploy()
    work(project)

    changes = project.deployer.deploy().changes

    assert [change.line for change in changes] == ["- failed invocations of shop-dev-work"]
    assert all(KINDS[change.kind].loses == "nothing" for change in changes)
    assert invoke_config(cloud) is None
    assert deploy_again(project) == []


def test_a_dead_letter_queue_is_set_changed_and_taken_away(project: Project, cloud: Cloud) -> None:
    for queue in (QUEUE, OTHER, None):
        work(project, **({"dead_letter_queue": queue} if queue else {}))
        project.deployer.deploy()

        now = cloud.client("lambda").get_function_configuration(FunctionName="shop-dev-work")
        assert (now["DeadLetterConfig"]["TargetArn"] or None) == queue
        assert deploy_again(project) == []


@pytest.mark.parametrize("call", ["PutRolePolicy", "UpdateFunctionConfiguration", "PublishVersion"])
@pytest.mark.parametrize("fault", [fail_at, lose_reply_of], ids=["fails", "reply lost"])
def test_an_interrupted_change_of_network_and_layers_converges(
    project: Project, cloud: Cloud, call: str, fault: Any
) -> None:
    project.deployer.deploy()
    fonts = layer(cloud, "fonts")
    project.write(f"{VPC}\nlayers = ['{fonts}']\npython = '3.12'\nsnap_start = true")
    fault(cloud, call)
    with pytest.raises(Exception, match="."):
        project.deployer.deploy()
    cloud.before_call = cloud.lost = None
    unlock(cloud)

    project.deployer.deploy()

    assert network(cloud) == (["subnet-0000000a", "subnet-0000000b"], ["sg-0000000a"])
    assert layers(cloud)[-1] == fonts
    assert live(cloud)["SnapStart"]["ApplyOn"] == "PublishedVersions"
    assert deploy_again(project) == []


CALLS = ["PutFunctionConcurrency", "PutFunctionEventInvokeConfig"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", [fail_at, lose_reply_of], ids=["fails", "reply lost"])
def test_an_interruption_converges(project: Project, cloud: Cloud, call: str, fault: Any) -> None:
    project.write("reserved_concurrency = 5")
    work(project, retries=0)
    fault(cloud, call)
    with pytest.raises(Exception, match="."):
        project.deployer.deploy()
    cloud.before_call = cloud.lost = None
    unlock(cloud)

    project.deployer.deploy()
    converged = without_numbers(account(cloud))

    assert deploy_again(project) == []
    assert converged == clean(project)
