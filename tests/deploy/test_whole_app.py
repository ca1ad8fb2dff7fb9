"""The fullest app, killed and its replies lost at every call: the next run makes the account whole.

A copy of the process is made at each call, so that all that comes before it is made once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from tests.deploy.conftest import Cloud, Project, unlock
from tests.deploy.faults import Fault, Faults, Inline, in_a_copy, make_twice, refuse, time_out
from tests.deploy.whole import entrances, make_what_is_read, whole
from tests.plan.everything import everything

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


DENIED = "User: x is not authorized to perform: this on resource: that"

#: The SDK makes a call again whose reply is lost; what is throttled it makes again, so that nobody notices.
FAULTS = (
    Fault(name="made twice", disturb=make_twice),
    Fault(
        name="throttled", disturb=refuse(429, "ThrottlingException", "slow"), says=None, once_per_kind=True
    ),
    Fault(
        name="denied",
        disturb=refuse(403, "AccessDenied", DENIED),
        says="this identity lacks",
        once_per_kind=True,
    ),
    Fault(name="timed out", disturb=time_out, says="AWS cannot be reached", once_per_kind=True),
)


def changed() -> App:
    """The app with something else about each of its handlers."""
    app = App("shop")
    app.get("/")(lambda: "hello")
    app.task(name="resize", retries=1)(lambda: None)
    app.on_sqs_message(queue="orders", name="take_orders", batch_size=5)(lambda event: None)
    app.on_dynamodb_record(table="orders", name="follow_orders", batch_size=7)(lambda event: None)
    app.on_event({"source": ["shop", "mail"]}, name="bill")(lambda event: None)
    app.schedule("rate(2 days)", name="tidy")(lambda event: None)
    app.schedule("rate(2 days)", tz="UTC", name="wake")(lambda event: None)
    app.on_sns_message("news", name="tell", filter_policy={"kind": ["bill"]})(lambda event: None)
    app.on_s3_event(bucket="outbox", name="load", prefix="csv/")(lambda event: None)
    return app


def update(project: Project) -> None:
    project.app = changed()
    project.code, project.dependencies = "two", "second"
    project.write("memory = 512\nreserved_concurrency = 5\nlog_retention = 7\n")


def rename(project: Project) -> None:
    """Give each kind of trigger's handler another name."""
    app = App("shop")
    app.get("/")(lambda: "hello")
    app.task(name="resize", retries=0)(lambda: None)
    app.on_sqs_message(queue="orders", name="accept")(lambda event: None)
    app.on_dynamodb_record(table="orders", name="follow_orders")(lambda event: None)
    app.on_event({"source": ["shop"]}, name="invoice")(lambda event: None)
    app.schedule("rate(1 day)", name="tidy")(lambda event: None)
    app.schedule("rate(1 day)", tz="UTC", name="rise")(lambda event: None)
    app.on_sns_message("news", name="announce", filter_policy={"kind": ["order"]})(lambda event: None)
    app.on_s3_event(bucket="outbox", name="fetch")(lambda event: None)
    project.app = app


def remove(project: Project) -> None:
    project.app = App("shop")
    project.app.get("/")(lambda: "hello")
    project.app.schedule("rate(1 day)", name="tidy")(lambda event: None)


def rest_api(project: Project) -> None:
    """Let a REST API stand before the app, which asks for a key at one of its routes."""
    project.app = everything()
    project.app.get("/partners/list", api_key_required=True)(lambda: "hello")
    project.write('ingress = "rest-api"\napi_keys = ["partner"]\n')


def function_url(project: Project) -> None:
    project.app = everything()
    project.write('ingress = "function-url"\n')


def http_api(project: Project) -> None:
    project.write("")


def nothing(project: Project) -> None:
    del project


@pytest.fixture
def full(project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the app with one of each kind, and what it reads; changes are made one after the other."""
    monkeypatch.setattr("microlambda.deploy.apply.ThreadPoolExecutor", Inline)
    project.app = everything()
    make_what_is_read(cloud, project.plan)
    return project


def written(state: dict[str, Any]) -> str:
    return json.dumps(state, sort_keys=True, default=str, indent=1)


def converged(project: Project, run: Callable[[], object]) -> str:
    """Run once more, undisturbed, and tell what the account holds then."""
    unlock(project.cloud)  # which a killed process leaves, and which is taken over after 15 minutes
    run()
    return written(whole(project.cloud))


def check_all(
    project: Project, folder: Path, run: Callable[[], object], *, between: Callable[[], None] | None = None
) -> list[str]:
    """Disturb `run` at each of its calls; gives the calls that were disturbed."""
    expected = in_a_copy(folder, lambda: converged(project, run))

    def judge() -> None:
        if between is not None:
            between()
        assert converged(project, run).splitlines() == expected.splitlines()

    faults = Faults(project.cloud, folder, judge, FAULTS, kills=True)
    faults.run(run)
    assert not faults.failures, "\n\n".join(faults.failures[:3]) + f"\n{len(faults.failures)} in all"
    assert written(whole(project.cloud)) == expected
    return faults.calls


def test_a_first_deploy_that_is_disturbed_anywhere_converges(full: Project, tmp_path: Path) -> None:
    calls = check_all(full, tmp_path, lambda: full.deployer.deploy())

    assert len(calls) > 90
    assert {"CreateFunction", "CreateApi", "PutRule", "Subscribe", "CreateSchedule"} <= {*calls}


@pytest.mark.parametrize(
    ("start", "change", "least"),
    [
        pytest.param(nothing, update, 60, id="update"),
        pytest.param(nothing, rename, 60, id="renamed"),
        pytest.param(nothing, remove, 40, id="removed"),
        pytest.param(nothing, rest_api, 10, id="http-api to rest-api"),
        pytest.param(rest_api, function_url, 5, id="rest-api to function-url"),
        pytest.param(function_url, http_api, 5, id="function-url to http-api"),
    ],
)
def test_a_change_that_is_disturbed_anywhere_converges_and_what_answers_goes_on_answering(
    full: Project, cloud: Cloud, tmp_path: Path, start: Any, change: Any, least: int
) -> None:
    start(full)
    full.deployer.deploy()
    before = whole(cloud)
    change(full)

    def deploy() -> None:
        full.deployer.deploy()

    def deploy_wholly() -> str:
        made = converged(full, deploy)
        assert not full.deployer.changes()
        return made

    after = json.loads(in_a_copy(tmp_path, deploy_wholly))
    lasting = {name for name in before if name in after}

    def between() -> None:
        now = whole(cloud)
        assert lasting - {*now} == set()
        assert entrances(cloud)
        for name in lasting:
            if name.startswith("function "):
                kept = {*before[name]["statements"]} & {*after[name]["statements"]}
                assert kept - {*now[name]["statements"]} == set(), name

    calls = check_all(full, tmp_path, deploy, between=between)

    assert len(calls) >= least


def test_a_delete_that_is_disturbed_anywhere_is_finished_by_the_next(full: Project, tmp_path: Path) -> None:
    full.deployer.deploy()

    calls = check_all(full, tmp_path, lambda: full.deployer.delete(logs=True))

    assert len(calls) > 60
    assert whole(full.cloud) == {}
