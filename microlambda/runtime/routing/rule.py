"""One rule: a path with captures, the methods it takes, and the view that answers.

A rule is cut at its slashes into parts: a str where no capture is, else a `Part`. This file reads rules
whose captures are whole segments, `<name>` and `{name}`; `captures` reads all others. What is wrong with
a rule is said by `problems`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .captures import Converter

_GET = frozenset({"GET"})
_GET_AND_HEAD = frozenset({"GET", "HEAD"})
_TAKES_KEYWORDS = 0x08  # inspect.CO_VARKEYWORDS, without importing inspect


class Part:
    """A capture between two slashes: `accepts` says of a text whether it is one.

    `final` parts take the rest of the path. `key` is equal for parts that match the same texts, whatever
    their captures are called. Of the parts of one place the one of least `weight` is tried first.
    """

    __slots__ = ("accepts", "final", "key", "suffixed", "weight")

    def __init__(
        self,
        pattern: str,
        weight: tuple[object, ...],
        accepts: Callable[[str], object] | None,
        final: bool = False,
    ) -> None:
        self.accepts = accepts
        self.final = final
        self.suffixed = False
        self.weight = weight
        self.key = (pattern, weight, accepts is None, final)

    def match(self, text: str) -> tuple[str, ...] | None:
        """The captured texts."""
        return (text,) if self.accepts is not None and self.accepts(text) else None


#: `<name>` and `{name}`: a segment that is not empty.
ANY_SEGMENT = Part("[^/]+", (0, (), -1, (100,)), bool)


class Rule:
    """A registered route.

    `methods` are those declared, in upper case; `accepted` are these and HEAD where GET is. `defaults` are
    arguments that the view gets beside the captures. The argument `converters` are the app's own; the
    attribute has those of the captures that need one. `is_protected` views are reached through the gateway
    with an API key or by their `authorizer`; `is_open` ones are not, whatever the app's default.
    """

    __slots__ = (
        "accepted",
        "api_key_required",
        "authorizer",
        "blueprints",
        "content_types",
        "converters",
        "cors",
        "defaults",
        "endpoint",
        "is_open",
        "is_plain",
        "is_protected",
        "methods",
        "names",
        "parts",
        "registration",
        "rule",
        "strict_slashes",
        "view",
    )

    def __init__(
        self,
        rule: str,
        view: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        endpoint: str | None = None,
        strict_slashes: bool = True,
        defaults: Mapping[str, Any] | None = None,
        converters: Mapping[str, type[Converter]] | None = None,
    ) -> None:
        self.rule = rule
        self.view = view
        self.endpoint: str = endpoint or getattr(view, "__name__", None) or type(view).__name__
        self.strict_slashes = strict_slashes
        self.cors: Any = None
        self.content_types: Any = None
        self.is_protected = self.api_key_required = self.is_open = False
        self.authorizer: Any = None
        self.blueprints: tuple[str, ...] = ()
        self.registration: object = None  # the one of a blueprint that it comes from
        self.accepted = self.methods = _GET if methods is None else _upper(rule, methods)
        if "GET" in self.methods:
            self.accepted = self.methods | _GET_AND_HEAD
        self.defaults = _copied(rule, defaults) if defaults else None
        self.names: tuple[str, ...] = ()
        self.converters = self._read(merged_slashes(rule), converters)
        #: Whether the view's arguments are the captured texts and nothing else.
        self.is_plain = not self.converters and not self.defaults
        if self.defaults and self.names:
            from .builder import check_defaults

            check_defaults(self)
        _check_view(self)

    def _read(
        self, text: str, converters: Mapping[str, type[Converter]] | None
    ) -> dict[str, Converter] | None:
        """Set `parts` and `names`; the converters of the names that have one."""
        if text[:1] != "/":
            from .problems import no_leading_slash

            raise no_leading_slash(text)
        segments = text[1:].split("/")
        self.parts: tuple[str | Part, ...] = tuple(segments)
        if "<" not in text and "{" not in text:
            return None
        found: dict[str, Converter] | None = None
        if (converters and "default" in converters) or not self._read_segments(segments):
            from .captures import read

            self.parts, self.names, found = read(text, converters or {})
        if len(set(self.names)) < len(self.names):
            from .problems import captured_twice

            raise captured_twice(self)
        return found

    def _read_segments(self, segments: list[str]) -> bool:
        """Whether every capture is a whole segment without a converter; then `names` and `parts` are set."""
        names: list[str] = []
        parts: list[str | Part] = []
        for segment in segments:
            if "<" not in segment and "{" not in segment:
                parts.append(segment)
                continue
            name = segment[1:-1]
            if f"<{name}>" != segment != f"{{{name}}}" or not name.isidentifier():
                return False
            names.append(name)
            parts.append(ANY_SEGMENT)
        self.names, self.parts = tuple(names), tuple(parts)
        return True

    def convert(self, values: Iterable[str]) -> dict[str, Any]:
        """The view's arguments from the captured texts; ValueError where a converter refuses one."""
        arguments: dict[str, Any] = dict(zip(self.names, values, strict=False))
        if self.converters:
            for name, converter in self.converters.items():
                arguments[name] = converter.to_python(arguments[name])
        if self.defaults:
            arguments.update(self.defaults)
        return arguments

    @property
    def location(self) -> str:
        """Where the view stands, as `app.py:12` or `shop/views.py:3`."""
        from .problems import location_of

        return location_of(self.view)

    def __str__(self) -> str:
        return self.rule

    def __repr__(self) -> str:
        return f"<Rule {self.rule!r} [{', '.join(sorted(self.methods))}] -> {self.endpoint}>"


def merged_slashes(path: str) -> str:
    """The path with each run of slashes as one."""
    while "//" in path:
        path = path.replace("//", "/")
    return path


_USUAL = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def _upper(rule: str, methods: Iterable[str]) -> frozenset[str]:
    try:
        upper = frozenset([method.upper() for method in methods])
    except (AttributeError, TypeError):
        upper = frozenset()
    if not upper or isinstance(methods, str) or not upper <= _USUAL:
        from .problems import check_methods

        check_methods(rule, methods, upper, _USUAL)
    return upper


def _copied(rule: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(defaults)
    except (TypeError, ValueError) as exc:
        from .problems import wrong_defaults

        raise wrong_defaults(rule, defaults) from exc


def _check_view(rule: Rule) -> None:
    """A view must take what its rule gives, else every request would be a TypeError."""
    view = rule.view
    code = getattr(view, "__code__", None)
    if code is None:  # an object with a __call__; what a partial takes, its call shows
        view = getattr(view, "__call__", view)  # noqa: B004
        code = getattr(view, "__code__", None)
    if code is None or code.co_flags & _TAKES_KEYWORDS or hasattr(view, "__wrapped__"):
        return
    given = (*rule.names, *rule.defaults) if rule.defaults else rule.names
    count = code.co_argcount
    known = code.co_varnames[: count + code.co_kwonlyargcount]
    if not known and not given:
        return
    optional = known[count - len(getattr(view, "__defaults__", None) or ()) : count]
    keywords = getattr(view, "__kwdefaults__", None) or ()
    bound = 1 if getattr(view, "__self__", None) is not None else 0
    for name in known[bound:]:
        if name not in given and name not in optional and name not in keywords:
            from .problems import view_needs_more

            raise view_needs_more(rule, name)
    for name in given:
        if name not in known[code.co_posonlyargcount :]:
            from .problems import view_takes_less

            raise view_takes_less(rule, name)
