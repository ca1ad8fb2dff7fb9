"""A URL of Lambda's own before the function of all routes: no gateway, and the two permissions to call it.

The URL has no CORS of its own. The app answers preflights and knows the origins of each route; with both, a
browser gets two values of Access-Control-Allow-Origin and refuses the answer.
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from microlambda.plan.names import statement_id
from microlambda.plan.records import FunctionUrl, Permission, Placed, Record
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.plan.wiring import Target
    from microlambda.project.settings import Settings

#: Nobody is asked who he is, or everybody for a signature.
PUBLIC, IAM = "NONE", "AWS_IAM"

#: Who may call, in the words of a resource policy.
EVERYBODY = "*"

#: What the names of the statements start with that let everybody call: by them a URL is told to be ours.
STATEMENTS = "microlambda-function-url"


def plan_function_url(target: Target, app: App, settings: Settings) -> list[Record]:
    """Plan the URL of the alias, after what lets callers in: so it never answers 403 when new.

    Of protected views these are the principals of this account that may call it by a policy of their own.
    """
    del settings
    is_open = not any(rule.is_protected for rule in app.route_table)
    auth_type, callers = (PUBLIC, EVERYBODY) if is_open else (IAM, Placed(text="${account}"))
    url = Permission(
        key=target.key,
        name=statement_id(STATEMENTS),
        alias=target.alias,
        function_name=target.function_name,
        alias_name=LIVE,
        action="lambda:InvokeFunctionUrl",
        principal=callers,
        url_auth_type=auth_type,
    )
    return [
        url,
        # Both are asked for since October 2025: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
        replace(
            url,
            key=f"{target.key}#invoke",
            name=statement_id(f"{STATEMENTS}-invoke"),
            action="lambda:InvokeFunction",
            url_auth_type=None,
            via_url=True,
        ),
        FunctionUrl(
            key=target.key,
            name=target.function_name,
            alias=target.alias,
            function_name=target.function_name,
            auth_type=auth_type,
            invoke_mode="BUFFERED",  # Python's managed runtime cannot stream
        ),
    ]
