"""One rule: a path with captures, the methods it takes, and the view that answers.

A rule is cut at its slashes. A piece without captures is a plain str; one with captures is a
`Part`. A capture that crosses slashes (`<path:...>`, `{name+}`) takes the rest of the rule into
its part, which is then final.
"""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    #: A static text, or a capture's name and converter.
    Piece = tuple[str, "Converter | None"]


class Converter:
    """What a capture accepts and what the view gets; by itself, one segment as it is: `<name>`, `{name}`.

    `regex` is what the whole capture must match; `accepts`, where it is not None, says the same
    without compiling it. `weight` orders captures in one place, the lower first.
    """

    regex = "[^/]+"
    weight = 100
    crosses_slashes = False
    accepts: Callable[[str], object] | None = staticmethod(bool)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "regex" in cls.__dict__:
            # What the base class knows of its own expression says nothing of this one.
            if "accepts" not in cls.__dict__:
                cls.accepts = None
            if "crosses_slashes" not in cls.__dict__:
                cls.crosses_slashes = "/" in cls.regex

    def to_python(self, value: str) -> Any:
        """The captured text as the view gets it; ValueError for one that the rule must not match."""
        return value


PLAIN = Converter()


class Part:
    """The pieces of a rule between two slashes, at least one of them a capture.

    `key` is equal for parts that match the same texts, whatever their captures are called.
    `weight` orders the parts of one place: the more specific first, as Werkzeug does.
    """

    __slots__ = ("_match", "accepts", "final", "key", "pattern", "suffixed", "weight")

    def __init__(self, pieces: list[Piece], *, final: bool) -> None:
        self.final = final
        self.suffixed = final and pieces[-1][1] is None and pieces[-1][0].endswith("/")
        self.weight = _weight(pieces)
        self.accepts: Callable[[str], object] | None = None
        self._match: Callable[[str], Any] | None = None
        lone = pieces[0][1] if len(pieces) == 1 else None
        if lone is PLAIN:
            self.accepts = bool
            self.pattern = PLAIN.regex
            self.key: object = (PLAIN.regex, final)
            return
        self.accepts = getattr(lone, "accepts", None)
        self.pattern = _pattern(pieces, self.suffixed)
        self.key = (self.pattern, final)

    def match(self, text: str) -> tuple[str, ...] | None:
        """The captured texts; with `suffixed`, the last one is the trailing slash or empty."""
        if self.accepts is not None:
            return (text,) if self.accepts(text) else None
        if self._match is None:
            import re

            self._match = re.compile(self.pattern).fullmatch
        found = self._match(text)
        return found.groups() if found is not None else None


def _pattern(pieces: list[Piece], suffixed: bool) -> str:
    import re

    text = "".join(
        re.escape(name) if converter is None else f"({_ungrouped(converter.regex)})"
        for name, converter in pieces
    )
    # Without the look-behind a trailing slash would go to the capture before it.
    return text[:-1] + "(?<!/)(/?)" if suffixed else text


def _ungrouped(regex: str) -> str:
    """A custom converter's own groups must not count as captures."""
    if "(" not in regex:
        return regex
    import re

    return re.sub(r"(?<!\\)\((?!\?)", "(?:", regex)


def _weight(pieces: list[Piece]) -> tuple[int, list[tuple[int, int]], int, list[int]]:
    statics = [text for name, converter in pieces if converter is None for text in name.split("/") if text]
    captures = [converter.weight for _, converter in pieces if converter is not None]
    return -len(statics), [(i, -len(text)) for i, text in enumerate(statics)], -len(captures), captures


