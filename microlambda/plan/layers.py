"""What a function lies on: the layers of its dependencies, then those of others that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan import names
from microlambda.plan.errors import PlanError
from microlambda.plan.records import Layer, Placed
from microlambda.project.limits import LAYERS

if TYPE_CHECKING:
    from microlambda.plan.plan import Scope
    from microlambda.project.pieces import FunctionPieces
    from microlambda.project.settings import FunctionSettings, Settings


def own_layers(scope: Scope, settings: Settings, pieces: FunctionPieces) -> list[Layer]:
    """Plan the layers of the function's dependencies."""
    return [
        Layer(
            key=piece.key,
            name=names.layer_name(scope.app, scope.stage, piece.key),
            runtime=f"python{settings.python}",
            architecture=settings.architecture,
            inputs=piece.inputs,
            content=piece.content,
        )
        for piece in pieces.layers
    ]


def foreign_layers(scope: Scope, function: FunctionSettings, ours: int) -> list[Placed]:
    """Give the ARNs of the layers of others, where Lambda takes so many besides `ours`, and from there."""
    count = ours + len(function.layers)
    if count > LAYERS:
        remedy = ", or write single_archive = true" if len(function.layers) <= LAYERS else ""
        raise PlanError(
            f"the function {function.name!r} would have {count} layers, {ours} of them ours; Lambda takes "
            f"{LAYERS}. Name fewer in `layers`{remedy}."
        )
    for arn in function.layers:
        region = arn.split(":")[3]
        if region not in (scope.region, "${region}"):
            raise PlanError(
                f"the layer {arn} of the function {function.name!r} is in {region}, and Lambda takes "
                f"layers of the function's own region alone: {scope.region}. Write ${{region}} in its place "
                "if it is there, too."
            )
    return [Placed(text=arn) for arn in function.layers]
