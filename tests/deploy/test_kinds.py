"""Every kind of resource is known to every backend, and comparing asks nobody."""

from __future__ import annotations

import pytest

from microlambda.deploy.changes import CREATE, REMOVE, UPDATE, Change
from microlambda.deploy.compare import compare
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.observed import Observed
from microlambda.deploy.place import Place
from microlambda.plan.kinds import KINDS, REMOVAL_ORDER
from tests.deploy.conftest import Cloud, Project


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_the_plan_can_be_deployed_and_shown(kind: str) -> None:
    assert DEPLOYERS[kind].kind == kind
    for action in (CREATE, UPDATE, REMOVE):
        change = Change(action=action, kind=kind, key="http", name="x", reasons=("why",))
        assert change.line[1:] == f" {KINDS[kind].title} x: why"
        assert KINDS[kind].title in change.doing
        assert change.as_data()["kind"] == kind


def test_no_backend_knows_a_kind_that_the_plan_does_not() -> None:
    assert list(DEPLOYERS) == list(KINDS)
    assert sorted(REMOVAL_ORDER) == sorted(KINDS)


def test_comparing_with_an_empty_account_creates_all_and_asks_nobody(project: Project, cloud: Cloud) -> None:
    place = Place(partition="aws", account="1", region="eu-west-1")

    changes = compare(project.plan, Observed(), place)

    assert [change.action for change in changes] == [CREATE] * len(project.plan.records)
    assert cloud.calls == []


def test_another_partition_has_other_arns(project: Project) -> None:
    (role,) = project.plan.of_kind("role")
    place = Place(partition="aws-cn", account="1", region="cn-north-1")

    policies = place.resolve(getattr(role, "policies"), lambda _ref: None)  # noqa: B009 - Record has none

    (statement,) = policies["microlambda-logs"]["Statement"]
    assert statement["Resource"] == "arn:aws-cn:logs:cn-north-1:1:log-group:/aws/lambda/shop-dev-http:*"
