"""What runs of a stage, what ran before, and the way back.

A published version holds code and configuration as they were, its layers included, and its description what
it was built from. So the way back is one call per function, which moves the alias; nothing is built or
uploaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import NotDeployed, NothingToRollBack, deploy_first
from microlambda.deploy.explain import AWS_ERRORS, explain, explained
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.lock import Lock
from microlambda.deploy.published import Label, published
from microlambda.plan.compile import LIVE
from microlambda.plan.names import function_name
from microlambda.plan.records import Function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from microlambda.deploy.published import PublishedVersion
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


@dataclass(frozen=True, kw_only=True)
class DeployedFunction:
    """A function of the stage, its versions, the newest first, and the configuration that serves.

    `live` is the version that serves; None where an interrupted deploy has not come to the alias. `label`
    tells since when, and which have before it.
    """

    name: str
    live: PublishedVersion | None
    versions: tuple[PublishedVersion, ...]
    label: Label
    configuration: Mapping[str, Any]

    @property
    def since(self) -> str | None:
        """Give the moment since when it serves, in UTC: the alias's move, else the publishing."""
        return self.label.since or (self.live.since if self.live is not None else None)

    @property
    def before(self) -> tuple[PublishedVersion, ...]:
        """List the versions that have served before the one that serves, the newest first.

        Without those that were published and did not start.
        """
        return tuple(one for one in self.versions if one.number in self.label.served)

    def target(self, to: int | None) -> PublishedVersion | None:
        """Give the version to go back to: the one of this number, or the one before; None where none is."""
        if to is None:
            return next(iter(self.before), None)
        return next((one for one in self.versions if one.number == to and one != self.live), None)


@dataclass(frozen=True, kw_only=True)
class Move:
    """One function goes from the version that serves to another."""

    function: DeployedFunction
    to: PublishedVersion

    @property
    def line(self) -> str:
        """Write it as a deploy writes its changes."""
        live = self.function.live
        start = "no version" if live is None else f"version {live.number}"
        return f"~ {self.function.name}: {start} -> version {self.to.number}, of {self.to.since} UTC"

    def as_data(self) -> dict[str, Any]:
        """Give it as data for JSON; `since` is when the version was published, in UTC."""
        live = self.function.live
        return {
            "function": self.function.name,
            "from": live.number if live else None,
            "to": self.to.number,
            "since": self.to.since,
        }


def deployed_functions(aws: Aws, scope: Scope) -> list[DeployedFunction]:
    """List the functions of a stage; `NotDeployed` where there are none."""
    with explained("looking at what is deployed"):
        seen = DEPLOYERS[Function.kind].observe(aws, scope, (), ())
        names = sorted(one.name for one in seen if not one.left_alone)
        found = list(aws.each(lambda name: _look_at(aws, name), names))
    if not found:
        raise NotDeployed(
            f"stage {scope.stage!r} of {scope.app!r} has no functions in {aws.region}. "
            f"{deploy_first(scope.stage)}"
        )
    return found


def chosen(
    functions: Sequence[DeployedFunction], scope: Scope, handler: str | None
) -> list[DeployedFunction]:
    """Take the function of this handler, or all; `NotDeployed` names those that there are."""
    if handler is None:
        return list(functions)
    wanted = function_name(scope.app, scope.stage, handler)
    found = [one for one in functions if one.name == wanted]
    if not found:
        names = ", ".join(one.name for one in functions)
        raise NotDeployed(f"stage {scope.stage!r} has no function {wanted!r}. It has: {names}.")
    return found


def ways_back(functions: Sequence[DeployedFunction], to: int | None) -> list[Move]:
    """Say where functions go: to the version before, or to the one of this number; `NothingToRollBack`."""
    if to is not None and len(functions) > 1:
        raise NothingToRollBack(
            f"a number is one function's own, and the stage has {len(functions)}: add --function NAME."
        )
    targets = [(one, one.target(to)) for one in functions]
    moves = [Move(function=one, to=target) for one, target in targets if target is not None]
    if not moves:
        have = "; ".join(_versions_of(one) for one in functions)
        asked = (
            "no version has served before" if to is None else f"version {to} is not there, or serves already"
        )
        raise NothingToRollBack(f"{asked}: {have}.")
    return moves


def roll_back(aws: Aws, scope: Scope, moves: Sequence[Move], *, say: Callable[[str], None]) -> None:
    """Move the aliases, one call per function, under the stage's lock."""
    with Lock(aws, scope, say=say).held():
        for number, move in enumerate(moves):
            say(move.line)
            try:
                _move(aws, move)
            except AWS_ERRORS as exc:
                progress = f"{number} of {len(moves)} functions have gone back."
                raise explain(exc, f"moving the alias of {move.function.name!r}", progress=progress) from exc


def _move(aws: Aws, move: Move) -> None:
    function = move.function
    served = [*function.label.served, *([function.live.number] if function.live else [])]
    aws.client("lambda").update_alias(
        FunctionName=function.name,
        Name=LIVE,
        FunctionVersion=str(move.to.number),
        Description=str(Label.of_moving(move.to.description, move.to.number, served)),
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


def _versions_of(one: DeployedFunction) -> str:
    numbers = ", ".join(str(version.number) for version in one.versions) or "none"
    return f"{one.name} has {numbers}"


def _look_at(aws: Aws, name: str) -> DeployedFunction:
    client = aws.client("lambda")
    versions = published(aws, name)
    try:
        alias = client.get_alias(FunctionName=name, Name=LIVE)
    except client.exceptions.ResourceNotFoundException:
        alias = {"FunctionVersion": "0"}  # of no version
    number = int(alias["FunctionVersion"])
    where = {"Qualifier": LIVE} if number else {}
    return DeployedFunction(
        name=name,
        live=next((one for one in versions if one.number == number), None),
        versions=tuple(versions),
        label=Label.read(alias.get("Description", "")),
        configuration=client.get_function_configuration(FunctionName=name, **where),
    )
