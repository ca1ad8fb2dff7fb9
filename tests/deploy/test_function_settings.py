"""What settings and decorators ask of a function beside its code: /tmp, traces, concurrency, failures."""

from __future__ import annotations

from typing import Any

import pytest

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
    ("ephemeral_storage = 1024", "ephemeral storage 512 -> 1024 MB"),
    ("tracing = true", "tracing PassThrough -> Active"),
    ('log_format = "json"', "log format Text -> JSON"),
]


@pytest.mark.parametrize(("line", "reason"), SETTINGS, ids=["storage", "tracing", "log format"])
def test_a_setting_of_the_function_is_a_new_version(
    project: Project, cloud: Cloud, line: str, reason: str
) -> None:
    project.deployer.deploy()
    project.write(line)

    changes = project.deployer.deploy().changes

    assert f"~ function shop-dev-http: {reason}" in [change.line for change in changes]
    assert cloud.changes[-3:] == ["UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"]
    assert deploy_again(project) == []
    project.write("")
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
