"""The fullest app, killed and its replies lost at every call: the next run makes the account whole.

A copy of the process is made at each call, so that all that comes before it is made once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from tests.deploy.conftest import ACCOUNT, Cloud, Project, unlock
from tests.deploy.faults import Fault, Faults, in_a_copy, make_twice, refuse, time_out
from tests.deploy.inline import Inline
from tests.deploy.leads import leads
from tests.deploy.whole import make_what_is_attached, make_what_is_read, settings_of, whole
from tests.plan.everything import QUEUE, everything, without_authorizers

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


#: The kinds of calls of a first deploy. Its scenario has all faults of each of them, so that those of changes
#: have the faults that come once for a kind at other calls alone.
OF_A_FIRST_DEPLOY = {
    *(
        "PutParameter",
        "CreateRole",
        "PutRolePolicy",
        "AttachRolePolicy",
        "CreateLogGroup",
        "PutRetentionPolicy",
    ),
    *("PublishLayerVersion", "CreateFunction", "PutFunctionConcurrency", "PublishVersion", "CreateAlias"),
    *("PutFunctionEventInvokeConfig", "CreateEventSourceMapping", "AddPermission", "CreateApi"),
    *("CreateIntegration", "CreateAuthorizer", "CreateRoute", "CreateStage", "PutRule", "PutTargets"),
    *("CreateScheduleGroup", "CreateSchedule", "Subscribe", "PutSubscriptionFilter"),
    *("PutBucketNotificationConfiguration", "DeleteParameter"),
}


def changed() -> App:
    """The app with something else about each of its handlers."""
    app = App("shop")
    app.get("/")(lambda: "hello")
    app.task(name="resize", retries=1)(lambda: None)
    of_orders = {"body": {"kind": ["order", "return"]}}
    app.on_sqs_message(queue="orders", name="take_orders", batch_size=5, filters=of_orders)(_take)
    app.on_dynamodb_record(table="orders", name="follow_orders", batch_size=7)(_take)
    app.on_kinesis_record(stream="clicks", name="count", retries=3, on_failure=QUEUE)(_take)
    app.on_event({"source": ["shop", "mail"]}, name="bill")(_take)
    app.on_event({"source": ["shop", "mail"]}, bus="trade", name="book")(_take)
    app.schedule("rate(2 days)", name="tidy", dead_letter_queue=QUEUE)(_take)
    app.schedule("rate(2 days)", tz="UTC", name="wake")(_take)
    app.on_sns_message("news", name="tell", filter_policy={"kind": ["bill"]})(_take)
    app.on_log_events("/shop/web", name="alarm", filter_pattern="ERROR")(_take)
    app.on_s3_event(bucket="outbox", name="load", prefix="csv/")(_take)
    app.on_s3_event(bucket="inbox", through="eventbridge", name="receive", prefix="csv/")(_take)
    app.get("/members", authorizer=app.authorizer(name="check", ttl=60)(_decide))(lambda: "hello, member")
    return app


def _decide(request: object) -> bool:
    return True


def _take(event: object) -> None: ...


UPDATED = f"""
python = "3.13"
architecture = "x86_64"
memory = 512
ephemeral_storage = 1024
log_retention = 7
environment = {{ TABLE = "orders", LEVEL = "info" }}
tags = {{ team = "sales", cost = "low" }}

[functions.http]
policies = ["arn:aws:iam::{ACCOUNT}:policy/two", "arn:aws:iam::{ACCOUNT}:policy/three"]
reserved_concurrency = 5

[functions.tidy]
tracing = true
"""


def update(project: Project) -> None:
    project.app = changed()
    project.code, project.dependencies = "two", "second"
    project.write(UPDATED)


def rename(project: Project) -> None:
    """Give each kind of trigger's handler another name, but one."""
    app = App("shop")
    app.get("/")(lambda: "hello")
    app.task(name="resize", retries=0, on_failure=QUEUE)(lambda: None)
    of_orders = {"body": {"kind": ["order"]}}
    app.on_sqs_message(queue="orders", name="accept", filters=of_orders)(_take)
    app.on_dynamodb_record(table="orders", name="follow_orders", on_failure=QUEUE)(_take)
    app.on_kinesis_record(stream="clicks", name="add", retries=3)(_take)
    app.on_event({"source": ["shop"]}, name="invoice", dead_letter_queue=QUEUE)(_take)
    app.on_event({"source": ["shop"]}, bus="trade", name="keep")(_take)
    app.schedule("rate(1 day)", name="tidy")(_take)
    app.schedule("rate(1 day)", tz="UTC", name="rise", dead_letter_queue=QUEUE)(_take)
    app.on_sns_message("news", name="announce", filter_policy={"kind": ["order"]})(_take)
    app.on_log_events("/shop/web", name="warn", filter_pattern="?ERROR ?WARN")(_take)
    app.on_s3_event(bucket="outbox", name="fetch")(_take)
    app.on_s3_event(bucket="inbox", through="eventbridge", name="collect")(_take)
    app.get("/members", authorizer=app.authorizer(name="verify")(_decide))(lambda: "hello, member")
    project.app = app
    project.write(settings_of(traced="accept", connected="add"))