class Rule:
    """A registered route.

    `methods` are those declared, in upper case; `accepted` are these and HEAD where GET is.
    """

    __slots__ = (
        "accepted",
        "by_method",
        "converters",
        "endpoint",
        "is_plain",
        "methods",
        "names",
        "parts",
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
    ) -> None:
        if not rule.startswith("/"):
            raise RegistrationError(f"the rule {rule!r} does not start with '/'. Write '/{rule}'.")
        self.rule = rule
        self.view = view
        self.endpoint: str = endpoint or getattr(view, "__name__", None) or type(view).__name__
        self.methods = _checked_methods(rule, methods)
        self.accepted = self.methods | {"HEAD"} if "GET" in self.methods else self.methods
        self.by_method = dict.fromkeys(self.accepted, self)  # the table's, where no other rule ends
        self.strict_slashes = strict_slashes
        self.converters: list[Converter] = []
        self.names: list[str] = []
        self.parts = self._parse(rule) if "<" in rule or "{" in rule else _merged(rule)[1:].split("/")
        self.is_plain = all(converter is PLAIN for converter in self.converters)
        _check_view(self)

    def _parse(self, rule: str) -> list[str | Part]:
        parts: list[str | Part] = []
        pieces: list[Piece] = []
        final = False
        for text, converter in pieces_of(_merged(rule)[1:]):
            if converter is not None:
                self._capture(text, converter)
                final = final or converter.crosses_slashes
            elif text == "/" and not final:
                parts.append(_part(pieces, final=False))
                pieces = []
                continue
            pieces.append((text, converter))
        last = _part(pieces, final=final)
        parts.append(last)
        if isinstance(last, Part) and last.suffixed:
            parts.append("")
        return parts

    def _capture(self, name: str, converter: Converter) -> None:
        if name in self.names:
            raise RegistrationError(
                f"the rule {self.rule!r} captures {name!r} twice. Give the second one another name."
            )
        self.names.append(name)
        self.converters.append(converter)

    def arguments(self, values: list[str]) -> dict[str, Any]:
        """The view's arguments from the captured texts; ValueError where a converter refuses one."""
        return {
            name: converter.to_python(value)
            for name, converter, value in zip(self.names, self.converters, values, strict=False)
        }

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for rules that match the same paths, whatever their captures are called."""
        return tuple(part if isinstance(part, str) else part.key for part in self.parts)

    @property
    def location(self) -> str:
        """Where the view stands, as `app.py:12` or `shop/views.py:3`."""
        code = getattr(self.view, "__code__", None)
        module: str = getattr(self.view, "__module__", None) or ""
        if code is None:
            return module or repr(self.view)
        file = code.co_filename.replace("\\", "/")
        folder = module.replace(".", "/")
        known = [path for path in (f"{folder}.py", f"{folder}/__init__.py") if file.endswith(f"/{path}")]
        return f"{known[0] if known else file.rpartition('/')[2]}:{code.co_firstlineno}"

    def __repr__(self) -> str:
        return f"<Rule {self.rule!r} [{', '.join(sorted(self.methods))}] -> {self.endpoint}>"


def _merged(rule: str) -> str:
    while "//" in rule:
        rule = rule.replace("//", "/")
    return rule


def _part(pieces: list[Piece], *, final: bool) -> str | Part:
    if all(converter is None for _, converter in pieces):
        return "".join(text for text, _ in pieces)
    return Part(pieces, final=final)


def pieces_of(rule: str) -> list[Piece]:
    """The static texts, the slashes and the captures of a rule, in order."""
    pieces: list[Piece] = []
    position = 0
    while position < len(rule):
        character = rule[position]
        if character == "/":
            pieces.append(("/", None))
            position += 1
        elif character in "<{":
            closing = ">" if character == "<" else "}"
            end = _closing(rule, position, closing)
            inside = rule[position + 1 : end]
            pieces.append(_angle_capture(rule, inside) if closing == ">" else _brace_capture(rule, inside))
            position = end + 1
        else:
            end = min(
                (at for at in (rule.find(stop, position) for stop in "/<{") if at >= 0), default=len(rule)
            )
            pieces.append((rule[position:end], None))
            position = end
    return pieces


def _closing(rule: str, start: int, closing: str) -> int:
    end = rule.find(closing, start)
    if end < 0:
        raise RegistrationError(
            f"the rule '/{rule}' opens {rule[start]!r} and does not close it with {closing!r}."
        )
    return end


def _brace_capture(rule: str, inside: str) -> Piece:
    """API Gateway's `{name}` and `{name+}`."""
    if inside.endswith("+"):
        from .converters import make_converter

        return _checked_name(rule, inside[:-1]), make_converter("path", "")
    return _checked_name(rule, inside), PLAIN


def _angle_capture(rule: str, inside: str) -> Piece:
    """Flask's `<name>` and `<converter(arguments):name>`."""
    kind, colon, name = inside.rpartition(":")
    if not colon or kind in ("string", "default"):
        return _checked_name(rule, name), PLAIN
    from .converters import make_converter

    kind, _, arguments = kind.partition("(")
    if arguments and not arguments.endswith(")"):
        raise RegistrationError(
            f"the converter in '<{inside}>' of '/{rule}' opens '(' and does not close it."
        )
    return _checked_name(rule, name), make_converter(kind, arguments[:-1])


def _checked_name(rule: str, name: str) -> str:
    if not name.isidentifier():
        raise RegistrationError(
            f"{name!r} in the rule '/{rule}' is no name for a capture: it becomes an argument of the view."
        )
    return name


def _checked_methods(rule: str, methods: Iterable[str] | None) -> frozenset[str]:
    if methods is None:
        return _GET
    if isinstance(methods, str):
        raise RegistrationError(f"methods={methods!r} for {rule!r} is a str. Write methods=[{methods!r}].")
    try:
        upper = frozenset([method.upper() for method in methods])
    except (TypeError, AttributeError) as exc:
        raise RegistrationError(f"methods={methods!r} for {rule!r} is no list of method names.") from exc
    for method in upper:
        if not method.isalpha():
            raise RegistrationError(f"{method!r} in the methods for {rule!r} is no HTTP method.")
    if not upper:
        raise RegistrationError(f"methods=[] for {rule!r} leaves no method that the view answers.")
    return upper


_GET = frozenset({"GET"})
# inspect.CO_VARKEYWORDS and CO_COROUTINE, without importing inspect
_TAKES_KEYWORDS = 0x08
_IS_COROUTINE = 0x80


def _check_view(rule: Rule) -> None:
    """A view must take what its rule captures, else every request would be a TypeError."""
    code = getattr(rule.view, "__code__", None)
    if code is not None and code.co_flags & _IS_COROUTINE:
        raise RegistrationError(
            f"the view {rule.endpoint} ({rule.location}) is async; this version runs plain functions."
        )
    if code is None or code.co_flags & _TAKES_KEYWORDS or hasattr(rule.view, "__wrapped__"):
        return
    known = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    for name in _required(rule.view, code):
        if name not in rule.names:
            raise RegistrationError(
                f"{rule.endpoint} ({rule.location}) needs {name!r}, "
                f"which the rule {rule.rule!r} does not capture."
            )
    for name in rule.names:
        if name not in known:
            raise RegistrationError(
                f"the rule {rule.rule!r} captures {name!r}, and {rule.endpoint} ({rule.location}) "
                f"has no such parameter. Write def {rule.endpoint}({', '.join(rule.names)})."
            )


def _required(view: Any, code: Any) -> list[str]:
    """The parameters that have no default; a method's own object is given already."""
    first = 1 if getattr(view, "__self__", None) is not None else 0
    defaults = len(getattr(view, "__defaults__", None) or ())
    positional = list(code.co_varnames[first : code.co_argcount - defaults])
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return positional + [
        name for name in keywords if name not in (getattr(view, "__kwdefaults__", None) or {})
    ]
