"""The one route table: it serves Lambda, the local server, the test client and the plan.

Rules are kept in order of registration and built into a tree of segments at the first match.
The semantics are those of `werkzeug.routing.Map` with its defaults: at each segment the static
branch first, then captures by weight, with backtracking; a missing trailing slash is a redirect;
repeated slashes are merged by a redirect.
"""

from __future__ import annotations

from ..errors import MethodNotAllowed, NotFound, RequestRedirect, RouteConflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from .rule import Part, Rule


#: What a node has that leads nowhere: shared, so that building thousands of nodes is cheap. Never changed.
_NO_BRANCHES: dict[str, Any] = {}


class _Node:
    """A place in the tree: where a path may go on, and the rules that end here.

    `quick` are the captures, in the order in which they are tried, up to the first that takes
    more than a look at one segment.
    """

    __slots__ = ("by_method", "captures", "quick", "rules", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = _NO_BRANCHES
        self.captures: list[tuple[Part, _Node]] | tuple[()] = ()
        self.quick: list[tuple[Callable[[str], object], _Node]] | tuple[()] = ()
        self.rules: tuple[Rule, ...] = ()
        self.by_method: dict[str, Rule] = _NO_BRANCHES

    def child(self, part: str | Part) -> _Node:
        """The branch for a part of a rule, made where it is missing."""
        if not isinstance(part, str):
            return self._capture(part)
        node = self.static.get(part)
        if node is None:
            if self.static is _NO_BRANCHES:
                self.static = {}
            node = self.static[part] = _Node()
        return node

    def _capture(self, part: Part) -> _Node:
        for known, node in self.captures:
            if known.key == part.key:
                return node
        node = _Node()
        self.captures = sorted([*self.captures, (part, node)], key=lambda capture: capture[0].weight)
        self.quick = []
        for known, following in self.captures:
            if known.accepts is None or known.final:
                break
            self.quick.append((known.accepts, following))
        return node

    def end(self, rule: Rule) -> None:
        """Let the rule end here; of two that take a method, the one that names it itself wins."""
        if not self.rules:
            self.rules, self.by_method = (rule,), rule.by_method
            return
        self.rules = (*self.rules, rule)
        self.by_method = dict(self.by_method)
        for method in rule.accepted:
            if method in rule.methods or method not in self.by_method:
                self.by_method[method] = rule


class RouteTable:
    """Add rules, match paths, list what is there."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._taken: dict[tuple[str, object], Rule] = {}
        self._root: _Node | None = None

    def add(self, rule: Rule) -> None:
        """Register a rule; `RouteConflict` if another one answers the same path and method."""
        key = rule.key
        for method in sorted(rule.methods):
            if (method, key) in self._taken:
                raise _conflict(rule, method, self._taken[method, key])
        self._taken.update({(method, key): rule for method in rule.methods})
        self._rules.append(rule)
        self._root = None

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def match(self, path: str, method: str) -> tuple[Rule, dict[str, Any]]:
        """The rule for a decoded path, and the view's arguments.

        Raises NotFound, MethodNotAllowed with the methods that the path takes, or RequestRedirect
        where the same path with a slash more, or with repeated slashes merged, is the right one.
        """
        node = self._root or self._build()
        values: list[str] = []
        # Most requests find their rule at the first try; the whole search is for the others.
        for segment in path[1:].split("/"):
            following = node.static.get(segment)
            if following is None:
                for accepts, branch in node.quick:
                    if accepts(segment):
                        following = branch
                        break
                if following is None:
                    return self._search(path, method)
                values.append(segment)
            node = following
        rule = node.by_method.get(method)
        if rule is None:
            return self._search(path, method)
        if not values:
            return rule, {}
        if rule.is_plain:
            return rule, dict(zip(rule.names, values, strict=False))
        return rule, self._arguments(rule, values, set())

    def allowed_methods(self, path: str) -> tuple[str, ...]:
        """The methods that the path takes, sorted, OPTIONS among them; empty for an unknown path.

        A path that is one redirect away from a rule takes what that rule takes.
        """
        search = _Search("")
        for candidate in (path, _merged_slashes(path)):
            search.run(self._root or self._build(), candidate)
            search.run(self._root or self._build(), candidate + "/")
        return tuple(sorted(search.allowed | {"OPTIONS"})) if search.allowed else ()

    def _build(self) -> _Node:
        root = _Node()
        for rule in self._rules:
            node = root
            for part in rule.parts:
                node = node.child(part)
            node.end(rule)
        self._root = root
        return root

    def _search(self, path: str, method: str) -> tuple[Rule, dict[str, Any]]:
        """The whole search, with backtracking, and what the path would need to match."""
        path = "/" + path.lstrip("/")
        search = _Search(method)
        root = self._root or self._build()
        rule = search.run(root, path)
        if rule is None and not search.needs_slash:
            merged = _merged_slashes(path)
            if merged != path:
                path = merged
                if search.run(root, path) is not None:
                    raise RequestRedirect(path)
        if search.needs_slash:
            raise RequestRedirect(path + "/")
        if rule is None:
            raise _no_match(search.allowed)
        return rule, self._arguments(rule, search.values, search.allowed)

    def _arguments(self, rule: Rule, values: list[str], allowed: set[str]) -> dict[str, Any]:
        try:
            return rule.arguments(values)
        except ValueError as exc:
            raise _no_match(allowed) from exc


def _conflict(rule: Rule, method: str, taken: Rule) -> RouteConflict:
    return RouteConflict(
        f"{taken.rule!r} [{method}] is already handled by {taken.endpoint} ({taken.location}); "
        f"{rule.endpoint} ({rule.location}) asks for the same. Give one of them another path or method."
    )


def _no_match(allowed: set[str]) -> NotFound | MethodNotAllowed:
    if not allowed:
        return NotFound()
    return MethodNotAllowed(allowed=tuple(sorted(allowed | {"OPTIONS"})))


def _merged_slashes(path: str) -> str:
    while "//" in path:
        path = path.replace("//", "/")
    return path


class _Search:
    """One walk through the tree: depth first, the most specific branch first."""

    __slots__ = ("allowed", "method", "needs_slash", "values")

    def __init__(self, method: str) -> None:
        self.method = method
        self.allowed: set[str] = set()
        self.needs_slash = False
        self.values: list[str] = []

    def run(self, root: _Node, path: str) -> Rule | None:
        """The rule, with `values` captured; or None, with `allowed` and `needs_slash` saying why."""
        return self._from(root, path[1:].split("/"), [])

    def _from(self, node: _Node, segments: list[str], values: list[str]) -> Rule | None:
        if not segments:
            return self._end(node, values)
        segment, rest = segments[0], segments[1:]
        following = node.static.get(segment)
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

    def _through_captures(self, node: _Node, segments: list[str], values: list[str]) -> Rule | None:
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

    def _end(self, node: _Node, values: list[str]) -> Rule | None:
        rule = self._accepting(node.rules, values)
        slash = node.static.get("")
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
