"""AWS's names: what is kept, what is replaced, what is cut."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from microlambda.plan import names
from microlambda.plan.errors import PlanError
from microlambda.runtime.naming import aws_name

REGION = "ap-southeast-2"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


NAMES = [
    pytest.param("shop", "dev", "http", "shop-dev-http", id="plain"),
    pytest.param("sms_shooter", "dev", "http", "sms_shooter-dev-http", id="underscore"),
    pytest.param("my shop", "dev", "http", f"my-shop-dev-http-{digest('my shop-dev-http')}", id="space"),
    pytest.param(
        "shop", "dev", "admin.users", f"shop-dev-admin-users-{digest('shop-dev-admin.users')}", id="dot"
    ),
    pytest.param("café", "dev", "http", f"caf--dev-http-{digest('café-dev-http')}", id="accent"),
    pytest.param("a" * 55, "dev", "http", f"{'a' * 55}-dev-http", id="exactly-64"),
    pytest.param("a" * 56, "dev", "http", f"{'a' * 55}-{digest('a' * 56 + '-dev-http')}", id="one-too-many"),
]


@pytest.mark.parametrize(("app", "stage", "handler", "expected"), NAMES)
def test_a_functions_name_is_app_stage_handler_made_to_fit(
    app: str, stage: str, handler: str, expected: str
) -> None:
    name = names.function_name(app, stage, handler)

    assert name == expected
    assert len(name) <= 64
    assert name.startswith(names.function_prefix(app, stage))


@pytest.mark.parametrize("app", ["shop", "my shop", "a" * 40, "a" * 100])
def test_a_roles_name_ends_in_the_region_and_fits(app: str) -> None:
    name = names.role_name(app, "dev", "http", REGION)

    assert name.endswith(f"-{REGION}")
    assert len(name) <= 64
    assert re.fullmatch(r"[A-Za-z0-9_-]+", name)


def test_roles_that_are_cut_stay_different() -> None:
    made = {names.role_name("a" * 60, "dev", handler, REGION) for handler in ("http", "nightly", "hourly")}

    assert len(made) == 3


def test_a_layers_limit_is_longer() -> None:
    assert aws_name("a" * 140, 140) == "a" * 140
    assert len(aws_name("a" * 141, 140)) == 140
    assert len(names.statement_id("a" * 101)) == 100


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param("shop", "shop-dev-dependencies", id="plain"),
        pytest.param("a" * 140, f"{'a' * 131}-{digest('a' * 140 + '-dev-dependencies')}", id="cut"),
    ],
)
def test_a_layers_name_is_app_stage_archive_made_to_fit(app: str, expected: str) -> None:
    name = names.layer_name(app, "dev", "dependencies")

    assert name == expected
    assert name.startswith(names.layer_prefix(app, "dev"))


def test_the_path_of_roles_is_one_that_iam_accepts() -> None:
    assert names.role_path("shop", "dev") == "/microlambda/shop/dev/"
    assert re.fullmatch(r"/microlambda/my-shop-[0-9a-f]{8}/dev/", names.role_path("my shop", "dev"))


def test_two_handlers_with_one_aws_name_are_refused() -> None:
    twin = f"a-b-{digest('shop-dev-a.b')}"

    with pytest.raises(PlanError, match=f"'a.b' and '{twin}' are both called"):
        names.check_distinct("shop", "dev", ["a.b", twin])


def test_handlers_that_only_look_alike_are_accepted() -> None:
    names.check_distinct("shop", "dev", ["a.b", "a-b", "a_b"])
