"""One deploy of a stage at a time."""

from __future__ import annotations

import concurrent.futures
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from moto.ssm.models import ssm_backends

from microlambda.deploy import apply as apply_module
from microlambda.deploy import lock as lock_module
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
PATIENCE = 30  # s, after which a test gives up


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


def version(cloud: Cloud) -> int:
    """How often the lock has been written."""
    found = cloud.client("ssm").get_parameter(Name=NAME)["Parameter"]["Version"]
    assert isinstance(found, int)
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_lock_is_renewed_for_as_long_as_it_is_held(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "RENEWED_EVERY", 0.01)
    lock = Lock(cloud.aws, project.plan.scope, say=print)

    with lock.held():
        wait_for(lambda: version(cloud) > 3)
        lock.check()

    assert locks(cloud) == []


def test_a_renewal_that_fails_is_tried_again(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "RENEWED_EVERY", 0.01)

    with Lock(cloud.aws, project.plan.scope, say=print).held():
        fail_at(cloud, "PutParameter")
        wait_for(lambda: version(cloud) > 2)

    assert cloud.calls.count("PutParameter") > 2


def test_a_deploy_whose_lock_is_another_s_by_now_begins_nothing_more(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, checks = Lock.check, list[Lock]()

    def checked(lock: Lock) -> None:
        checks.append(lock)
        if len(checks) == 3:  # as after the sleep of a laptop
            cloud.client("ssm").delete_parameter(Name=NAME)
            leave_a_lock(cloud, timedelta())
            lock.renew()
        check(lock)

    monkeypatch.setattr(Lock, "check", checked)

    with pytest.raises(LockHeld, match="ann@build-7 is deploying stage 'dev' since"):
        project.deployer.deploy()

    assert cloud.changes[-2:] == ["CreateLogGroup", "PutRetentionPolicy"]
    assert cloud.client("ssm").get_parameter(Name=NAME)["Parameter"]["Value"] == THEIRS


def test_a_deploy_whose_lock_somebody_removed_begins_nothing_more(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Lock.check

    def checked(lock: Lock) -> None:
        cloud.client("ssm").delete_parameter(Name=NAME)
        lock.renew()
        check(lock)

    monkeypatch.setattr(Lock, "check", checked)

    with pytest.raises(LockHeld, match="somebody has removed the SSM parameter"):
        project.deployer.deploy()

    assert cloud.changes == []


def test_ctrl_c_again_and_again_leaves_the_lock_while_something_goes_on(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateFunction":
            begun.set()
            assert goes_on.wait(PATIENCE)

    def interrupted(*_arguments: Any, **_named: Any) -> Any:
        if begun.wait(0.2):
            raise KeyboardInterrupt
        return concurrent.futures.wait(*_arguments, **_named)

    class Impatient(ThreadPoolExecutor):
        def shutdown(self, *_arguments: Any, **_named: Any) -> None:
            raise KeyboardInterrupt

    cloud.before_call = before_call
    monkeypatch.setattr(apply_module, "wait", interrupted)
    monkeypatch.setattr(apply_module, "ThreadPoolExecutor", Impatient)

    with pytest.raises(KeyboardInterrupt):
        project.deployer.deploy()

    assert locks(cloud) == [NAME]
    assert "The lock of stage 'dev' is left, as a change may still be on its way" in project.said[-1]
    goes_on.set()


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
