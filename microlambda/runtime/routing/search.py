"""The whole search through the tree, with backtracking, for what is not found at the first try.

The semantics are those of `werkzeug.routing.Map` with its defaults: at each segment the static branch
first, then captures by weight; a missing trailing slash is a redirect; repeated slashes are merged by a
redirect.
"""

from __future__ import annotations

from ..errors import MethodNotAllowed, NotFound, RequestRedirect
from .rule import merged_slashes
from .table import mount_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .rule import Rule
    from .table import Node


def find(root: Node, path: str, method: str) -> tuple[Rule, dict[str, Any]]:
    """The rule and the view's arguments; NotFound, MethodNotAllowed or RequestRedirect."""
    path = "/" + path.lstrip("/")
    search = Search(method)
    rule = search.run(root, path)
    if rule is None and not search.needs_slash:
        merged = merged_slashes(path)
        if merged != path:
            path = merged
            if search.run(root, path) is not None:
                raise RequestRedirect(path)
    if search.needs_slash:
        raise RequestRedirect("/" + f"{path}/".lstrip("/"))  # a first capture may be empty
    if rule is None:
        raise _no_match(search.allowed)
    try:
        return rule, rule.convert(search.values)
    except ValueError as exc:
        raise _no_match(search.allowed) from exc


def find_or_mounted(
    root: Node, mounts: Iterable[tuple[str, Rule]], path: str, method: str
) -> tuple[Rule, dict[str, Any]]:
    """As `find`, but what none of the app's own rules answers belongs to the application mounted there.

    The own rules keep the paths that lead to them by a redirect, and OPTIONS of all that they answer.
    """
    try:
        return find(root, path, method)
    except (NotFound, MethodNotAllowed) as exc:
        rule = mount_at(mounts, path)
        if rule is None or (method == "OPTIONS" and isinstance(exc, MethodNotAllowed)):
            raise
        return rule, {}


def allowed_methods(root: Node, path: str) -> tuple[str, ...]:
    """The methods that the path takes, sorted, OPTIONS among them; empty for an unknown path.

    A path that is one redirect away from a rule takes what that rule takes.
    """
    search = Search("")
    path = "/" + path.lstrip("/")
    for candidate in (path, merged_slashes(path)):
        search.run(root, candidate)
        search.run(root, candidate + "/")
    return tuple(sorted(search.allowed | {"OPTIONS"})) if search.allowed else ()


def _no_match(allowed: set[str]) -> NotFound | MethodNotAllowed:
    if not allowed:
        return NotFound()
    return MethodNotAllowed(allowed=tuple(sorted(allowed | {"OPTIONS"})))


class Search:
    """One walk through the tree: depth first, the most specific branch first."""

    __slots__ = ("allowed", "method", "needs_slash", "values")

    def __init__(self, method: str) -> None:
        self.method = method
        self.allowed: set[str] = set()
        self.needs_slash = False
        self.values: list[str] = []

    def run(self, root: Node, path: str) -> Rule | None:
        """The rule, with `values` captured; or None, with `allowed` and `needs_slash` saying why."""
        return self._from(root, path.split("/"), [])

    def _from(self, node: Node, segments: list[str], values: list[str]) -> Rule | None:
        if not segments:
            return self._end(node, values)
        segment, rest = segments[0], segments[1:]
        following = node.get(segment)
        if following is not None:
            rule = self._from(following, rest, values)
            if rule is not None or self.needs_slash:
                return rule
        rule = self._through_captures(node, segments, values)
        if rule is not None or self.needs_slash:
            return rule
        if segments == [""]:  # a slash too many is fine for rules that are not strict
            return self._accepting([one for one in node.rules if not one.strict_slashes], values)
        return None

    def _through_captures(self, node: Node, segments: list[str], values: list[str]) -> Rule | None:
        for part, following in node.captures:
            captured = part.match("/".join(segments) if part.final else segments[0])
            if captured is None:
                continue
            rest = [] if part.final else segments[1:]
            if part.suffixed:
                *texts, slash = captured
                captured = tuple(texts)
                rest = [""] if slash else []
            rule = self._from(following, rest, [*values, *captured])
            if rule is not None or self.needs_slash:
                return rule
        return None

    def _end(self, node: Node, values: list[str]) -> Rule | None:
        rule = self._accepting(node.rules, values)
        slash = node.get("")
        if rule is not None or slash is None:
            return rule
        for candidate in slash.rules:
            if self.method in candidate.accepted:
                if candidate.strict_slashes:
                    self.needs_slash = True
                    return None
                self.values = values
                return candidate
        return None

    def _accepting(self, rules: Iterable[Rule], values: list[str]) -> Rule | None:
        found: Rule | None = None
        for rule in rules:
            if self.method not in rule.accepted:
                if found is None:  # as in Werkzeug, whose search ends at the first rule that accepts
                    self.allowed |= rule.accepted
            elif found is None or (self.method in rule.methods and self.method not in found.methods):
                found = rule
        if found is not None:
            self.values = values
        return found
