"""Writing header values: quoted strings, lists and parameters (RFC 9110, 5.6)."""

from __future__ import annotations

from .header_methods import TOKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def quote_value(value: object) -> str:
    """The value, quoted unless it is a token."""
    text = str(value)
    if text and TOKEN.issuperset(text):
        return text
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


def joined(items: Iterable[object]) -> str:
    """A list of items, quoted where they must be."""
    return ", ".join(map(quote_value, items))


def joined_directives(directives: Mapping[str, object]) -> str:
    """A list of `name=value`; a name alone where its value is None. `name*` has its value encoded already."""
    return ", ".join(
        name if value is None else f"{name}={_written(name, value)}" for name, value in directives.items()
    )


def with_parameters(value: str, parameters: Mapping[str, object]) -> str:
    """`value; name=parameter`; a parameter that is None is left out."""
    written = [f"{name}={_written(name, one)}" for name, one in parameters.items() if one is not None]
    return "; ".join([value, *written])


def _written(name: str, value: object) -> str:
    return str(value) if name.endswith("*") else quote_value(value)
