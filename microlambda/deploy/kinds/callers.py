"""Who may call our functions, as their resource policies name it: there lies what has no list of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.kinds.permission import PermissionDeployer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


def callers(aws: Aws, scope: Scope, functions: Sequence[str], principal: str) -> set[str]:
    """Give the ARNs on whose behalf a service may call one of these functions, by statements of ours."""
    statements = PermissionDeployer().observe(aws, scope, (), functions)
    found = {one.state["source"] for one in statements if one.state["principal"] == principal}
    return {source for source in found if source is not None}
