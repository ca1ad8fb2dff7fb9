"""Independent changes are made at the same time, and nothing is made before what it waits for."""

from __future__ import annotations

import concurrent.futures
import threading
from itertools import pairwise
from typing import Any

import pytest

from microlambda import App
from microlambda.deploy.changes import CREATE, REMOVE, UPDATE, Change
from microlambda.deploy.compare import compare
from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.observed import Observed
from microlambda.deploy.order import waits
from microlambda.deploy.place import Place
from microlambda.deploy.session import Aws
from microlambda.plan.kinds import REMOVAL_ORDER
from microlambda.plan.records import Record
from tests.deploy.conftest import (
    REGION,
    Cloud,
    Project,
    client_error,
    deploy_again,
    new_session,
)
from tests.deploy.whole import make_what_is_read, whole
from tests.plan.everything import everything

WAIT = 30  # s, after which a test gives up
BUCKET = "bucket-notifications"


def creations(project: Project) -> list[Change]:
    place = Place(partition="aws", account="1", region="eu-west-1")
    return list(compare(project.plan, Observed(), place))


def after(found: list[set[int]], number: int) -> set[int]:
    """Everything that comes before a change, near or far."""
    every: set[int] = set()
    for one in range(number, -1, -1):  # what a change waits for comes before it in the list
        if one == number or one in every:
            every |= found[one]
    return every


def role(params: dict[str, Any]) -> str:
    """The role's name in a request to IAM."""
    return str(params["body"]["RoleName"])


@pytest.fixture
def full(project: Project, cloud: Cloud) -> Project:
    """Give the app with one of each kind, and what it reads."""
    project.app = everything()
    make_what_is_read(cloud, project.plan)
    return project


def test_a_change_waits_for_all_that_it_refers_to(full: Project) -> None:
    changes = creations(full)
    found = waits(changes)

    for number, change in enumerate(changes):
        assert isinstance(change.record, Record)
        earlier = {(changes[one].kind, changes[one].key) for one in after(found, number)}
        assert {(ref.kind, ref.key) for ref in change.record.references()} <= earlier
    assert [number for number, before in enumerate(found) if not before] != [0]


def test_what_touches_one_function_or_one_bucket_has_an_order(full: Project) -> None:
    removed = ["s3:ObjectRemoved:*"]
    full.app.on_s3_event(bucket="outbox", events=removed, name="forget")(lambda event: None)
    changes = creations(full)
    found = waits(changes)

    def together(*numbers: int) -> bool:
        return all(one in after(found, other) for one, other in pairwise(numbers))

    for name in {str(getattr(one.record, "function_name", "")) for one in changes} - {""}:
        assert together(*(number for number, one in enumerate(changes) if name in _touched(one)))
    outbox = [number for number, one in enumerate(changes) if (one.kind, one.name) == (BUCKET, "outbox")]
    assert len(outbox) == 2
    assert together(*outbox)


def test_an_api_that_is_there_waits_for_what_lets_it_call_an_authorizer(full: Project) -> None:
    app, full.app = full.app, App("shop")
    full.app.get("/")(lambda: "hello")
    full.deployer.deploy()
    full.app = app
    changes = full.deployer.changes()
    places = {(one.kind, one.key): number for number, one in enumerate(changes)}
    api, entered = places["http-api", "http"], places["permission", "http#check"]

    found = waits(changes)

    assert changes[api].action == UPDATE
    assert entered in found[api]
    assert api not in after(found, entered)
    assert places["alias", "check"] in found[entered]


def _touched(change: Change) -> set[str]:
    function = change.name if change.kind in ("function", "version") else ""
    return {str(getattr(change.record, "function_name", function)), function}


def test_nothing_goes_before_its_successor_is_there_and_what_calls_goes_first(full: Project) -> None:
    full.deployer.deploy()
    full.app = App("shop")
    full.app.get("/")(lambda: "hello")
    full.app.lambda_function(name="renamed")(lambda event, context: None)
    changes = full.deployer.changes()
    found = waits(changes)
    removals = [number for number, one in enumerate(changes) if one.action == REMOVE]

    made = {number for number, one in enumerate(changes) if one.action == CREATE}
    assert made
    for number in removals:
        assert made <= after(found, number)
        order = REMOVAL_ORDER.index(changes[number].kind)
        before = {other for other in removals if REMOVAL_ORDER.index(changes[other].kind) < order}
        assert before <= after(found, number)


