"""What a function fetches as it starts: a reference in its configuration, and the permission for it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from microlambda import App
from microlambda.plan.plan import Plan
from microlambda.plan.records import Function, Role
from microlambda.plan.view import as_data, summary
from tests.plan.planning import plan_in

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-a1b2c3"


def planned(tmp_path: Path, text: str) -> Plan:
    app = App("shop")
    for name in ("work", "rest"):
        app.lambda_function(name=name)(lambda event, context: None)
    return plan_in(tmp_path, app, text, HERE="h")


def statements(plan: Plan) -> dict[str, Any]:
    return {
        role.key: role.policies.get("microlambda-secrets", {}).get("Statement")
        for role in plan.of_kind("role")
        if isinstance(role, Role)
    }


def test_each_role_may_fetch_what_its_function_refers_to_and_no_more(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        f"""
[functions.work.environment]
KEY = "${{ssm:/shop/key}}"
URL = "postgres://${{env:HERE}}:${{secret:shop/db}}@db/${{ssm:plain}}/${{secret:shop/db}}"
OTHER = "${{secret:{SECRET}}}"
""",
    )

    where = "${region}:${account}"
    found = statements(plan)
    assert [(one["Effect"], one["Action"], str(one["Resource"])) for one in found["work"]] == [
        ("Allow", "ssm:GetParameters", f"arn:${{partition}}:ssm:{where}:parameter/shop/key"),
        (
            "Allow",
            "secretsmanager:GetSecretValue",
            f"arn:${{partition}}:secretsmanager:{where}:secret:shop/db-??????",
        ),
        ("Allow", "ssm:GetParameters", f"arn:${{partition}}:ssm:{where}:parameter/plain"),
        ("Allow", "secretsmanager:GetSecretValue", SECRET),
    ]
    assert found["rest"] is None


def test_the_configuration_and_what_is_shown_hold_the_reference_and_no_value(tmp_path: Path) -> None:
    plan = planned(tmp_path, '[functions.work.environment]\nURL = "${env:HERE} ${secret:shop/db}"\n')

    function = next(one for one in plan.of_kind("function") if one.key == "work")
    assert isinstance(function, Function)
    assert function.environment["URL"] == "h ${secret:shop/db}"
    shown = json.dumps(as_data(function)) + " ".join(summary(function))
    assert "shop/db" not in shown
    assert "URL" in shown
