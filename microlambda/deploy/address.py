"""Where a deployed stage answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.errors import NotDeployed
from microlambda.deploy.explain import explained
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.plan.ingresses import ANSWERING

if TYPE_CHECKING:
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


def find_url(aws: Aws, scope: Scope) -> str:
    """Ask AWS for the URL of the stage."""
    with explained("looking for the URL"):
        for kind in ANSWERING:
            for seen in DEPLOYERS[kind].observe(aws, scope, (), ()):
                if not seen.left_alone:
                    return f"{seen.attributes['url']}/"
    raise NotDeployed(
        f"stage {scope.stage!r} of {scope.app!r} has no URL in {aws.region}. Deploy it first: microlambda "
        "deploy"
    )
