"""URLs from endpoints and values, as `werkzeug.routing.MapAdapter.build` makes them; loaded at first use."""

from __future__ import annotations

from ..percent import PATH, quote_bytes, unquote
from .captures import PLAIN, cut
from .rule import merged_slashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .captures import Converter
    from .rule import Rule

#: What Werkzeug leaves in a query, and the space, which becomes a plus.
_QUERY = "!$'()*,/:;?@ "

#: What converters raise for a value that they cannot write; an infinite float is an OverflowError to `int`.
_UNFIT = (ValueError, TypeError, OverflowError)


def quoted(text: str) -> str:
    """The text percent-encoded for a path; UnicodeEncodeError where it is no UTF-8."""
    return quote_bytes(text.encode(), PATH)


def query_of(values: Iterable[tuple[str, Any]]) -> str:
    """`a=1&b=2`: a list, tuple or set repeats its key, None is left out."""
    pairs = []
    for name, value in values:
        for one in value if isinstance(value, list | tuple | set) else (value,):
            if one is not None:
                data = one if isinstance(one, bytes) else str(one).encode()
                pairs.append(f"{_plus(name.encode())}={_plus(data)}")
    return "&".join(pairs)


def _plus(data: bytes) -> str:
    return quote_bytes(data, _QUERY).replace(" ", "+")


class UrlBuilder:
    """Builds the URLs of a table's rules, which stay as they are from here on."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.endpoint, []).append(rule)
        for several in self._rules.values():
            # As in Werkzeug: the rule that makes the most of the values first.
            several.sort(key=lambda rule: (-len(_arguments(rule)), -len(rule.defaults or ())))

    def url(self, endpoint: str, values: Mapping[str, Any], method: str | None, default_method: str) -> str:
        """The path, with `?` and a query where values are left; BuildError where no rule takes them."""
        given = {name: value for name, value in values.items() if value is not None}
        refused: tuple[Rule, Exception] | None = None
        for wanted in (method.upper(),) if method else (default_method, None):
            for rule in self._rules.get(endpoint, ()):
                if not _is_suitable(rule, given, wanted):
                    continue
                try:
                    query = query_of((name, given[name]) for name in given if name not in _arguments(rule))
                    return _path(rule, given) + (f"?{query}" if query else "")
                except _UNFIT as exc:
                    refused = refused or (rule, exc)
        from .problems import no_url

        raise no_url(self._rules, endpoint, given, method, refused) from (refused and refused[1])

    def canonical(self, rule: Rule, arguments: dict[str, Any], method: str) -> str | None:
        """The decoded path of a rule of the same endpoint that has as defaults what this one captures."""
        for other in self._rules[rule.endpoint]:
            if other is rule:
                return None
            if (
                _is_sibling(other, rule)
                and _provides_defaults(other, rule)
                and _is_suitable(other, arguments, method)
            ):
                try:
                    return unquote(_path(other, arguments))
                except _UNFIT:  # what this rule captures, the other one cannot hold
                    continue
        return None


def check_defaults(rule: Rule) -> None:
    """A default for what the rule itself captures always wins: its converter must be able to write it."""
    defaults = rule.defaults or {}
    for name in rule.names:
        if name in defaults:
            try:
                _converter(rule, name).to_url(defaults[name])
            except _UNFIT as exc:
                from .problems import unfit_default

                raise unfit_default(rule, name, exc) from exc


def _converter(rule: Rule, name: str) -> Converter:
    return (rule.converters or {}).get(name, PLAIN)


def _arguments(rule: Rule) -> set[str]:
    return {*rule.names, *(rule.defaults or ())}


def _is_sibling(rule: Rule, other: Rule) -> bool:
    """Do both lead to the same page: the same view, from the same registration of a blueprint?"""
    return rule.view is other.view and rule.registration is other.registration


def _provides_defaults(rule: Rule, other: Rule) -> bool:
    return bool(rule.defaults) and _arguments(rule) == _arguments(other) and _texts(rule) != _texts(other)


def _is_suitable(rule: Rule, values: Mapping[str, Any], method: str | None) -> bool:
    """Whether the rule takes the method, nothing that it needs is missing, and its defaults agree."""
    if method is not None and method not in rule.accepted:
        return False
    defaults = rule.defaults or {}
    if any(name not in values and name not in defaults for name in rule.names):
        return False
    return all(name not in values or values[name] == default for name, default in defaults.items())


def _texts(rule: Rule) -> list[tuple[bool, str]]:
    """The static texts and the names of the captures, in order."""
    names: Iterator[str] = iter(rule.names)
    return [
        (True, next(names)) if text[0] in "<{" else (False, text)
        for text in cut(merged_slashes(rule.rule)[1:])
    ]


def _path(rule: Rule, values: Mapping[str, Any]) -> str:
    values = {**values, **(rule.defaults or {})}
    path = "".join(
        [
            _converter(rule, text).to_url(values[text]) if is_capture else quoted(text)
            for is_capture, text in _texts(rule)
        ]
    )
    return "/" + path.lstrip("/")  # never '//', which would be a host
