"""What one API asks of its callers: the guards of its methods, and who decides where they name one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.guards import OPEN, Authorizer, Guard
from microlambda.emulator.gateway.resources import Resources
from microlambda.emulator.gateway.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from microlambda.emulator.gateway.api import Api
    from microlambda.emulator.gateway.resources import FindKey


@dataclass(frozen=True, kw_only=True)
class Protection:
    """The guards of an HTTP API's `routes` or a REST API's `resources`, and the `authorizers` by name.

    `unasked` tells of views that the ingress cannot protect, and `error` why the others have no guards.
    """

    routes: Routes = field(default_factory=Routes)
    resources: Mapping[str, Mapping[str, Guard]] | None = None
    authorizers: Mapping[str, Authorizer] = field(default_factory=dict)
    unasked: tuple[str, ...] = ()
    error: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read it as JSON has it."""
        default, resources = document.get("default"), document.get("resources")
        made = [Authorizer.from_document(one) for one in document.get("authorizers") or ()]
        return cls(
            routes=Routes(
                guards=_guards(document.get("routes") or {}),
                default=OPEN if default is None else Guard.from_document(default),
            ),
            resources=None if resources is None else {path: _guards(on) for path, on in resources.items()},
            authorizers={one.name: one for one in made},
            unasked=tuple(document.get("unasked") or ()),
            error=document.get("error"),
        )

    @property
    def asks(self) -> bool:
        """Whether anybody has to decide about callers."""
        return bool(self.authorizers or self.routes.guards or self.routes.default != OPEN or self.resources)

    def of(self, api: Api, find_key: FindKey) -> Api:
        """Give the API with them."""
        api = replace(api, routes=self.routes)
        if self.resources is None:
            return api
        return replace(api, resources=Resources(guards=self.resources, find_key=find_key))


def _guards(documents: Mapping[str, Any]) -> dict[str, Guard]:
    return {name: Guard.from_document(one) for name, one in documents.items()}
