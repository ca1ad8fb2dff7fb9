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
    from collections.abc import Iterator
    from typing import Any

    from .rule import Part, Rule


class _Node:
    """A place in the tree: where a path may go on, and the rules that end here."""

    __slots__ = ("by_method", "captures", "plain", "rules", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.captures: list[tuple[Part, _Node]] = []
        self.rules: list[Rule] = []
        self.by_method: dict[str, Rule] = {}
        self.plain: _Node | None = None  # where any text goes, if that is what is tried first

    def child(self, part: str | Part) -> _Node:
        if isinstance(part, str):
            node = self.static.get(part)
            if node is None:
                node = self.static[part] = _Node()
            return node
        for known, node in self.captures:
            if known.key == part.key:
                return node
        node = _Node()
        self.captures.append((part, node))
        return node

    def finish(self) -> None:
        for rule in self.rules:
            for method in rule.accepted:
                self.by_method.setdefault(method, rule)
            # A rule that names HEAD itself wins over one that has it from GET.
            for method in rule.methods:
                if method not in self.by_method[method].methods:
                    self.by_method[method] = rule
        if self.captures:
            self.captures.sort(key=lambda capture: capture[0].weight)
            part, node = self.captures[0]
            if part.accepts is bool and not part.final:
                self.plain = node


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
        root = self._root or self._build()
        # Most requests find their rule at the first try; the whole search is for the others.
        node = root
        values: list[str] = []
        for segment in path[1:].split("/"):
            following = node.static.get(segment)
            if following is None:
                following = node.plain
                if following is None or not segment:
                    return self._search(path, method)
                values.append(segment)
            node = following
        rule = node.by_method.get(method)
        if rule is None:
            return self._search(path, method)
        if not values:
            return rule, {}
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
        nodes = {id(root): root}
        for rule in self._rules:
            node = root
            for part in rule.parts:
                node = node.child(part)
                nodes[id(node)] = node
            node.rules.append(rule)
        for node in nodes.values():
            node.finish()
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

    def _accepting(self, rules: list[Rule], values: list[str]) -> Rule | None:
        found: Rule | None = None
        for rule in rules:
            if self.method not in rule.accepted:
                self.allowed |= rule.accepted
            elif found is None or (self.method in rule.methods and self.method not in found.methods):
                found = rule
        if found is not None:
            self.values = values
        return found
