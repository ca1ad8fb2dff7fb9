"""Subscriptions to log groups: made, changed, removed; and what an interruption leaves."""

from __future__ import annotations

import pytest

from microlambda import App
from microlambda.deploy.errors import DeployFailed, NotOurs
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    deploy_again,
    fail_always,
    fail_at,
    lose_reply_of,
    stop_at,
)

ALIAS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-alarm:live"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
PUT, DELETE = "PutSubscriptionFilter", "DeleteSubscriptionFilter"
FAILED_OR_LOST = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


@pytest.fixture(autouse=True)
def groups(cloud: Cloud) -> None:
    """Two log groups of somebody's."""
    for name in ("/web", "/mail"):
        cloud.client("logs").create_log_group(logGroupName=name)


def listening(log_group: str = "/web", name: str = "alarm", pattern: str = "") -> App:
    """Make an app with one handler of lines."""
    app = App("shop")
    app.on_log_events(log_group, name=name, filter_pattern=pattern)(lambda event: None)
    return app


def filters(cloud: Cloud, group: str = "/web") -> list[tuple[str, str, str]]:
    """What is subscribed to a log group: name, function, pattern."""
    found = cloud.client("logs").describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    return sorted((one["filterName"], one["destinationArn"], one["filterPattern"]) for one in found)


def add_theirs(cloud: Cloud, name: str, group: str = "/web") -> None:
    """Subscribe a stream of somebody's."""
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
    cloud.client("logs").put_subscription_filter(
        logGroupName=group,
        filterName=name,
        filterPattern="",
        destinationArn=arn,
        roleArn="arn:aws:iam::1:role/x",
    )


@pytest.mark.parametrize("log_group", ["/web", f"{ARN}:/web"], ids=["name", "arn"])
def test_the_permission_comes_first_then_the_subscription(
    project: Project, cloud: Cloud, log_group: str
) -> None:
    project.app = listening(log_group, pattern="ERROR")

    changes = project.deployer.deploy().changes

    assert cloud.changes[-2:] == ["AddPermission", PUT]
    said = "+ subscription to the log group /web: lines that match ERROR, calls shop-dev-alarm"
    assert changes[-1].line == said
    assert filters(cloud) == [("shop-dev-alarm", ALIAS, "ERROR")]
    assert deploy_again(project) == []


@pytest.mark.parametrize("lost", [None, False, True], ids=["undisturbed", "failed", "lost"])
def test_another_pattern_is_put_in_its_place(project: Project, cloud: Cloud, lost: bool | None) -> None:
    project.app = listening(pattern="ERROR")
    project.deployer.deploy()
    project.app = listening(pattern="WARN")
    (change,) = project.deployer.changes()
    assert change.line == "~ subscription to the log group /web: pattern ERROR -> WARN"
    cloud.calls.clear()
    if lost is not None:
        (lose_reply_of if lost else fail_at)(cloud, PUT)
        with pytest.raises(DeployFailed, match=PUT):
            project.deployer.deploy()
        cloud.before_call = cloud.lost = None

    project.deployer.deploy()

    assert {*cloud.changes} == {PUT}
    assert filters(cloud) == [("shop-dev-alarm", ALIAS, "WARN")]
    assert deploy_again(project) == []


MOVE = ["AddPermission", PUT, DELETE, "RemovePermission"]


@pytest.mark.parametrize("call", [None, *MOVE])
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_another_log_group_is_subscribed_to_before_the_old_one_is_left(
    project: Project, cloud: Cloud, call: str | None, lost: bool
) -> None:
    project.app = listening("/web")
    project.deployer.deploy()
    project.app = listening("/mail")
    cloud.calls.clear()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    if call is None:
        assert cloud.changes == MOVE
    assert (filters(cloud), filters(cloud, "/mail")) == ([], [("shop-dev-alarm", ALIAS, "")])
    assert deploy_again(project) == []