def test_functions_are_created_side_by_side(full: Project, cloud: Cloud) -> None:
    both = threading.Barrier(2)
    met: list[str] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "CreateFunction" and len(met) < 2:
            met.append(str(params["body"]))
            both.wait(WAIT)  # breaks unless another one is being created

    cloud.before_call = before_call
    full.workers = 4

    full.deployer.deploy()

    assert len(set(met)) == 2


@pytest.mark.parametrize("workers", [2, 8])
def test_the_account_is_the_same_however_many_changes_are_made_at_a_time(full: Project, workers: int) -> None:
    full.workers = workers
    full.deployer.deploy()
    made = whole(full.cloud)

    assert deploy_again(full) == []
    full.deployer.delete(logs=True)
    assert whole(full.cloud) == {}
    full.workers = 1
    full.deployer.deploy()
    assert made == whole(full.cloud)


def test_where_one_fails_what_runs_beside_it_comes_to_its_end_and_nothing_else_begins(
    full: Project, cloud: Cloud
) -> None:
    failed = threading.Event()
    ended: list[str] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "CreateRole" and "shop-dev-http" in role(params):
            failed.set()
            raise client_error(cloud, name, "InternalFailure")
        if name == "CreateRole":
            assert failed.wait(WAIT)
            ended.append(role(params))

    cloud.before_call = before_call
    full.workers = 3

    with pytest.raises(DeployFailed, match=r"role 'shop-dev-http-.* \d of \d+ changes were applied"):
        full.deployer.deploy()

    assert sorted(one["RoleName"] for one in cloud.client("iam").list_roles()["Roles"]) == sorted(ended)
    assert cloud.client("lambda").list_functions()["Functions"] == []
    cloud.before_call = None
    full.deployer.deploy()
    assert deploy_again(full) == []


def test_where_several_fail_at_once_each_is_told(full: Project, cloud: Cloud) -> None:
    both = threading.Barrier(2)

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "CreateRole":
            both.wait(WAIT)
            raise client_error(cloud, name, "InternalFailure", f"no {role(params)}")

    cloud.before_call = before_call
    full.workers = 2

    with pytest.raises(DeployFailed, match="CreateRole answered InternalFailure: no shop-dev-") as failed:
        full.deployer.deploy()

    (other,) = [line for line in full.said if line.startswith("Failed, too: creating the role 'shop-dev-")]
    assert other.rpartition("no ")[2] not in str(failed.value)


@pytest.fixture
def waiting(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the deployer wait as it does on AWS; gives what is set once it does."""
    begun = threading.Event()
    patient = Aws(new_session().client, region=REGION)

    def sleep(seconds: float) -> None:
        begun.set()
        patient.sleep(WAIT)

    monkeypatch.setattr(cloud.aws, "sleep", sleep)
    monkeypatch.setattr(cloud.aws, "interrupt", patient.interrupt)
    return begun


def test_ctrl_c_ends_the_waiting_of_all_threads(
    full: Project, cloud: Cloud, waiting: threading.Event
) -> None:
    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "PutRolePolicy" and "shop-dev-http" in role(params):
            raise client_error(cloud, name, "NoSuchEntity", "The role with name x cannot be found.")
        if name == "PutRolePolicy":
            assert waiting.wait(WAIT)
            raise KeyboardInterrupt

    cloud.before_call = before_call
    full.workers = 2

    with pytest.raises(KeyboardInterrupt):
        full.deployer.deploy()

    assert full.said[-1].startswith("Interrupted. ")
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


def test_ctrl_c_ends_the_waiting_after_a_failure_too_and_what_failed_is_told(
    full: Project, cloud: Cloud, waiting: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[bool] = []

    def wait(running: Any, **how: Any) -> Any:
        if not how and not pressed:  # for the end of what has begun, once something has failed
            pressed.append(True)
            raise KeyboardInterrupt
        return concurrent.futures.wait(running, **how)

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "PutRolePolicy" and "shop-dev-http" in role(params):
            raise client_error(cloud, name, "NoSuchEntity", "The role with name x cannot be found.")
        if name == "PutRolePolicy":
            assert waiting.wait(WAIT)
            raise client_error(cloud, name, "InternalFailure", "broken")

    monkeypatch.setattr("microlambda.deploy.apply.wait", wait)
    cloud.before_call = before_call
    full.workers = 2

    with pytest.raises(KeyboardInterrupt):
        full.deployer.deploy()

    assert pressed
    assert full.said[-2].startswith("Failed: creating the role 'shop-dev-")
    assert "InternalFailure: broken" in full.said[-2]
    assert full.said[-1].startswith("Interrupted. ")
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []
