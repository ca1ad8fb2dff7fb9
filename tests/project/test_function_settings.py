"""Settings of what a function may do, lies on and is inside of: what they take, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microlambda.project.errors import SettingsError
from microlambda.project.settings import FunctionSettings, load_settings

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:fonts"
MANAGED = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"


def settings(folder: Path, text: str, function: str = "f", stage: str = "dev") -> FunctionSettings:
    (folder / "microlambda.toml").write_text(text)
    return load_settings(folder, stage).function(function)


def table(rest: str) -> str:
    return f"policies = [{{ actions = ['s3:GetObject'], {rest} }}]"


REFUSED = [
    ("policies = 'x'", "policies must be a list of ARNs of managed policies and of tables", "policies"),
    ("policies = [1]", "holds 1; it takes ARNs and tables", "policies-number"),
    (
        "policies = ['ReadOnlyAccess']",
        "'ReadOnlyAccess', which is no ARN of a managed policy",
        "managed-name",
    ),
    ("policies = ['arn:aws:iam::aws:role/x']", "which is no ARN of a managed policy", "managed-role"),
    ("policies = ['arn:aws:iam::${acount}:policy/x']", "nothing fills in. Did you mean 'account'?", "place"),
    ("policies = ['arn:aws:iam::${env:A}:policy/x']", "${env:A}, which is for the environment", "env"),
    ("policies = [{ action = ['s3:GetObject'] }]", "unknown key 'action'. Did you mean 'actions'?", "key"),
    (
        "policies = [{ Sid = 'x' }]",
        "key 'Sid'. Known are effect, actions, resources, conditions.",
        "key-known",
    ),
    ("policies = [{ resources = ['*'] }]", "without a list of actions", "actions"),
    ("policies = [{ actions = [], resources = ['*'] }]", "without a list of actions", "no-actions"),
    (
        "policies = [{ actions = 's3:GetObject', resources = ['*'] }]",
        "without a list of actions",
        "action-text",
    ),
    (
        "policies = [{ actions = ['*'], resources = ['*'] }]",
        "holds the action '*': all there is. Name the actions that the function calls",
        "every-action",
    ),
    ("policies = [{ actions = ['*:*'], resources = ['*'] }]", "the action '*:*': all", "every-service"),
    (
        "policies = [{ actions = ['GetObject'], resources = ['*'] }]",
        "'GetObject', which is none: 'service:Action', such as",
        "action-form",
    ),
    ("policies = [{ actions = ['s3: Get'], resources = ['*'] }]", "which is none", "action-space"),
    ("policies = [{ actions = ['s3:GetObject'] }]", "without a list of resources: ARNs", "resources"),
    (table("resources = ['outbox']"), "the resource 'outbox', which is no ARN, such as", "resource-form"),
    (table("resources = ['arn:aws:s3::outbox']"), "which is no ARN", "resource-parts"),
    (table("resources = ['arn:aws:sqs:${regin}:1:x']"), "Did you mean 'region'?", "resource-place"),
    (table("resources = ['arn:aws:sqs:${region:1:x']"), "does not close it", "resource-unclosed"),
    (table("resources = ['*'], effect = 'Deny'"), "effect = 'Deny'; it can only be 'Allow'", "deny"),
    (table("resources = ['*'], conditions = ['x']"), "holds conditions that are no table", "conditions"),
    (
        table("resources = ['*'], conditions = { StringEqual = { a = 'b' } }"),
        "'StringEqual', which IAM does not have. Did you mean 'StringEquals'?",
        "operator",
    ),
    (
        table("resources = ['*'], conditions = { Bool = 'x' }"),
        "the condition Bool without a table",
        "operator-text",
    ),
    (
        table("resources = ['*'], conditions = { Bool = { 'aws:x' = {} } }"),
        "values are no texts, numbers, true or false",
        "value",
    ),
    (
        table("resources = ['*'], conditions = { NumericLessThan = { 'aws:x' = nan } }"),
        "values are no texts, numbers, true or false",
        "value-nan",
    ),
    (
        table("resources = ['*'], conditions = { StringEquals = { 'aws:x' = [['a']] } }"),
        "values are no texts, numbers, true or false",
        "value-nested",
    ),
    (
        table("resources = ['*'], conditions = { NullIfExists = { 'aws:x' = 'true' } }"),
        "'NullIfExists', which IAM does not have",
        "null-if-exists",
    ),
    (
        f"policies = {[f'arn:aws:iam::aws:policy/p{one}' for one in range(11)]}",
        "names 11 managed policies; IAM attaches 10 to a role",
        "managed-many",
    ),
    ("layers = 'x'", "layers must be a list of ARNs of layer versions", "layers"),
    ("layers = ['fonts']", "holds 'fonts', which is no ARN of a layer version", "layer-name"),
    (f"layers = ['{LAYER}']", f"a layer without its version. Write '{LAYER}:1'", "layer-version"),
    (f"layers = ['{LAYER}:0']", "which is no ARN of a layer version", "layer-zero"),
    (f"layers = ['{LAYER}:1', '{LAYER}:2']", "more than once, and Lambda takes one", "layer-twice"),
    ("vpc = ['subnet-0a1b2c3d']", "vpc must be a table", "vpc"),
    ("vpc = { subnet = [] }", "has no key 'subnet'. Did you mean 'subnets'?", "vpc-key"),
    ("vpc = { subnets = 'subnet-0a1b2c3d' }", "takes a list for subnets", "vpc-text"),
    ("vpc = { subnets = ['sg-0a1b2c3d'] }", "'sg-0a1b2c3d' in subnets, which is no id", "vpc-subnet"),
    ("vpc = { security_groups = ['default'] }", "'default' in security_groups", "vpc-group"),
    (
        f"vpc = {{ security_groups = {[f'sg-0000000{one}' for one in range(6)]} }}",
        "holds 6 security_groups; Lambda takes 5",
        "vpc-many",
    ),
    ("snap_start = 'PublishedVersions'", "snap_start must be true or false", "snap-start"),
    ("iam_role_arn = 'mine'", "iam_role_arn must be the ARN of a role", "role"),
    ("iam_role_arn = 'arn:aws:iam::${accout}:role/x'", "Did you mean 'account'?", "role-place"),
]


@pytest.mark.parametrize(("text", "message"), [one[:2] for one in REFUSED], ids=[one[2] for one in REFUSED])
def test_what_aws_would_refuse_is_refused_here(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, text)

    assert message in str(refused.value)
    assert not str(refused.value).endswith("?.")


ACCEPTED = [
    table("resources = ['arn:aws:s3:::outbox/*', 'arn:aws:s3:::outbox']"),
    table("resources = ['arn:${partition}:sqs:${region}:${account}:orders'], effect = 'Allow'"),
    table("resources = ['arn:aws:s3:::home/${aws:username}/*']"),
    table("resources = ['*'], conditions = { 'ForAnyValue:StringLikeIfExists' = { 'aws:x' = ['a', 'b'] } }"),
    table("resources = ['*'], conditions = { Bool = { 'aws:SecureTransport' = true } }"),
    "policies = [{ actions = ['dynamodb:*'], resources = ['arn:aws:dynamodb:*:*:table/a'] }]",
    f"policies = ['{MANAGED}', 'arn:${{partition}}:iam::${{account}}:policy/team/own']",
    f"layers = ['{LAYER}:12', 'arn:aws:lambda:${{region}}:${{account}}:layer:other:1']",
    "iam_role_arn = 'arn:aws:iam::123456789012:role/team/mine'",
    "iam_role_arn = 'arn:${partition}:iam::${account}:role/mine-${region}'",
    "policies = ['arn:aws:iam::${account}:policy/own-${region}']",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_aws_takes_is_taken(tmp_path: Path, text: str) -> None:
    assert settings(tmp_path, text) != settings(tmp_path, "")


def test_policies_and_layers_replace_and_a_vpc_merges(tmp_path: Path) -> None:
    text = f"""
        policies = ['{MANAGED}']
        layers = ['{LAYER}:1']
        vpc = {{ subnets = ['subnet-0000000b', 'subnet-0000000a'], security_groups = ['sg-0000000a'] }}
        snap_start = true
        [functions.f]
        policies = []
        layers = []
        vpc = {{ security_groups = ['sg-0000000b'] }}
        snap_start = false
        [stages.prod.functions.f]
        vpc = {{ subnets = [], security_groups = [] }}
    """

    other, f, prod = (
        settings(tmp_path, text, function="g"),
        settings(tmp_path, text),
        settings(tmp_path, text, stage="prod"),
    )

    assert (other.policies, other.layers, other.snap_start) == ((MANAGED,), (f"{LAYER}:1",), True)
    assert (f.policies, f.layers, f.snap_start) == ((), (), False)
    assert f.subnets == ("subnet-0000000a", "subnet-0000000b")
    assert f.security_groups == ("sg-0000000b",)
    assert (prod.subnets, prod.security_groups) == ((), ())


def test_a_function_has_none_of_it_by_default(tmp_path: Path) -> None:
    none = settings(tmp_path, "")

    assert json.dumps([none.policies, none.layers, none.subnets, none.iam_role_arn]) == "[[], [], [], null]"
