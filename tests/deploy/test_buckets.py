"""A bucket tells our aliases of its objects; what it tells others of stays as it is, at every moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from microlambda import App
from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    create_function,
    deploy_again,
    fail_at,
    lose_reply_of,
    unlock,
)

WRITE = "PutBucketNotificationConfiguration"
OTHERS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:others"


def alias(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-{name}:live"


def handle(project: Project, **handlers: dict[str, Any]) -> None:
    """Give the app these handlers, in place of earlier ones."""
    project.app = App("shop")
    for name, options in handlers.items():
        project.app.on_s3_event(name=name, **{"bucket": "outbox", **options})(lambda event: None)


@pytest.fixture
def bucket(project: Project, cloud: Cloud) -> str:
    """A bucket that calls somebody else's function already, and a queue's place in its list."""
    s3 = cloud.client("s3")
    for name in ("outbox", "inbox"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    create_function(cloud, "others", {})
    told = {"Id": "theirs", "LambdaFunctionArn": OTHERS, "Events": ["s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="outbox", NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
    )
    handle(project, load={"prefix": "csv/", "suffix": ".csv"})
    return "outbox"


def told(cloud: Cloud, name: str = "outbox") -> list[tuple[str, list[str], dict[str, str]]]:
    answer = cloud.client("s3").get_bucket_notification_configuration(Bucket=name)
    found = [
        (
            one["LambdaFunctionArn"],
            one["Events"],
            {
                rule["Name"].lower(): rule["Value"]
                for rule in one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            },
        )
        for one in answer.get("LambdaFunctionConfigurations", [])
    ]
    return sorted(found, key=lambda one: (one[0], sorted(one[2].items())))


THEIRS: tuple[str, list[str], dict[str, str]] = (OTHERS, ["s3:ObjectRemoved:*"], {})
CREATED = ["s3:ObjectCreated:*"]


def test_a_bucket_calls_the_alias_and_goes_on_calling_others(
    project: Project, cloud: Cloud, bucket: str
) -> None:
    changes = [change.line for change in project.deployer.deploy().changes]

    assert changes[-2:] == [
        "+ permission microlambda-bucket-outbox of shop-dev-load",
        "+ notifications of the bucket outbox: calls shop-dev-load",
    ]
    assert told(cloud) == [THEIRS, (alias("load"), CREATED, {"prefix": "csv/", "suffix": ".csv"})]
    assert deploy_again(project) == []


def test_the_call_is_allowed_for_that_bucket_of_this_account_alone(
    project: Project, cloud: Cloud, bucket: str
) -> None:
    project.deployer.deploy()

    asked = cloud.last("AddPermission")["body"]
    assert b"arn:aws:s3:::outbox" in asked
    assert f'"SourceAccount": "{ACCOUNT}"'.encode() in asked


def test_changed_events_and_ends_are_written_in_one_call(project: Project, cloud: Cloud, bucket: str) -> None:
    project.deployer.deploy()
    handle(project, load={"prefix": ["a/", "b/"], "events": ["s3:ObjectRemoved:Delete"]})
    cloud.calls.clear()

    changes = [change.line for change in project.deployer.deploy().changes]

    assert changes == ["~ notifications of the bucket outbox: notifications"]
    assert cloud.changes == [WRITE]
    removed = ["s3:ObjectRemoved:Delete"]
    assert told(cloud) == [
        THEIRS,
        (alias("load"), removed, {"prefix": "a/"}),
        (alias("load"), removed, {"prefix": "b/"}),
    ]
    assert deploy_again(project) == []


def test_two_handlers_of_one_bucket_have_their_own(project: Project, cloud: Cloud, bucket: str) -> None:
    handle(project, load={"prefix": "a/"}, other={"prefix": "b/"})
    project.deployer.deploy()

    assert told(cloud) == [
        THEIRS,
        (alias("load"), CREATED, {"prefix": "a/"}),
        (alias("other"), CREATED, {"prefix": "b/"}),
    ]
    assert deploy_again(project) == []


def without_overlap(cloud: Cloud) -> None:
    """Refuse, as S3 does and moto does not, two notifications of which one key would be under both."""

    def check(name: str, params: dict[str, Any]) -> None:
        if name == WRITE:
            text = params["body"].decode() if isinstance(params["body"], bytes) else params["body"]
            prefixes = [part.partition("</Value>")[0] for part in text.split("<Value>")[1:]]
            assert len(prefixes) == len(set(prefixes)), f"S3 refuses that: {prefixes}"

    cloud.before_call = check


def test_handlers_that_change_places_do_so_in_one_call(project: Project, cloud: Cloud, bucket: str) -> None:
    handle(project, load={"prefix": "a/"}, other={"prefix": "b/"})
    project.deployer.deploy()
    handle(project, load={"prefix": "b/"}, other={"prefix": "a/"})
    without_overlap(cloud)

    project.deployer.deploy()

    assert told(cloud)[1:] == [
        (alias("load"), CREATED, {"prefix": "b/"}),
        (alias("other"), CREATED, {"prefix": "a/"}),
    ]
    assert deploy_again(project) == []


def test_a_renamed_handler_takes_over_in_one_call(project: Project, cloud: Cloud, bucket: str) -> None:
    project.deployer.deploy()
    handle(project, take={"prefix": "csv/", "suffix": ".csv"})
    without_overlap(cloud)

    project.deployer.deploy()

    assert told(cloud) == [THEIRS, (alias("take"), CREATED, {"prefix": "csv/", "suffix": ".csv"})]
    assert cloud.calls.count(WRITE) == 2  # at the first deploy, and now
    assert deploy_again(project) == []


def test_another_bucket_tells_before_the_old_one_is_silent(
    project: Project, cloud: Cloud, bucket: str
) -> None:
    project.deployer.deploy()
    handle(project, load={"bucket": "inbox"})

    changes = [change.line for change in project.deployer.deploy().changes]

    added = changes.index("+ notifications of the bucket inbox: calls shop-dev-load")
    assert added < changes.index("- notifications of the bucket outbox")
    assert told(cloud) == [THEIRS]
    assert told(cloud, "inbox") == [(alias("load"), CREATED, {})]
    assert deploy_again(project) == []


def test_what_was_taken_out_by_hand_is_put_back(project: Project, cloud: Cloud, bucket: str) -> None:
    project.deployer.deploy()
    cloud.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})

    project.deployer.deploy()

    assert told(cloud) == [(alias("load"), CREATED, {"prefix": "csv/", "suffix": ".csv"})]
    assert deploy_again(project) == []


def test_delete_leaves_what_others_have(project: Project, cloud: Cloud, bucket: str) -> None:
    project.deployer.deploy()

    project.deployer.delete(logs=True)

    assert told(cloud) == [THEIRS]
    assert project.deployer.delete(logs=True) == ()


def test_a_bucket_that_is_not_there_is_told_before_anything_is_made(project: Project, cloud: Cloud) -> None:
    handle(project, load={"bucket": "nowhere"})

    with pytest.raises(DeployFailed, match="the bucket 'nowhere' of the handler 'load' does not exist"):
        project.deployer.deploy()

    assert cloud.changes == []


def test_a_bucket_that_was_deleted_does_not_stop_the_removal(
    project: Project, cloud: Cloud, bucket: str
) -> None:
    handle(project, load={"bucket": "inbox"})
    project.deployer.deploy()
    cloud.client("s3").delete_bucket(Bucket="inbox")

    project.deployer.delete(logs=True)

    assert cloud.client("lambda").list_functions()["Functions"][0]["FunctionName"] == "others"


def test_through_eventbridge_the_bucket_is_told_to_send_there_and_keeps_what_it_has(
    project: Project, cloud: Cloud, bucket: str
) -> None:
    def sends() -> bool:
        answer = cloud.client("s3").get_bucket_notification_configuration(Bucket=bucket)
        return "EventBridgeConfiguration" in answer

    handle(project, load={"prefix": "csv/", "through": "eventbridge"})

    changes = [change.line for change in project.deployer.deploy().changes]

    assert "+ notifications of the bucket outbox: to EventBridge" in changes
    assert sends()
    assert told(cloud) == [THEIRS]
    assert deploy_again(project) == []
    project.deployer.delete(logs=True)
    assert told(cloud) == [THEIRS]


@pytest.mark.parametrize("call", ["AddPermission", WRITE])
@pytest.mark.parametrize("fault", [fail_at, lose_reply_of], ids=["fails", "reply lost"])
@pytest.mark.parametrize("what", ["first", "changed", "renamed"])
@pytest.mark.slow
def test_an_interruption_converges(
    project: Project, cloud: Cloud, bucket: str, what: str, fault: Callable[[Cloud, str], None], call: str
) -> None:
    if what != "first":
        project.deployer.deploy()
        name = "take" if what == "renamed" else "load"
        handle(project, **{name: {"prefix": "new/"}})
    expected = [
        THEIRS,
        {
            "first": (alias("load"), CREATED, {"prefix": "csv/", "suffix": ".csv"}),
            "changed": (alias("load"), CREATED, {"prefix": "new/"}),
            "renamed": (alias("take"), CREATED, {"prefix": "new/"}),
        }[what],
    ]
    fault(cloud, call)
    if call == WRITE or what != "changed":
        with pytest.raises(DeployFailed):
            project.deployer.deploy()
    cloud.before_call = cloud.lost = None
    unlock(cloud)

    project.deployer.deploy()

    assert told(cloud) == expected
    assert deploy_again(project) == []
