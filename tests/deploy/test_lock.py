"""One deploy of a stage at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from microlambda.deploy.errors import DeployFailed, LockHeld
from microlambda.deploy.lock import Lock
from tests.deploy.conftest import Cloud, Project

NAME = "/microlambda/shop/dev/lock"


def leave_a_lock(cloud: Cloud, age: timedelta) -> None:
    since = (datetime.now(UTC) - age).isoformat(timespec="seconds")
    value = json.dumps({"host": "build-7", "user": "ann", "since": since, "token": "theirs"})
    cloud.client("ssm").put_parameter(Name=NAME, Value=value, Type="String")


def locks(cloud: Cloud) -> list[str]:
    return [one["Name"] for one in cloud.client("ssm").describe_parameters()["Parameters"]]


def test_a_second_deploy_says_who_holds_the_lock_and_stops(project: Project, cloud: Cloud) -> None:
    leave_a_lock(cloud, timedelta(minutes=3))

    with pytest.raises(LockHeld, match=r"ann@build-7 is deploying stage 'dev' since 20"):
        project.deployer.deploy()

    assert cloud.changes == []
    assert locks(cloud) == [NAME]


def test_an_old_lock_is_taken_over_saying_so(project: Project, cloud: Cloud) -> None:
    leave_a_lock(cloud, timedelta(minutes=16))

    project.deployer.deploy()

    assert project.said[0].startswith("Taking over the lock that ann@build-7 left at 20")
    assert locks(cloud) == []


def test_a_lock_that_says_nothing_readable_is_taken_over(project: Project, cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(Name=NAME, Value="?", Type="String")

    project.deployer.deploy()

    assert locks(cloud) == []


def test_the_lock_is_released_after_an_error(project: Project, cloud: Cloud) -> None:
    def archive() -> bytes:
        raise DeployFailed("no archive")

    deployer = project.deployer
    deployer._archive = archive

    with pytest.raises(DeployFailed, match="no archive"):
        deployer.deploy()
    assert locks(cloud) == []


def test_the_lock_is_released_after_ctrl_c(project: Project, cloud: Cloud) -> None:
    held: list[str] = []

    def archive() -> bytes:
        held.extend(locks(cloud))
        raise KeyboardInterrupt

    deployer = project.deployer
    deployer._archive = archive

    with pytest.raises(KeyboardInterrupt):
        deployer.deploy()
    assert held == [NAME]
    assert project.said[-1] == "Interrupted. 2 of 7 changes were applied. Run the same command again."
    assert locks(cloud) == []


def test_a_lock_that_another_has_taken_over_is_left_to_it(project: Project, cloud: Cloud) -> None:
    with Lock(cloud.aws, project.plan.scope, say=print).held():
        cloud.client("ssm").delete_parameter(Name=NAME)
        leave_a_lock(cloud, timedelta())

    assert locks(cloud) == [NAME]


def test_a_lock_of_ours_whose_reply_was_lost_is_ours(project: Project, cloud: Cloud) -> None:
    lock = Lock(cloud.aws, project.plan.scope, say=print)

    assert lock._create()
    assert lock._create()


def test_stages_have_locks_of_their_own(project: Project, cloud: Cloud) -> None:
    project.write("[stages.prod]")
    leave_a_lock(cloud, timedelta())
    project.stage = "prod"

    project.deployer.deploy()

    assert locks(cloud) == [NAME]


def test_looking_takes_no_lock(project: Project, cloud: Cloud) -> None:
    leave_a_lock(cloud, timedelta())

    assert project.deployer.changes()
    assert cloud.mutating == []
