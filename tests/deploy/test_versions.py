"""Versions: what serves, the way back in one call per function, and those that go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda.deploy import published
from microlambda.deploy.errors import CheckFailed, DeployFailed, LockHeld, NotDeployed, NothingToRollBack
from microlambda.deploy.published import KEPT
from microlambda.deploy.versions import DeployedFunction, chosen, deployed_functions, roll_back, ways_back
from tests.deploy.conftest import Answers, Cloud, Project, deploy_again, fail_at, lose_reply_of, unlock

NAME = "shop-dev-http"


def deploy(project: Project, *codes: str) -> None:
    for code in codes:
        project.code = code
        project.deployer.deploy()


def deploy_broken(project: Project, answers: type[Answers], *codes: str) -> None:
    """Publish versions that do not start."""
    answers.error = {"errorType": "ImportError", "errorMessage": "no twilio"}
    for code in codes:
        with pytest.raises(CheckFailed):
            deploy(project, code)
    answers.error = None


def functions(project: Project, handler: str | None = None) -> list[DeployedFunction]:
    scope = project.plan.scope
    return chosen(deployed_functions(project.cloud.aws, scope), scope, handler)


def back(project: Project, to: int | None = None, handler: str | None = None) -> list[str]:
    """Go back; gives the lines that were said."""
    said: list[str] = []
    moves = ways_back(functions(project, handler), to)
    roll_back(project.cloud.aws, project.plan.scope, moves, say=said.append)
    return said


def live(cloud: Cloud, name: str = NAME) -> int:
    alias = cloud.client("lambda").get_alias(FunctionName=name, Name="live")
    return int(alias["FunctionVersion"])


def numbers(cloud: Cloud, name: str = NAME) -> list[int]:
    found = cloud.client("lambda").list_versions_by_function(FunctionName=name)["Versions"]
    return [int(one["Version"]) for one in found if one["Version"] != "$LATEST"]


def test_the_version_before_serves_again_in_one_call_per_function(project: Project, cloud: Cloud) -> None:
    project.app.lambda_function(name="work")(lambda event, context: None)
    deploy(project, "one", "two")
    cloud.calls.clear()

    said = back(project)

    assert cloud.changes == ["UpdateAlias", "UpdateAlias"]
    assert [line.partition(", of ")[0] for line in said] == [
        f"~ {NAME}: version 2 -> version 1",
        "~ shop-dev-work: version 2 -> version 1",
    ]
    assert (live(cloud), live(cloud, "shop-dev-work")) == (1, 1)
    assert cloud.mutating[-1] == "DeleteParameter"


def test_after_a_rollback_the_next_deploy_makes_the_stage_as_planned(project: Project, cloud: Cloud) -> None:
    deploy(project, "one", "two")
    back(project)

    changes = [change.line for change in project.deployer.changes()]
    project.deployer.deploy()

    assert any(line.startswith("~ alias live") for line in changes)
    code = cloud.client("lambda").get_function_configuration(FunctionName=NAME, Qualifier="live")
    latest = cloud.client("lambda").get_function_configuration(FunctionName=NAME)
    assert code["CodeSha256"] == latest["CodeSha256"]
    assert deploy_again(project) == []


def test_a_rollback_to_what_is_planned_changes_nothing_more(project: Project, cloud: Cloud) -> None:
    deploy(project, "one", "two")
    back(project)
    project.code = "one"

    project.deployer.deploy()

    assert deploy_again(project) == []


def test_a_version_that_did_not_start_is_no_way_back(
    project: Project, cloud: Cloud, answers: type[Answers]
) -> None:
    deploy(project, "one")
    deploy_broken(project, answers, "two")
    deploy(project, "three")

    (function,) = functions(project)
    back(project)

    assert [one.number for one in function.before] == [1]
    assert live(cloud) == 1


def test_where_the_first_version_did_not_start_there_is_no_way_back(
    project: Project, answers: type[Answers]
) -> None:
    deploy_broken(project, answers, "one")
    deploy(project, "two")

    with pytest.raises(NothingToRollBack, match=r"no version has served before: shop-dev-http has 2, 1\."):
        back(project)


def test_the_way_back_is_kept_through_rollbacks(project: Project, cloud: Cloud) -> None:
    deploy(project, "one", "two", "three")

    back(project)
    assert live(cloud) == 2
    back(project)
    assert live(cloud) == 1
    back(project, to=3)
    back(project)

    assert live(cloud) == 1  # which served before 3 did again


def test_a_version_is_chosen_by_its_number_forwards_too(project: Project, cloud: Cloud) -> None:
    deploy(project, "one", "two", "three")

    back(project, to=1)
    assert live(cloud) == 1
    back(project, to=3)

    assert live(cloud) == 3


def test_one_function_goes_back_alone(project: Project, cloud: Cloud) -> None:
    project.app.lambda_function(name="work")(lambda event, context: None)
    deploy(project, "one", "two")

    back(project, handler="work")

    assert (live(cloud), live(cloud, "shop-dev-work")) == (2, 1)


@pytest.mark.parametrize(
    ("to", "handler", "error", "message"),
    [
        (9, "http", NothingToRollBack, r"version 9 is not there, or serves already: shop-dev-http has 1\."),
        (1, "http", NothingToRollBack, r"version 1 is not there, or serves already"),
        (
            None,
            None,
            NothingToRollBack,
            r"no version has served before: shop-dev-http has 1; shop-dev-work has 1",
        ),
        (1, None, NothingToRollBack, r"the stage has 2: add --function NAME"),
        (
            None,
            "nightly",
            NotDeployed,
            r"no function 'shop-dev-nightly'. It has: shop-dev-http, shop-dev-work",
        ),
    ],
    ids=["unknown", "live", "first", "of which", "no handler"],
)
def test_what_cannot_be_gone_back_to_is_said(
    project: Project, to: int | None, handler: str | None, error: type[Exception], message: str
) -> None:
    project.app.lambda_function(name="work")(lambda event, context: None)
    deploy(project, "one")

    with pytest.raises(error, match=message):
        back(project, to, handler)


def test_a_stage_that_was_never_deployed_has_no_way_back(project: Project) -> None:
    with pytest.raises(NotDeployed, match="has no functions in eu-west-1. Deploy it first"):
        back(project)


def test_a_rollback_waits_for_no_deploy_that_runs(project: Project, cloud: Cloud) -> None:
    deploy(project, "one", "two")
    cloud.client("ssm").put_parameter(
        Name="/microlambda/shop/dev/lock", Value='{"who": "ann", "token": "t"}', Type="String"
    )

    with pytest.raises(LockHeld, match="is deploying stage 'dev'"):
        back(project)

    assert live(cloud) == 2


@pytest.mark.parametrize("fault", [fail_at, lose_reply_of], ids=["fails", "reply lost"])
def test_a_rollback_that_was_interrupted_is_finished_by_the_next(
    project: Project, cloud: Cloud, fault: Any
) -> None:
    project.app.lambda_function(name="work")(lambda event, context: None)
    deploy(project, "one", "two")
    fault(cloud, "UpdateAlias")
    with pytest.raises(DeployFailed, match=r"0 of 2 functions have gone back\."):
        back(project)
    cloud.before_call = cloud.lost = None
    unlock(cloud)

    back(project, to=1, handler="work")

    assert live(cloud, "shop-dev-work") == 1


def test_the_share_of_a_canary_ends_with_a_rollback(project: Project, cloud: Cloud) -> None:
    deploy(project, "one", "two")
    cloud.client("lambda").update_alias(
        FunctionName=NAME, Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}}
    )

    back(project)

    alias = cloud.client("lambda").get_alias(FunctionName=NAME, Name="live")
    assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")


def test_the_oldest_versions_go_and_the_way_back_stays(project: Project, cloud: Cloud) -> None:
    deploy(project, *(f"code {number}" for number in range(1, KEPT + 4)))

    assert numbers(cloud) == list(range(3, KEPT + 4))
    back(project, to=3)
    assert live(cloud) == 3


def test_versions_that_did_not_start_go_before_those_that_served(
    project: Project, cloud: Cloud, answers: type[Answers]
) -> None:
    deploy(project, "one")
    deploy_broken(project, answers, *(f"broken {number}" for number in range(KEPT + 1)))
    deploy(project, "good")

    assert 1 in numbers(cloud)
    back(project)
    assert live(cloud) == 1


def test_a_version_that_another_alias_points_at_stays(project: Project, cloud: Cloud) -> None:
    deploy(project, "one")
    client = cloud.client("lambda")
    client.create_alias(FunctionName=NAME, Name="mine", FunctionVersion="1")

    def refused(name: str, params: dict[str, Any]) -> None:
        if name == "DeleteFunction" and params["query_string"].get("Qualifier") == "1":
            error: Any = {"Code": "ResourceConflictException", "Message": "an alias points at it"}
            raise ClientError({"Error": error}, name)

    cloud.before_call = refused  # as Lambda does, and moto does not

    deploy(project, *(f"code {number}" for number in range(2, KEPT + 4)))

    assert 1 in numbers(cloud)
    assert deploy_again(project) == []


def test_a_first_deploy_and_one_without_changes_look_for_no_versions(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.deployer.deploy()

    assert "ListVersionsByFunction" not in cloud.calls


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moment that deploys see; a test sets it."""
    moments = [datetime(2026, 11, 1, 9, 0, tzinfo=UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return moments[0].astimezone(tz)

    monkeypatch.setattr(published, "datetime", Clock)
    return moments


def test_since_is_when_the_version_began_to_serve(project: Project, clock: list[datetime]) -> None:
    deploy(project, "one")
    first = functions(project)[0].since
    clock[0] = datetime(2026, 11, 2, 9, 30, 5, tzinfo=UTC)
    deploy(project, "two")
    second = functions(project)[0].since
    clock[0] = datetime(2026, 11, 3, 11, 0, tzinfo=UTC)
    back(project)

    assert (first, second) == ("2026-11-01 09:00:00", "2026-11-02 09:30:05")
    assert functions(project)[0].since == "2026-11-03 11:00:00"


def test_an_alias_without_the_moment_tells_when_its_version_was_published(
    project: Project, cloud: Cloud
) -> None:
    deploy(project, "one")
    told = cloud.client("lambda").get_alias(FunctionName=NAME, Name="live")["Description"]
    plain = told.partition(", since ")[0]
    cloud.client("lambda").update_alias(FunctionName=NAME, Name="live", Description=plain)

    (function,) = functions(project)

    assert function.live is not None
    assert function.since == function.live.since
    assert deploy_again(project) == []
