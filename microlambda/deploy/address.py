"""Where a deployed stage answers."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from microlambda.deploy.errors import NotDeployed, deploy_first
from microlambda.deploy.explain import explained
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.plan.ingresses import ANSWERING
from microlambda.plan.kinds import KINDS
from microlambda.plan.records import Function

if TYPE_CHECKING:
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


def find_url(aws: Aws, scope: Scope) -> str:
    """Ask AWS for the URL of the stage."""
    functions = cache(partial(_functions, aws, scope))  # looked for where needed, and once
    with explained("looking for the URL"):
        for kind in ANSWERING:
            inside = functions() if KINDS[kind].inside == Function.kind else ()
            for seen in DEPLOYERS[kind].observe(aws, scope, (), inside):
                if not seen.left_alone:
                    return f"{seen.attributes['url']}/"
        deployed = functions()
    where = f"stage {scope.stage!r} of {scope.app!r} has no URL in {aws.region}"
    if deployed:
        raise NotDeployed(f"{where}: what is deployed has no routes. It has: {', '.join(deployed)}.")
    raise NotDeployed(f"{where}. {deploy_first(scope.stage)}")


def _functions(aws: Aws, scope: Scope) -> list[str]:
    seen = DEPLOYERS[Function.kind].observe(aws, scope, (), ())
    return [one.name for one in seen if scope.owns(one.tags or {}) and not one.left_alone]
