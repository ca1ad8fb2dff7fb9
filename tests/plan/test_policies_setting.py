"""What the settings ask for beside the code: permissions, layers, a VPC, snapshots, a role of one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.deploy.place import Place
from microlambda.plan.compile import compile_plan
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.records import Function, Placed, Ref, Role
from microlambda.plan.view import as_data, summary
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import load_settings
from tests.plan.planning import PIECES, plan_in

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:fonts:3"
MINE = "arn:aws:iam::123456789012:role/mine"
MANAGED = "arn:${partition}:iam::aws:policy/AmazonSQSReadOnlyAccess"
CHINA = Place(partition="aws-cn", account="999999999999", region="cn-north-1")


def planned(tmp_path: Path, text: str) -> Plan:
    app = App("shop")
    for name in ("work", "rest"):
        app.lambda_function(name=name)(lambda event, context: None)
    return plan_in(tmp_path, app, text)


def on_a_layer(folder: Path, text: str) -> Plan:
    """Plan an app whose dependencies lie in a layer."""
    (folder / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "eu-west-1"\n{text}')
    app = App("shop")
    app.lambda_function(name="work")(lambda event, context: None)
    parts = FunctionPieces(code=Piece(key="code", inputs="a"), layers=(Piece(key="ours", inputs="b"),))
    return compile_plan(
        app, load_settings(folder, "dev"), app_path="app:app", pieces=Pieces(common=parts), environ={}
    )


def function(plan: Plan, key: str = "work") -> Function:
    record = plan.find(Ref(kind="function", key=key))
    assert isinstance(record, Function)
    return record


def role(plan: Plan, key: str = "work") -> Role:
    record = plan.find(Ref(kind="role", key=key))
    assert isinstance(record, Role)
    return record


def there(place: Place, value: Any) -> Any:
    return place.resolve(value, lambda ref: None)


def test_tables_are_one_policy_of_their_functions_role_written_for_the_place(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        """
        [[functions.work.policies]]
        actions = ["s3:GetObject"]
        resources = ["arn:${partition}:s3:::outbox/${aws:username}"]
        [[functions.work.policies]]
        actions = ["sqs:SendMessage"]
        resources = ["arn:${partition}:sqs:${region}:${account}:orders"]
        conditions = { StringEquals = { "aws:PrincipalAccount" = "${account}" }, Bool = { "aws:x" = true } }
        """,
    )

    document = there(CHINA, role(plan).policies["microlambda-settings"])
    assert document["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws-cn:s3:::outbox/${aws:username}"],
        },
        {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:aws-cn:sqs:cn-north-1:999999999999:orders"],
            "Condition": {"StringEquals": {"aws:PrincipalAccount": "999999999999"}, "Bool": {"aws:x": True}},
        },
    ]
    assert "microlambda-settings" not in role(plan, "rest").policies
    assert json.dumps(as_data(role(plan)))


def test_arns_are_attached_once_each_and_shown(tmp_path: Path) -> None:
    made = role(planned(tmp_path, f"policies = ['{MANAGED}', '{MANAGED}']"))

    assert there(CHINA, made.attached) == ["arn:aws-cn:iam::aws:policy/AmazonSQSReadOnlyAccess"]
    assert "microlambda-settings" not in made.policies
    assert summary(made) == (f"policy {MANAGED}",)
    assert as_data(made)["attached"] == [MANAGED]


def sized(characters: int) -> str:
    """Ask for one statement whose resource has that many characters, and white space that does not count."""
    return f"policies = [{{ actions = ['s3:Get'], resources = ['arn:aws:s3:::a  {'x' * characters}'] }}]"


def test_inline_policies_are_measured_as_iam_does_and_refused_over_its_limit(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as far:
        planned(tmp_path, sized(12_000))
    room = 12_000 - int(str(far.value).split(" have ")[1].split()[0]) + 10_240

    assert "microlambda-settings" in role(planned(tmp_path, sized(room))).policies
    with pytest.raises(PlanError, match="have 10241 characters; IAM takes 10240. Largest: microlambda-sett"):
        planned(tmp_path, sized(room + 1))


def test_what_the_deploy_fills_in_is_measured_as_long_as_it_will_be(tmp_path: Path) -> None:
    shorter = sized(100).replace("arn:aws:s3:::a", "arn:aws:s3:eu-west-1:123456789012:a")
    placed = sized(100).replace("arn:aws:s3:::a", "arn:${partition}:s3:${region}:${account}:a")
    texts = [one.replace("x" * 100, "x" * 12_000) for one in (shorter, placed)]

    told = []
    for text in texts:
        with pytest.raises(PlanError) as refused:
            planned(tmp_path, text)
        told.append(str(refused.value))

    assert told[0] == told[1]


def test_layers_come_after_ours(tmp_path: Path) -> None:
    made = function(on_a_layer(tmp_path, f"layers = ['{LAYER}']"))

    assert made.layers == (Ref(kind="layer", key="ours"), Placed(text=LAYER))
    assert f"layers {LAYER}" in summary(made)
    assert as_data(made)["layers"] == ["${layer.ours.arn}", LAYER]


def many(count: int) -> str:
    return f"layers = {[LAYER.replace('fonts', f'fonts{one}') for one in range(count)]}"


def test_five_layers_are_all_ours_included(tmp_path: Path) -> None:
    assert len(function(on_a_layer(tmp_path, many(4))).layers) == 5
    with pytest.raises(PlanError, match="have 6 layers, 1 of them ours; Lambda takes 5.*single_archive"):
        on_a_layer(tmp_path, many(5))


def test_a_layer_of_another_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"is in us-east-1, and Lambda takes layers of .* eu-west-1"):
        planned(tmp_path, f"layers = ['{LAYER.replace('eu-west-1', 'us-east-1')}']")

    placed = LAYER.replace("eu-west-1", "${region}")
    assert function(planned(tmp_path, f"layers = ['{placed}']")).layers == (Placed(text=placed),)


VPC = "vpc = { subnets = ['subnet-0000000a'], security_groups = ['sg-0000000a'] }"


def test_a_function_in_a_vpc_may_manage_its_interfaces(tmp_path: Path) -> None:
    plan = planned(tmp_path, f"[functions.work]\n{VPC}")

    made = function(plan)
    assert (made.subnets, made.security_groups) == (("subnet-0000000a",), ("sg-0000000a",))
    (statement,) = role(plan).policies["microlambda-vpc"]["Statement"]
    assert {
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DeleteNetworkInterface",
    } <= set(statement["Action"])
    assert "microlambda-vpc" not in role(plan, "rest").policies
    assert "in the VPC of subnet-0000000a sg-0000000a" in summary(made)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{ subnets = ['subnet-0000000a'] }", "has subnets and no security_groups"),
        ("{ security_groups = ['sg-0000000a'] }", "has security_groups and no subnets"),
    ],
)
def test_half_a_vpc_is_refused(tmp_path: Path, given: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        planned(tmp_path, f"vpc = {given}")


def test_snap_start_is_of_published_versions(tmp_path: Path) -> None:
    plan = planned(tmp_path, "python = '3.12'\n[functions.work]\nsnap_start = true")

    assert (function(plan).snap_start, function(plan, "rest").snap_start) == ("PublishedVersions", "None")
    assert "SnapStart" in summary(function(plan))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("python = '3.11'", "needs Python 3.12 or newer, and python is 3.11"),
        ("python = '3.12'\nephemeral_storage = 513", "goes with 512 MB of ephemeral_storage at most"),
    ],
)
def test_what_snap_start_cannot_do_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        planned(tmp_path, f"snap_start = true\n{text}")


def test_a_function_with_a_role_of_the_users_gets_none_and_tells_what_it_needs(tmp_path: Path) -> None:
    plan = planned(tmp_path, f"[functions.work]\niam_role_arn = '{MINE}'\ntracing = true\n{VPC}")

    assert [one.key for one in plan.of_kind("role")] == ["rest"]
    made = function(plan)
    assert made.role == Placed(text=MINE)
    assert {"logs:PutLogEvents", "xray:PutTraceSegments", "ec2:CreateNetworkInterface"} <= set(made.needs)
    assert any(f"runs as {MINE}, which has to allow logs:CreateLogStream" in one for one in summary(made))
    assert function(plan, "rest").needs == ()


def test_one_function_has_a_role_of_its_own_where_the_others_run_as_the_users(tmp_path: Path) -> None:
    plan = planned(tmp_path, f"iam_role_arn = '{MINE}'\n[functions.work]\niam_role_arn = ''")

    assert [one.key for one in plan.of_kind("role")] == ["work"]
    assert function(plan, "rest").role == Placed(text=MINE)


def test_a_role_of_the_users_and_policies_are_refused_together(tmp_path: Path) -> None:
    text = f"policies = ['{MANAGED}']\n[functions.work]\niam_role_arn = '{MINE}'\n"

    with pytest.raises(PlanError, match=r"policies = \[\] under \[functions.work\]"):
        planned(tmp_path, text)

    assert function(planned(tmp_path, f"{text}policies = []\n")).role == Placed(text=MINE)


@pytest.mark.parametrize("account", ["123456789012", "${account}"])
def test_a_role_that_the_stage_has_made_itself_is_refused_since_it_would_be_removed(
    tmp_path: Path, account: str
) -> None:
    path = f"arn:aws:iam::{account}:role/microlambda/shop"
    text = "iam_role_arn = '{}/shop-{}-work-eu-west-1'"

    with pytest.raises(PlanError, match=r"'work' is to run as arn:.* which this stage has made, and removes"):
        planned(tmp_path, text.format(f"{path}/dev", "dev"))

    assert planned(tmp_path, text.format(f"{path}/prod", "prod")).of_kind("role") == ()


def test_where_the_code_runs_on_this_machine_its_python_says_nothing_of_snap_start(tmp_path: Path) -> None:
    (tmp_path / "microlambda.toml").write_text("region = 'eu-west-1'\npython = '3.13'\nsnap_start = true")
    settings = replace(load_settings(tmp_path, "dev"), python="3.11")  # as `deploy --local` does
    app = App("shop")
    app.lambda_function(name="work")(lambda event, context: None)

    plan = compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ={})

    assert (function(plan).runtime, function(plan).snap_start) == ("python3.11", "PublishedVersions")
