"""What fires the handlers of a project, as its own process plans it and the parent takes it over.

The parent never imports the project. What crosses is data: the plan's frozen records, pickled by a process
that runs the user's code already.
"""

from __future__ import annotations

import base64
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

from microlambda.local.spec import REGION, local_name
from microlambda.plan.compile import compile_triggers
from microlambda.plan.plan import Plan
from microlambda.project.pieces import FunctionPieces, Piece, Pieces

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.project.settings import Settings

#: What stands for the code in a plan whose functions run from the project's files.
CODE = "code"

_FROM_FILES = Pieces(common=FunctionPieces(code=Piece(key=CODE, inputs="the project's files")))
_ID = "local"


def plan_triggers(app: App, settings: Settings, *, app_path: str) -> Plan:
    """Plan what fires the app's handlers in the AWS of `microlambda local`; `PlanError` if that cannot be."""
    named = replace(
        settings, id=settings.id or _ID, name=local_name(settings), region=settings.region or REGION
    )
    return compile_triggers(app, named, app_path=app_path, pieces=_FROM_FILES)


def packed(plan: Plan) -> str:
    """Write a plan as text, for the process next door."""
    return base64.b64encode(pickle.dumps(plan)).decode()


def unpacked(text: str) -> Plan:
    """Read what `packed` wrote in a process of this project's own."""
    plan = pickle.loads(base64.b64decode(text))  # noqa: S301 - of the child, which runs the user's code
    if not isinstance(plan, Plan):
        raise TypeError(f"the app's process sent a {type(plan).__name__}, and no plan")
    return plan