def test_the_subscription_of_a_handler_that_is_gone_goes_with_it(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    project.app = App("shop")
    project.app.lambda_function(name="other")(lambda event, context: None)
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.calls.index(DELETE) < cloud.calls.index("RemovePermission")
    assert filters(cloud) == []
    assert deploy_again(project) == []


def test_the_lines_of_a_function_of_the_app_are_sent_once_its_log_group_is_there(
    project: Project, cloud: Cloud
) -> None:
    project.app = listening("/aws/lambda/shop-dev-work")
    project.app.lambda_function(name="work")(lambda event, context: None)
    project.workers = 8

    project.deployer.deploy()

    assert filters(cloud, "/aws/lambda/shop-dev-work") == [("shop-dev-alarm", ALIAS, "")]
    project.deployer.delete(logs=True)
    assert not project.deployer.changes()[0].seen


def test_a_log_group_that_is_not_there_is_said_before_anything_is_changed(
    project: Project, cloud: Cloud
) -> None:
    project.app = listening("/wbe")

    with pytest.raises(
        DeployFailed, match="the log group '/wbe' of the handler 'alarm' does not exist in eu"
    ):
        project.deployer.deploy()

    assert cloud.changes == []


def test_a_log_group_of_another_account_is_refused(project: Project, cloud: Cloud) -> None:
    project.app = listening(f"arn:aws:logs:{REGION}:999999999999:log-group:/web")

    with pytest.raises(DeployFailed, match="calls functions of its own account alone"):
        project.deployer.deploy()

    assert cloud.changes == []


def test_a_log_group_that_went_later_is_no_hindrance_to_the_removal(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    cloud.client("logs").delete_log_group(logGroupName="/web")

    project.deployer.delete()

    assert project.deployer.delete() == ()


def test_the_subscriptions_of_others_stay(project: Project, cloud: Cloud) -> None:
    add_theirs(cloud, "theirs")
    project.app = listening()

    project.deployer.deploy()
    assert [name for name, *_ in filters(cloud)] == ["shop-dev-alarm", "theirs"]

    project.deployer.delete()
    assert [name for name, *_ in filters(cloud)] == ["theirs"]


def test_where_others_have_both_places_it_says_who(project: Project, cloud: Cloud) -> None:
    add_theirs(cloud, "one")
    add_theirs(cloud, "two")
    project.app = listening()

    with pytest.raises(
        DeployFailed, match="'alarm' has as many subscription filters as AWS .*: 'one', 'two'"
    ):
        project.deployer.deploy()

    assert [name for name, *_ in filters(cloud)] == ["one", "two"]


def test_a_renamed_handler_takes_the_place_of_the_old_one_where_there_is_no_other(
    project: Project, cloud: Cloud
) -> None:
    add_theirs(cloud, "theirs")
    project.app = listening()
    project.deployer.deploy()
    project.app = listening(name="warn")

    project.deployer.deploy()

    renamed = ("shop-dev-warn", ALIAS.replace("alarm", "warn"), "")
    assert [one[0] for one in filters(cloud)] == ["shop-dev-warn", "theirs"]
    assert renamed in filters(cloud)
    assert deploy_again(project) == []


def test_a_renamed_handler_is_subscribed_before_the_old_one_is_not(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    project.app = listening(name="warn")
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.calls.index(PUT) < cloud.calls.index(DELETE)
    assert [name for name, *_ in filters(cloud)] == ["shop-dev-warn"]


def test_a_filter_of_our_name_that_calls_something_else_is_another_s(project: Project, cloud: Cloud) -> None:
    add_theirs(cloud, "shop-dev-alarm")
    before = filters(cloud)
    project.app = listening()

    with pytest.raises(
        NotOurs, match="'/web' exists and is not this project's: it calls no function of this"
    ):
        project.deployer.deploy()
    assert filters(cloud) == before

    project.adopt = True
    project.deployer.deploy()
    assert filters(cloud) == [("shop-dev-alarm", ALIAS, "")]
    project.adopt = False
    assert deploy_again(project) == []


def test_one_that_was_made_by_hand_to_the_same_alias_is_kept(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    logs = cloud.client("logs")
    logs.delete_subscription_filter(logGroupName="/web", filterName="shop-dev-alarm")
    logs.put_subscription_filter(
        logGroupName="/web", filterName="by-hand", filterPattern="OLD", destinationArn=ALIAS
    )

    project.deployer.deploy()

    assert filters(cloud) == [("by-hand", ALIAS, "")]
    assert deploy_again(project) == []


def test_it_waits_until_the_permission_is_heard_of(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    said = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission"
    fail_at(cloud, PUT, "InvalidParameterException", said)

    project.deployer.deploy()

    assert cloud.calls.count(PUT) == 2
    assert filters(cloud) == [("shop-dev-alarm", ALIAS, "")]


def test_a_pattern_that_is_none_fails_at_once(project: Project, cloud: Cloud) -> None:
    project.app = listening(pattern="{ $.status >> 5 }")

    with pytest.raises(
        DeployFailed, match=f"creating the subscription to the log group '/web' failed: {PUT}"
    ):
        project.deployer.deploy()

    assert cloud.calls.count(PUT) == 1


def test_what_may_not_be_looked_at_is_said(project: Project, cloud: Cloud) -> None:
    fail_always(cloud, "DescribeSubscriptionFilters", "AccessDeniedException", "User: x is not authorized")
    project.app = listening()

    with pytest.raises(DeployFailed, match="needs DescribeSubscriptionFilters, which this identity lacks"):
        project.deployer.deploy()
