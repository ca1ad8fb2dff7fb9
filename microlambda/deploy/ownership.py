"""Whether something that has one of our names is ours: its tags tell, or a layer's description."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from microlambda.deploy.errors import NotOurs
from microlambda.deploy.explain import DENIED, NOT_FOUND, error_code
from microlambda.deploy.observed import Seen
from microlambda.plan.kinds import KINDS
from microlambda.plan.plan import APP_TAG, ID_TAG, STAGE_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from microlambda.plan.plan import Scope

_ADOPTING = ", or take it over: --adopt"


def check_ours(
    kind: str, name: str, tags: Mapping[str, str], scope: Scope, *, remedy: str = _ADOPTING
) -> None:
    """Raise `NotOurs`, naming the tag that differs, unless these tags are those of the stage.

    `remedy` is what can be done beside another name or the removal.
    """
    if scope.owns(tags):
        return
    title = KINDS[kind].title
    raise NotOurs(
        f"the {title} {name!r} exists and is not this project's: {whose(kind, tags, scope)}. "
        f"Give the App another name, or remove that {title}{remedy}."
    )


def seen_or_left_alone(
    kind: str, name: str, read: Callable[[str], Seen | None], *, planned: bool
) -> Seen | None:
    """Look at what has a planned name, or one like ours; None where it has gone.

    What the caller may not look at is left alone, unless the plan asks for it.
    """
    try:
        return read(name)
    except ClientError as exc:
        if error_code(exc) in NOT_FOUND:
            return None
        if planned or error_code(exc) not in DENIED:
            raise
        return Seen(
            kind=kind,
            address=name,
            name=name,
            tags={},
            left_alone=f"{exc.operation_name} is denied, so it is taken for another project's",
        )


def has_our_names(tags: Mapping[str, str], scope: Scope) -> bool:
    """Tell whether tags name our app and stage, whatever the id: what AWS itself names is found by them."""
    return (tags.get(APP_TAG), tags.get(STAGE_TAG)) == (scope.app, scope.stage)


def sorted_out(seen: Iterable[Seen], scope: Scope, *, planned: bool) -> list[Seen]:
    """Put ours first, and speak of what has our names and another id where nothing is planned in its place.

    With a plan it is another's, in the place of ours: refused, or adopted.
    """
    found = sorted(seen, key=lambda one: not scope.owns(one.tags or {}))
    return [
        one
        if planned or scope.owns(one.tags or {})
        else replace(one, left_alone=whose(one.kind, one.tags or {}, scope))
        for one in found
    ]


def is_renamed(tags: Mapping[str, str], scope: Scope) -> bool:
    """Tell whether these are the tags of this project and stage, deployed when the app had another name."""
    here = scope.id is not None and (tags.get(ID_TAG), tags.get(STAGE_TAG)) == (scope.id, scope.stage)
    return here and tags.get(APP_TAG, scope.app) != scope.app


def renamed(kind: str, identity: str, name: str, tags: Mapping[str, str], url: str) -> Seen:
    """Speak of an API that `is_renamed`, and leave it alone; `identity` is AWS's id of it."""
    app = tags[APP_TAG]
    return Seen(
        kind=kind,
        address=identity,
        name=name,
        tags=tags,
        left_alone=f"this stage is still deployed as {app!r}: {url}/. If that is an old name, "
        f"run `microlambda delete` with name = {json.dumps(app)}",
    )


def whose(kind: str, tags: Mapping[str, str], scope: Scope) -> str:
    """Say by what something is told from ours: `its microlambda:id is 'x', this project's id is 'y'`."""
    name = next((one for one, value in scope.tags.items() if tags.get(one) != value), ID_TAG)
    theirs = f"its {name} is {tags[name]!r}" if name in tags else KINDS[kind].unmarked.format(tag=name)
    if name != ID_TAG:
        return f"{theirs}, this deploy's is {scope.tags[name]!r}"
    ours = f"this project's id is {scope.id!r}" if scope.id else "this project has no id yet"
    return f"{theirs}, {ours}"
