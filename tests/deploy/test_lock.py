"""One deploy of a stage at a time."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from moto.ssm.models import ssm_backends

from microlambda.deploy.deployer import Deployer
from microlambda.deploy.errors import DeployFailed, LockHeld
from microlambda.deploy.lock import Lock
from tests.deploy.conftest import (
    ACCOUNT,
    FIRST_DEPLOY,
    REGION,
    Cloud,
    Project,
    fail_always,
    fail_at,
)

NAME = "/microlambda/shop/dev/lock"


THEIRS = json.dumps({"host": "build-7", "user": "ann", "since": "2026-11-20T14:05:00", "token": "theirs"})


def leave_a_lock(cloud: Cloud, age: timedelta, value: str = THEIRS) -> None:
    cloud.client("ssm").put_parameter(Name=NAME, Value=value, Type="String")
    parameter: Any = ssm_backends[ACCOUNT][REGION]._parameters[NAME][-1]
    parameter.last_modified_date = time.time() - age.total_seconds()


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
    leave_a_lock(cloud, timedelta(minutes=16), value="?")

    project.deployer.deploy()

    assert locks(cloud) == []


def test_the_age_of_a_lock_is_what_aws_says(project: Project, cloud: Cloud) -> None:
    leave_a_lock(cloud, timedelta(minutes=16), value=THEIRS.replace("2026", "9999"))
    project.deployer.deploy()
    leave_a_lock(cloud, timedelta(minutes=3), value=THEIRS.replace("2026", "1999"))
    project.write("memory = 512")

    with pytest.raises(LockHeld):
        project.deployer.deploy()


def test_a_held_lock_is_named_so_that_it_can_be_removed(project: Project, cloud: Cloud) -> None:
    leave_a_lock(cloud, timedelta())

    with pytest.raises(LockHeld, match=f"it holds the SSM parameter '{NAME}'"):
        project.deployer.deploy()


def test_of_two_that_take_over_one_lock_the_later_reader_stops(project: Project, cloud: Cloud) -> None:
    leave_a_lock(cloud, timedelta(minutes=16))
    looks: list[str] = []

    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == "GetParameter":
            looks.append(name)
            if len(looks) == 2:  # the look just before the removal
                other = cloud.client("ssm")
                other.put_parameter(Name=NAME, Value=THEIRS.replace("theirs", "x"), Overwrite=True)

    cloud.before_call = before_call

    with pytest.raises(LockHeld, match="ann@build-7 is deploying"):
        project.deployer.deploy()

    assert cloud.changes == []
    assert "DeleteParameter" not in cloud.calls
    assert locks(cloud) == [NAME]


def test_of_two_that_take_over_one_lock_the_one_whose_lock_was_replaced_stops(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_a_lock(cloud, timedelta(minutes=16))

    def replaced(_seconds: float) -> None:
        cloud.client("ssm").put_parameter(Name=NAME, Value=THEIRS.replace("theirs", "x"), Overwrite=True)

    monkeypatch.setattr(cloud.aws, "sleep", replaced)

    with pytest.raises(LockHeld, match="ann@build-7 is deploying"):
        project.deployer.deploy()

    assert cloud.changes == []
    assert locks(cloud) == [NAME]


def test_a_lock_that_goes_while_it_is_looked_at_is_tried_again(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_a_lock(cloud, timedelta())
    real = ssm_backends[ACCOUNT][REGION].__class__.get_parameter

    def gone(self: Any, name: str) -> Any:
        self._parameters.pop(NAME, None)
        monkeypatch.setattr(type(self), "get_parameter", real)
        return None

    monkeypatch.setattr(ssm_backends[ACCOUNT][REGION].__class__, "get_parameter", gone)

    project.deployer.deploy()

    assert cloud.changes == FIRST_DEPLOY
    assert locks(cloud) == []


def test_a_lock_that_nobody_is_seen_to_hold_is_not_waited_for_for_ever(
    project: Project, cloud: Cloud
) -> None:
    fail_always(cloud, "PutParameter", "ParameterAlreadyExists")

    with pytest.raises(LockHeld, match="another deploy of stage 'dev' has just started"):
        project.deployer.deploy()

    assert cloud.sleeps == [0.5, 1, 2]


def test_ctrl_c_just_after_the_lock_was_made_releases_it(project: Project, cloud: Cloud) -> None:
    made: list[str] = []

    def after_call(model: Any, **_rest: Any) -> None:
        if model.name == "PutParameter" and not made:
            made.extend(locks(cloud))
            raise KeyboardInterrupt

    cloud.aws.client("ssm").meta.events.register("after-call", after_call)

    with pytest.raises(KeyboardInterrupt):
        project.deployer.deploy()

    assert made == [NAME]
    assert locks(cloud) == []


def test_the_lock_is_released_after_an_error(project: Project, cloud: Cloud) -> None:
    fail_at(cloud, "CreateFunction")

    with pytest.raises(DeployFailed):
        project.deployer.deploy()

    assert "PutParameter" in cloud.calls
    assert locks(cloud) == []


def test_an_archive_that_cannot_be_built_changes_nothing_and_takes_no_lock(
    project: Project, cloud: Cloud
) -> None:
    def archive(_key: str) -> bytes:
        raise DeployFailed("no archive")

    deployer = Deployer(cloud.aws, project.plan, archive=archive)

    with pytest.raises(DeployFailed, match="no archive"):
        deployer.deploy()
    assert cloud.mutating == []


def test_each_archive_is_built_once(project: Project) -> None:
    project.app.task(name="resize")(lambda key: None)

    project.deployer.deploy()

    assert sorted(project.built) == ["code", "dependencies"]


def test_the_lock_is_released_after_ctrl_c(project: Project, cloud: Cloud) -> None:
    held: list[str] = []

    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateFunction":
            held.extend(locks(cloud))
            raise KeyboardInterrupt

    cloud.before_call = before_call

    with pytest.raises(KeyboardInterrupt):
        project.deployer.deploy()
    assert held == [NAME]
    assert project.said[-1] == "Interrupted. 3 of 8 changes were applied. Run the same command again."
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
