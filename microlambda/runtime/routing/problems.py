"""What can be wrong with a rule, in words; loaded when something is."""

from __future__ import annotations

from ..errors import BuildError, RegistrationError, RouteConflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from .captures import Converter
    from .rule import Rule


def location_of(view: Callable[..., Any]) -> str:
    """Where a view stands, below its decorators: file and line, the file as its module is called."""
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    code = getattr(view, "__code__", None)
    module: str = getattr(view, "__module__", None) or ""
    if code is None:
        return module or repr(view)
    file = code.co_filename.replace("\\", "/")
    folder = module.replace(".", "/")
    known = [path for path in (f"{folder}.py", f"{folder}/__init__.py") if file.endswith(f"/{path}")]
    return f"{known[0] if known else file.rpartition('/')[2]}:{code.co_firstlineno}"


def nearest(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'?`, or all that is known where nothing is near."""
    from difflib import get_close_matches

    names = sorted(set(known))
    near = get_close_matches(name, names, 1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names) or 'none'}."


def no_leading_slash(rule: str) -> RegistrationError:
    """A rule that is no path."""
    return RegistrationError(f"the rule {rule!r} does not start with '/'. Write '/{rule}'.")


def captured_twice(rule: Rule) -> RegistrationError:
    """Two captures of one name."""
    name = next(name for name in rule.names if rule.names.count(name) > 1)
    return RegistrationError(
        f"the rule {rule.rule!r} captures {name!r} twice. Give the second one another name."
    )


def no_capture_name(rule: str, name: str) -> RegistrationError:
    """A capture whose name no parameter can have."""
    return RegistrationError(
        f"{name!r} in the rule {rule!r} is no name for a capture: it becomes an argument of the view."
    )


def unclosed(rule: str, opening: str, closing: str) -> RegistrationError:
    """A bracket without its partner."""
    return RegistrationError(f"the rule {rule!r} opens {opening!r} and does not close it with {closing!r}.")


def check_methods(rule: str, methods: object, upper: frozenset[str], usual: frozenset[str]) -> None:
    """Refuse `methods` that is no list of HTTP methods; `upper` are those that it names, if any.

    A method of one's own (`REPORT`) is none of ours to refuse, but one that is nearly a usual one is a slip.
    """
    if isinstance(methods, str):
        raise RegistrationError(f"methods={methods!r} for {rule!r} is a str. Write methods=[{methods!r}].")
    from difflib import get_close_matches

    for method in sorted(upper - usual, key=str):
        near = get_close_matches(str(method), usual, 1, 0.74)
        if not method.isalpha() or near:
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise RegistrationError(f"{method!r} in the methods for {rule!r} is no HTTP method.{hint}")
    if methods == [] or methods == ():
        raise RegistrationError(f"methods=[] for {rule!r} leaves no method that the view answers.")
    if not upper:
        raise RegistrationError(f"methods={methods!r} for {rule!r} is no list of method names.")


def wrong_defaults(rule: str, defaults: object) -> RegistrationError:
    """`defaults` that is no mapping."""
    return RegistrationError(
        f"defaults={defaults!r} for {rule!r} names no arguments. Write defaults={{'page': 1}}."
    )


def unfit_default(rule: Rule, name: str, exc: Exception) -> RegistrationError:
    """A default that the rule's own capture of that name cannot hold."""
    value = (rule.defaults or {})[name]
    return RegistrationError(f"the default {name}={value!r} does not fit into the rule {rule.rule!r}: {exc}.")


def view_needs_more(rule: Rule, name: str) -> RegistrationError:
    """The view has a parameter that the rule does not fill."""
    return RegistrationError(
        f"{rule.endpoint} ({rule.location}) needs {name!r}, which the rule {rule.rule!r} does not capture."
    )


