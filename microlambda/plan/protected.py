"""What a REST API has to have beside its catch-all, so that it asks for API keys: resources and methods.

Sibling resources are excluded from what a proxy resource stands for: below a resource of its own the root's
catch-all catches nothing. So each of them takes every other method, too, and has a catch-all of its own,
unless a capture stands there. API Gateway has one variable to a place, and a fixed part wins over it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.runtime.dispatch.protection import resource_of
from microlambda.runtime.routing.converters import PathConverter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from microlambda import App
    from microlambda.runtime.routing.rule import Part, Rule

CATCH_ALL = "{proxy+}"

#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
RESOURCES = 300
# "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the
# beginning and the end", AWS answers to others: https://github.com/hashicorp/terraform-provider-aws/issues/5364
# Fixed parts and whole captures, and at the end one of all that follows.
_RESOURCE = re.compile(r"/|(?:/(?:[^/<{]+|\{\w+\}))*(?:/\{\w+\+\})?", re.ASCII)
_LITERAL = re.compile(r"[A-Za-z0-9._:-]+")


@dataclass(kw_only=True)
class _Node:
    """A resource: the methods that ask for a key, and the resources in it; `rule` is what it is there for."""

    rule: Rule
    keyed: set[str] = field(default_factory=set)
    inside: dict[str, _Node] = field(default_factory=dict)


def protected_rules(app: App) -> list[Rule]:
    """List the rules whose views ask for an API key."""
    return [rule for rule in app.route_table if rule.api_key_required]


def explicit_resources(app: App) -> dict[str, tuple[str, ...]]:
    """Give each resource that the API has, by its path, and the methods on it that ask for a key.

    Parents come before their children. An app whose views ask for none has the two of the catch-all. Raises
    PlanError, naming the rule, for what API Gateway's resources cannot express.
    """
    rules = protected_rules(app)
    if not rules:
        return {"/": (), f"/{CATCH_ALL}": ()}
    root = _Node(rule=rules[0])
    root.inside[CATCH_ALL] = _Node(rule=rules[0])
    for rule in rules:
        _add(root, _segments(rule), rule).keyed |= rule.accepted
    for open_rule in app.route_table:
        if not open_rule.api_key_required:
            for rule in rules:
                _keep_open(root, open_rule, rule)
    found = dict(_listed(root, ""))
    if len(found) > RESOURCES:
        raise PlanError(
            f"the views that ask for an API key need {len(found)} resources of the REST API, and AWS gives "
            f"it {RESOURCES}. Let them share paths, or move some into an App of their own."
        )
    return found


def _segments(rule: Rule) -> tuple[str, ...]:
    resource = resource_of(rule.rule)
    converters = (rule.converters or {}).values()
    if not _RESOURCE.fullmatch(resource) or any(type(one) is not PathConverter for one in converters):
        raise _inexpressible(
            rule,
            "its parts are fixed, or captures of a whole part without a converter, or <path:...> at the end",
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
            if node is root:
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


def _keep_open(root: _Node, rule: Rule, keyed: Rule) -> None:
    """Make a resource for an open rule where the gateway would ask for the key of another view."""
    parts, segments = _parts(rule), _segments(keyed)
    if not rule.accepted & keyed.accepted or not _share_a_length(parts, segments):
        return
    for number, (part, segment) in enumerate(zip(parts, segments, strict=False)):
        if segment[0] != "{":
            if part != segment:  # no path is both's, or the fixed part comes first here as there
                return
        elif isinstance(part, str):
            if not _LITERAL.fullmatch(part):
                raise _shadowed(rule, keyed)
            _add(root, (*segments[:number], part), rule)
            return
        elif segment.endswith("+}"):
            raise _shadowed(rule, keyed)
        elif part.final:  # one part comes before the rest of the path here as there
            return
    if len(parts) == len(segments):
        raise _shadowed(rule, keyed)


def _share_a_length(parts: tuple[str | Part, ...], segments: tuple[str, ...]) -> bool:
    """Tell whether a path may be long enough for both.

    A resource that is not needed would hide the keyed one beside it.
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


def _listed(node: _Node, path: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    yield path or "/", tuple(sorted(node.keyed))
    inside: Mapping[str, _Node] = node.inside
    if not path.endswith("+}") and not any(one[0] == "{" for one in inside):
        inside = {**inside, CATCH_ALL: _Node(rule=node.rule)}
    for segment in sorted(inside):
        yield from _listed(inside[segment], f"{path}/{segment}")


def shown(rule: Rule) -> str:
    """Name a rule in a sentence, with its view."""
    return f"{rule.rule!r} ({rule.endpoint}, {rule.location})"


def _inexpressible(rule: Rule, why: str) -> PlanError:
    return PlanError(
        f"{shown(rule)} asks for an API key, and API Gateway can have no resource for it: {why}."
    )


def _shadowed(rule: Rule, keyed: Rule) -> PlanError:
    return PlanError(
        f"{shown(rule)} asks for no API key, and API Gateway cannot tell its paths from those of "
        f"{shown(keyed)}, which asks for one. Let both ask for a key, or give one of them another path."
    )
