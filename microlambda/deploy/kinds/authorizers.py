"""The authorizers of an API, found again by their names: API Gateway lets no two of an API have one name.

What both kinds of API do alike is here, in words that they share; `http_authorizers` and `rest_authorizers`
know the calls. An update never makes one another type, and never takes away what it has: how API Gateway is
asked for that, no document says. Such a one is put aside under another name, and removed once a new one has
its routes.
https://github.com/aws/aws-cdk/issues/13711
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.invocation_uri import invocation_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from microlambda.plan.records import Authorizer, Ref

    Wanted = Mapping[str, "Asked"]  # by name
    There = Mapping[str, "Found"]  # by name

_LONGEST = 128  # characters of a name


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an authorizer asks, and whom; None or nothing stands for what it has not.

    A planned `uri` is None, too, where only the creation of the function will tell it.
    """

    type: str
    identity_sources: tuple[str, ...] = ()
    uri: str | None = None
    role: str | None = None
    ttl: int | None = None  # s
    payload: str | None = None  # its format
    is_simple: bool = False
    expression: str | None = None  # that a token has to match
    issuer: str | None = None
    audience: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    def as_data(self) -> dict[str, Any]:
        """Give it for JSON, what is the same in the same words."""
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(self).items()
        }

    def is_as(self, planned: Asked) -> bool:
        """Tell whether it asks what is planned; in which order AWS tells its sources is not documented."""
        return _in_order(self) == _in_order(planned)

    def can_become(self, planned: Asked) -> bool:
        """Tell whether an update makes of it what is planned."""
        kept = ((self.role, planned.role), (self.identity_sources, planned.identity_sources))
        lost = self.expression or any(now and not then for now, then in kept)
        return self.type == planned.type and not lost


def _in_order(asked: Asked) -> Asked:
    return replace(asked, identity_sources=tuple(sorted(asked.identity_sources)))


@dataclass(frozen=True, kw_only=True)
class Found:
    """An authorizer that is there."""

    id: str
    asked: Asked


def wanted(
    planned: Sequence[Authorizer], value: Callable[[Ref], str | None], *, payload: str | None = None
) -> dict[str, Asked]:
    """Give the planned authorizers by name; `value` is what their references come to."""
    return {
        one.name: Asked(
            type=one.type,
            identity_sources=one.identity_sources,
            uri=_uri(one, value),
            role=one.role,
            ttl=one.ttl,
            payload=payload if one.type == "REQUEST" else None,
            is_simple=one.is_simple,
            issuer=one.issuer,
            audience=frozenset(one.audience),
            providers=frozenset(one.providers),
        )
        for one in planned
    }


def _uri(one: Authorizer, value: Callable[[Ref], str | None]) -> str | None:
    function = value(one.target) if one.target is not None else one.uri
    return None if function is None else invocation_uri(function)


def ids(there: There) -> dict[str, str]:
    """Give the ids of authorizers by their names."""
    return {name: one.id for name, one in there.items()}


def authorizer_reasons(there: There, planned: Wanted, used: Collection[str | None]) -> list[str]:
    """Name the authorizers that are missing or differ, and those that are left over.

    `used` are the ids that stay in use: by what others have put into the API.
    """
    wrong = [name for name, one in planned.items() if name not in there or not there[name].asked.is_as(one)]
    return [
        *(f"authorizer {name}" for name in wrong),
        *(f"left-over authorizer {name}" for name in _left_over(there, planned, used)),
    ]


def _left_over(there: There, planned: Wanted, used: Collection[str | None]) -> list[str]:
    return [name for name, one in sorted(there.items()) if name not in planned and one.id not in used]


class Authorizers(ABC):
    """The calls about the authorizers of one API."""

    def __init__(self, client: Any, api: str) -> None:
        self._client = client
        self._api = api

    def put(self, there: There, planned: Wanted) -> dict[str, Found]:
        """Make what differs as planned, and give all that is there then: nothing goes here."""
        found = dict(there)
        for name, one in planned.items():
            now = found.get(name)
            if now is not None and not now.asked.can_become(one):
                aside = f"{name[: _LONGEST - 1 - len(now.id)]}_{now.id}"
                self.rename(now, aside)
                found[aside] = found.pop(name)
                now = None
            if now is None:
                found[name] = Found(id=self.create(name, one), asked=one)
            elif not now.asked.is_as(one):
                self.update(now, one)
        return found

    def remove_left_over(self, there: There, planned: Wanted, used: Collection[str | None]) -> None:
        """Remove what is planned no longer; API Gateway refuses that as long as a route names it."""
        for name in _left_over(there, planned, used):
            try:
                self.delete(there[name])
            except self._client.exceptions.NotFoundException:
                continue

    @abstractmethod
    def create(self, name: str, planned: Asked) -> str:
        """Make one, and give its id."""

    @abstractmethod
    def update(self, found: Found, planned: Asked) -> None:
        """Make of one what is planned."""

    @abstractmethod
    def rename(self, found: Found, name: str) -> None:
        """Give one another name."""

    @abstractmethod
    def delete(self, found: Found) -> None:
        """Remove one."""