def view_takes_less(rule: Rule, name: str) -> RegistrationError:
    """The rule gives an argument that the view does not take."""
    given = [*rule.names, *(name for name in rule.defaults or () if name not in rule.names)]
    verb = "captures" if name in rule.names else "has a default for"
    return RegistrationError(
        f"the rule {rule.rule!r} {verb} {name!r}, and {rule.endpoint} ({rule.location}) "
        f"has no such parameter. Write def {rule.endpoint}({', '.join(given)})."
    )


def conflict(rule: Rule, method: str, taken: Rule) -> RouteConflict:
    """Two views for one path and method."""
    return RouteConflict(
        f"{taken.rule!r} [{method}] is already handled by {taken.endpoint} ({taken.location}); "
        f"{rule.endpoint} ({rule.location}) asks for the same. Give one of them another path or method."
    )


def unknown_converter(rule: str, kind: str, found: object, known: Iterable[str]) -> RegistrationError:
    """A converter that is not there, or is no converter."""
    if found is not None:
        return RegistrationError(
            f"the converter {kind!r} of {rule!r} is {found!r}, which is no subclass of Converter."
        )
    if f":{kind}>" in rule or rule.split("<")[-1].partition(":")[2].partition(">")[0] in known:
        name, converter = kind, rule.partition(f"<{kind}:")[2].partition(">")[0]
        if converter in known:
            return RegistrationError(
                f"there is no converter {kind!r}, which {rule!r} asks for. Write <{converter}:{name}>."
            )
    return RegistrationError(
        f"there is no converter {kind!r}, which {rule!r} asks for. Known: {', '.join(sorted(known))}."
    )


def wrong_converter(rule: str, text: str, converter: type[Converter], exc: Exception) -> RegistrationError:
    """A converter refuses its arguments, or has an expression that `re` refuses."""
    why = str(exc)
    if isinstance(exc, TypeError):
        code = getattr(converter.__init__, "__code__", None)
        takes = code.co_varnames[1 : code.co_argcount] if code is not None else ()
        why += f"; {text.partition('(')[0]} takes {', '.join(takes) or 'no arguments'}"
    return RegistrationError(f"the converter '{text}' in {rule!r} does not work: {why}.")


def wrong_expression(rule: str, expression: str, exc: Exception) -> RegistrationError:
    """Expressions that work one by one and not together."""
    return RegistrationError(
        f"the captures of {rule!r} make the expression {expression!r}, which does not work: {exc}."
    )


def no_url(
    rules: Mapping[str, Sequence[Rule]],
    endpoint: str,
    values: Mapping[str, Any],
    method: str | None,
    refused: tuple[Rule, Exception] | None,
) -> BuildError:
    """Why `url_for` finds no rule: the endpoint, the method, a value that is missing or does not fit."""
    known = rules.get(endpoint)
    call = f"url_for({', '.join([repr(endpoint), *(f'{name}=' for name in values)])})"
    if not known:
        return BuildError(f"{call}: no rule has the endpoint {endpoint!r}. {nearest(endpoint, rules)}")
    if refused is not None:
        return BuildError(f"{call}: a value does not fit into {refused[0].rule!r}: {refused[1]}.")
    suited = [rule for rule in known if method is None or method.upper() in rule.accepted]
    if not suited:
        taken = sorted({one for rule in known for one in rule.accepted})
        return BuildError(f"{call}: no rule of {endpoint!r} takes {method}. They take {', '.join(taken)}.")
    rule = min(suited, key=lambda rule: len(missing_from(rule, values)))
    missing = missing_from(rule, values)
    if missing:
        return BuildError(
            f"{call}: the rule {rule.rule!r} needs {' and '.join(map(repr, missing))}. "
            f"Write {call[:-1]}, {', '.join(f'{name}=...' for name in missing)})."
        )
    defaults = ", ".join([f"{name}={value!r}" for name, value in (rule.defaults or {}).items()])
    return BuildError(f"{call}: the rule {rule.rule!r} stands for {defaults} alone. Leave that out.")


def missing_from(rule: Rule, values: Mapping[str, Any]) -> list[str]:
    """What the rule captures and `values` do not have."""
    return [name for name in rule.names if name not in values and name not in (rule.defaults or ())]
