"""The one route table: it serves Lambda, the local server, the test client and the plan.

Rules are kept in order of registration, and in a tree of segments that grows with each. What the first
try through the tree does not find, `search` does.
"""

from __future__ import annotations

from ..errors import RequestRedirect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from .builder import UrlBuilder
    from .captures import Converter
    from .rule import Part, Rule

    Branches = dict[str, "Node"]
else:
    Branches = dict

_NONE: dict[str, Any] = {}  # shared by the many nodes in which no rule ends; never changed


class Node(Branches):
    """A place in the tree: the static branches by segment; where captures lead; the rules that end here.

    `quick` are the captures, in the order in which they are tried, up to the first that takes more than a
    look at one segment.
    """

    __slots__ = ("by_method", "captures", "quick", "rules")

    def __init__(self) -> None:
        self.captures: tuple[tuple[Part, Node], ...] = ()
        self.quick: tuple[tuple[Callable[[str], object], Node], ...] = ()
        self.rules: tuple[Rule, ...] = ()
        self.by_method: dict[str, Rule] = _NONE

    def through(self, part: Part) -> Node:
        """The branch of a capture, made where it is missing."""
        for known, node in self.captures:
            if known is part or known.key == part.key:
                return node
        node = Node()
        self.captures = tuple(sorted((*self.captures, (part, node)), key=_weight))
        quick = []
        for known, following in self.captures:
            if known.accepts is None or known.final:
                break
            quick.append((known.accepts, following))
        self.quick = tuple(quick)
        return node

    def end(self, rule: Rule) -> None:
        """Let the rule end here; of two that take a method, the one that names it itself wins."""
        for taken in self.rules:
            for method in sorted(rule.methods & taken.methods):
                from .problems import conflict

                raise conflict(rule, method, taken)
        by_method = dict.fromkeys(rule.accepted, rule)
        for method, taken in self.by_method.items():
            if method in taken.methods or method not in rule.methods:
                by_method[method] = taken
        self.by_method = by_method
        self.rules += (rule,)


def _weight(capture: tuple[Part, Node]) -> tuple[object, ...]:
    return capture[0].weight


def mount_at(mounts: Iterable[tuple[str, Rule]], path: str) -> Rule | None:
    """The rule of the application that a path lies below, the longest first; None where there is none."""
    for prefix, rule in mounts:
        if path.startswith(prefix) and path[len(prefix) :][:1] in ("", "/"):
            return rule
    return None


class RouteTable:
    """Add rules, match paths, build URLs, list what is there.

    `converters` are the app's own, by the name that rules call them by.
    """

    def __init__(self) -> None:
        self.converters: dict[str, type[Converter]] = {}
        self._rules: list[Rule] = []
        self._root = Node()
        self._start = self._root[""] = Node()  # a path starts with a slash
        self._builder: UrlBuilder | None = None
        self._redirecting: set[str] = set()  # endpoints with a rule that has defaults
        self.mounts: tuple[tuple[str, Rule], ...] = ()  # of mounted applications, the longest path first
        self.only: Rule | None = None  # that of an application at "/" which has the table for itself

    def add(self, rule: Rule) -> None:
        """Register a rule; `RouteConflict` if another one answers the same path and method."""
        node = self._start
        for part in rule.parts:
            if isinstance(part, str):
                following = node.get(part)
                if following is None:
                    following = node[part] = Node()
                node = following
            else:
                node = node.through(part)
        node.end(rule)
        self._rules.append(rule)
        self.only = None
        self._builder = None
        if rule.defaults or rule.endpoint in self._redirecting:
            self._redirecting.add(rule.endpoint)
            for one in self._rules:
                if one.endpoint == rule.endpoint:
                    one.is_plain = False

    def add_mount(self, prefix: str, rule: Rule) -> None:
        """Register the rule of an application at and below `prefix`, which takes what no other rule does."""
        self.mounts = tuple(sorted((*self.mounts, (prefix, rule)), key=lambda one: -len(one[0])))
        self.only = rule if not prefix and len(self) == 1 else None

    def __iter__(self) -> Iterator[Rule]:
        yield from self._rules
        for _, rule in self.mounts:
            yield rule

    def __len__(self) -> int:
        return len(self._rules) + len(self.mounts)

    def match(self, path: str, method: str) -> tuple[Rule, dict[str, Any]]:
        """The rule for a decoded path, and the view's arguments.

        Raises NotFound, MethodNotAllowed with the methods that the path takes, or RequestRedirect where
        the same page has a better path: with a slash more, with repeated slashes merged, or without what
        a rule of the same endpoint has as defaults.
        """
        node = self._root
        values: list[str] = []
        # Most requests find their rule at the first try; the whole search is for the others.
        for segment in path.split("/"):
            following = node.get(segment)
            if following is None:
                for accepts, branch in node.quick:
                    if segment and accepts(segment):  # '//' is for the search, which merges slashes
                        values.append(segment)
                        following = branch
                        break
                else:
                    return self._search(path, method)
            node = following
        rule = node.by_method.get(method)
        if rule is None:
            return self._search(path, method)
        if rule.is_plain:
            return rule, dict(zip(rule.names, values, strict=False)) if values else {}
        try:
            arguments = rule.convert(values)
        except ValueError:
            return self._search(path, method)
        return self._canonical(rule, arguments, method)

    def allowed_methods(self, path: str) -> tuple[str, ...]:
        """The methods that the path takes, sorted, OPTIONS among them; empty for an unknown path.

        A path that is one redirect away from a rule takes what that rule takes.
        """
        from .search import allowed_methods

        return allowed_methods(self._root, path)

    def url_for(
        self,
        endpoint: str,
        values: Mapping[str, Any],
        *,
        method: str | None = None,
        default_method: str = "GET",
    ) -> str:
        """The percent-encoded path of the endpoint's rule, with `?` and the values that it does not capture.

        Of several rules, one that takes `method`; without it, rather one that takes `default_method`.
        Values of None are left out, a list repeats its key. Raises BuildError.
        """
        return self._urls().url(endpoint, values, method, default_method)

    def _search(self, path: str, method: str) -> tuple[Rule, dict[str, Any]]:
        if self.mounts:
            from .search import find_or_mounted

            return self._canonical(*find_or_mounted(self._root, self.mounts, path, method), method)
        from .search import find

        return self._canonical(*find(self._root, path, method), method)

    def plain_mount(self, path: str) -> Rule | None:
        """The mount of a path where a glance tells that no other rule can have it; None is no answer."""
        start = self._start
        if start.captures or path[1:].partition("/")[0] in start or "//" in path:
            return None
        return mount_at(self.mounts, path)

    def _canonical(self, rule: Rule, arguments: dict[str, Any], method: str) -> tuple[Rule, dict[str, Any]]:
        """What was found, unless a rule with defaults says the same in a better path."""
        if rule.endpoint in self._redirecting:
            better = self._urls().canonical(rule, arguments, method)
            if better is not None:
                raise RequestRedirect(better)
        return rule, arguments

    def _urls(self) -> UrlBuilder:
        if self._builder is None:
            from .builder import UrlBuilder

            self._builder = UrlBuilder(self._rules)
        return self._builder