def remove(project: Project) -> None:
    project.app = App("shop")
    project.app.get("/")(lambda: "hello")
    project.app.schedule("rate(1 day)", name="tidy")(_take)
    project.write(settings_of(traced=None, connected=None))


def rest_api(project: Project) -> None:
    """Let a REST API stand before the app: one route asks for a key, another has an authorizer."""
    project.app = everything()
    project.app.get("/partners/list", api_key_required=True)(lambda: "hello")
    project.write('ingress = "rest-api"\napi_keys = ["partner"]\n' + settings_of())


def function_url(project: Project) -> None:
    """Let a URL stand before the app, which can ask no authorizer."""
    project.app = without_authorizers()
    project.write('ingress = "function-url"\n' + settings_of())


def http_api(project: Project) -> None:
    project.write(settings_of())


def nothing(project: Project) -> None:
    del project


@pytest.fixture
def full(project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the app with one of each kind, and what it reads; changes are made one after the other."""
    monkeypatch.setattr("microlambda.deploy.apply.ThreadPoolExecutor", Inline)
    monkeypatch.setattr("microlambda.deploy.lock.RENEWED_EVERY", 86_400)  # a copy has no other threads
    project.app = everything()
    project.write(settings_of())
    make_what_is_read(cloud, project.plan)
    make_what_is_attached(cloud)
    return project


def written(state: dict[str, Any]) -> str:
    return json.dumps(state, sort_keys=True, default=str, indent=1)


def converged(project: Project, run: Callable[[], object]) -> str:
    """Run once more, undisturbed, and tell what the account holds then."""
    unlock(project.cloud)  # which a killed process leaves, and which is taken over after 15 minutes
    run()
    return written(whole(project.cloud))


def check_all(
    project: Project,
    folder: Path,
    run: Callable[[], object],
    *,
    between: Callable[[], None] | None = None,
    known: Collection[str] = (),
) -> list[str]:
    """Disturb `run` at each of its calls, those of `known` kinds by kills and lost replies alone.

    Gives the calls that were disturbed.
    """
    expected = in_a_copy(folder, lambda: converged(project, run))

    def judge() -> None:
        assert converged(project, run).splitlines() == expected.splitlines()

    def judge_finished() -> None:
        if written(whole(project.cloud)) != expected:  # what was made twice goes with the next run
            judge()

    faults = Faults(
        project.cloud,
        folder,
        judge,
        FAULTS,
        finished=judge_finished,
        known=known,
        kills=True,
        broken_off=between,
    )
    faults.run(run)
    assert not faults.failures, "\n\n".join(faults.failures[:3]) + f"\n{len(faults.failures)} in all"
    assert written(whole(project.cloud)) == expected
    return faults.calls


def test_a_first_deploy_that_is_disturbed_anywhere_converges(full: Project, tmp_path: Path) -> None:
    calls = check_all(full, tmp_path, lambda: full.deployer.deploy())

    assert len(calls) > 90
    assert {*calls} == OF_A_FIRST_DEPLOY


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
    before, reached = whole(cloud), leads(cloud)
    change(full)

    def deploy() -> None:
        full.deployer.deploy()

    def deploy_wholly() -> str:
        deploy()
        assert not full.deployer.changes()
        return written({"held": whole(cloud), "reached": sorted(leads(cloud))})

    after = json.loads(in_a_copy(tmp_path, deploy_wholly))
    lasting = before.keys() & after["held"].keys()
    # What reached a function goes on reaching one, and what was reached goes on being reached.
    answering = [{one[end] for one in reached} & {one[end] for one in after["reached"]} for end in (0, 1)]
    assert all(answering)

    def between() -> None:
        assert lasting - whole(cloud).keys() == set()
        now = leads(cloud)
        for end in (0, 1):
            assert answering[end] - {one[end] for one in now} == set()

    calls = check_all(full, tmp_path, deploy, between=between, known=OF_A_FIRST_DEPLOY)

    assert len(calls) >= least


def test_a_delete_that_is_disturbed_anywhere_is_finished_by_the_next(full: Project, tmp_path: Path) -> None:
    full.deployer.deploy()

    calls = check_all(full, tmp_path, lambda: full.deployer.delete(logs=True))

    assert len(calls) > 60
    assert [*whole(full.cloud)] == ["layer fonts"]  # which is another's
