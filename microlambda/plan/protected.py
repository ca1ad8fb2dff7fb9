"""What an API has to have beside its catch-all, so that it asks about callers: resources, routes and methods.

Sibling resources are excluded from what a proxy resource stands for: below a resource of its own the root's
catch-all catches nothing. So each of a REST API's takes every other method, too, and has a catch-all of its
own, unless a capture stands there. API Gateway has one variable to a place, and a fixed part wins over it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html

An HTTP API has one route for whatever is left, and of its own routes the most specific one is taken.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.plan.records import Guard
from microlambda.runtime.dispatch.protection import resource_of, route_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from microlambda import App
    from microlambda.runtime.routing.rule import Part, Rule

    Guards = Mapping[str, Guard]  # by method

CATCH_ALL = "{proxy+}"

#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
RESOURCES = 300
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
ROUTES = 300
# "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the
# beginning and the end", AWS answers to others: https://github.com/hashicorp/terraform-provider-aws/issues/5364
# Fixed parts and whole captures, and at the end one of all that follows.
_RESOURCE = re.compile(r"/|(?:/(?:[^/<{]+|\{\w+\}))*(?:/\{\w+\+\})?", re.ASCII)
_LITERAL = re.compile(r"[A-Za-z0-9._:-]+")


@dataclass(kw_only=True)
class _Node:
    """A resource: the methods that are protected, and the resources in it; `rule` is what it is there for."""

    rule: Rule
    guarded: dict[str, tuple[Rule, Guard]] = field(default_factory=dict)
    is_opened: bool = False  # it is there to keep a view open
    inside: dict[str, _Node] = field(default_factory=dict)


def protected_rules(app: App) -> list[Rule]:
    """List the rules whose views are protected by the gateway."""
    return [rule for rule in app.route_table if rule.is_protected]


def explicit_resources(app: App, guards: Mapping[Rule, Guard]) -> dict[str, Guards]:
    """Give each resource that a REST API has, by its path, and what its methods ask for.

    Parents come before their children. An app without `guards` has the two of the catch-all. Raises
    PlanError, naming the rule, for what API Gateway's resources cannot express.
    """
    if not guards:
        return {"/": {}, f"/{CATCH_ALL}": {}}
    first = next(iter(guards))
    root = _Node(rule=first)
    root.inside[CATCH_ALL] = _Node(rule=first)
    _fill(root, app, guards)
    found = dict(_listed(root, ""))
    if len(found) > RESOURCES:
        raise _too_many("resources of the REST API", len(found), RESOURCES)
    return found


def explicit_routes(app: App, guards: Mapping[Rule, Guard]) -> dict[str, Guard]:
    """Give the routes that an HTTP API has beside its `$default`, by their keys, and what they ask for."""
    if not guards:
        return {}
    root = _Node(rule=next(iter(guards)))
    _fill(root, app, guards)
    found = dict(_routes(root, ""))
    if len(found) >= ROUTES:
        raise _too_many("routes of the HTTP API", len(found) + 1, ROUTES)
    return found


def _fill(root: _Node, app: App, guards: Mapping[Rule, Guard]) -> None:
    for rule, guard in guards.items():
        node = _add(root, _segments(rule), rule)
        for method in rule.accepted:
            other, asked = node.guarded.setdefault(method, (rule, guard))
            if asked != guard:
                raise _differing(rule, other)
    for open_rule in app.route_table:
        if open_rule not in guards:
            for rule in guards:
                _keep_open(root, open_rule, rule)


def _segments(rule: Rule) -> tuple[str, ...]:
    resource = resource_of(rule)
    if not _RESOURCE.fullmatch(resource):
        raise _inexpressible(
            rule, "its parts are fixed, or captures of a whole part, or <path:...> at the end"
        )
    segments = tuple(resource.strip("/").split("/")) if resource != "/" else ()
    for segment in segments:
        if segment[0] != "{" and not _LITERAL.fullmatch(segment):
            raise _inexpressible(rule, f"its parts have a-z A-Z 0-9 . _ - : alone, unlike {segment!r}")
    return segments


def _add(root: _Node, segments: Iterable[str], rule: Rule) -> _Node:
    node = root
    for segment in segments:
        taken = next((one for one in node.inside if one[0] == "{"), segment)
        if segment[0] == "{" and taken != segment:
            if taken == CATCH_ALL:
                raise _inexpressible(
                    rule, "the API's own catch-all has that place. Give the rule a fixed first part"
                )
            raise _inexpressible(
                rule,
                f"it has one variable to a place, {segment} here, and {taken} in "
                f"{shown(node.inside[taken].rule)}. Call both alike",
            )
        node = node.inside.setdefault(segment, _Node(rule=rule))
    return node


def _keep_open(root: _Node, rule: Rule, guarded: Rule) -> None:
    """Make a resource for an open rule where the gateway would protect it as another view."""
    parts, segments = _parts(rule), _segments(guarded)
    if not rule.accepted & guarded.accepted or not _share_a_length(parts, segments):
        return
    for number, (part, segment) in enumerate(zip(parts, segments, strict=False)):
        if segment[0] != "{":
            if part != segment:  # no path is both's, or the fixed part comes first here as there
                return
        elif isinstance(part, str):
            if not _LITERAL.fullmatch(part):
                raise _shadowed(rule, guarded)
            _add(root, (*segments[:number], part), rule).is_opened = True
            return
        elif segment.endswith("+}"):
            raise _shadowed(rule, guarded)
        elif part.final:  # one part comes before the rest of the path here as there
            return
    if len(parts) == len(segments):
        raise _shadowed(rule, guarded)


def _share_a_length(parts: tuple[str | Part, ...], segments: tuple[str, ...]) -> bool:
    """Tell whether a path may be long enough for both.

    A resource that is not needed would hide the protected one beside it.
    """
    more = len(parts) - len(segments)
    if more > 0:
        return segments[-1:] != () and segments[-1].endswith("+}")
    return more == 0 or any(not isinstance(part, str) and part.final for part in parts)


def _parts(rule: Rule) -> tuple[str | Part, ...]:
    parts = rule.parts
    while parts and parts[-1] == "":
        parts = parts[:-1]
    return parts


def _listed(node: _Node, path: str) -> Iterator[tuple[str, Guards]]:
    yield path or "/", {method: node.guarded[method][1] for method in sorted(node.guarded)}
    inside: Mapping[str, _Node] = node.inside
    if not path.endswith("+}") and not any(one[0] == "{" for one in inside):
        inside = {**inside, CATCH_ALL: _Node(rule=node.rule)}
    for segment in sorted(inside):
        yield from _listed(inside[segment], f"{path}/{segment}")


def _routes(node: _Node, path: str) -> Iterator[tuple[str, Guard]]:
    for method in sorted(node.guarded):
        rule, guard = node.guarded[method]
        for key in route_keys(rule, method):
            yield key, guard
    if node.is_opened:
        for slash in ("", "/"):
            yield f"ANY {path}{slash}", Guard()
    for segment in sorted(node.inside):
        yield from _routes(node.inside[segment], f"{path}/{segment}")


def shown(rule: Rule) -> str:
    """Name a rule in a sentence, with its view."""
    return f"{rule.rule!r} ({rule.endpoint}, {rule.location})"


def asking(rule: Rule) -> str:
    """Say what callers of a rule need."""
    return "asks for an API key" if rule.authorizer is None else "has an authorizer"


def _inexpressible(rule: Rule, why: str) -> PlanError:
    return PlanError(f"{shown(rule)} {asking(rule)}, and API Gateway can have no resource for it: {why}.")


def _shadowed(rule: Rule, guarded: Rule) -> PlanError:
    return PlanError(
        f"{shown(rule)} is open, and API Gateway cannot tell its paths from those of "
        f"{shown(guarded)}, which {asking(guarded)}. Let both have that, or give one of them another path."
    )


def _differing(rule: Rule, other: Rule) -> PlanError:
    return PlanError(
        f"{shown(rule)} and {shown(other)} are one resource of API Gateway's, and differ in what they ask of "
        "their callers. Let both ask for the same, or give one of them another path."
    )


def _too_many(what: str, count: int, limit: int) -> PlanError:
    return PlanError(
        f"the views that are protected need {count} {what}, and AWS gives it {limit}. "
        "Let them share paths, or move some into an App of their own."
    )
