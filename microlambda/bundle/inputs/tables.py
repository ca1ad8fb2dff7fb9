"""TOML and JSON of other tools, read with errors that tell the place."""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from microlambda.bundle.errors import RequirementsUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Table:
    """A table of a file; `place` says which. What is missing is empty, what has another shape is an error."""

    __slots__ = ("place", "values")

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self.values = values
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def get(self, key: str) -> Any:
        """Give a value of any shape, or None."""
        return self.values.get(key)

    def text(self, key: str) -> str:
        """Give a text that has to be there."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """Give a text, or None."""
        return self.text(key) if key in self.values else None

    def flag(self, key: str) -> bool:
        """Tell whether something is switched on."""
        return self.values.get(key) is True

    def texts(self, key: str) -> list[str]:
        """Give a list of texts."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, "a list of texts")
        return value

    def table(self, *keys: str) -> Table:
        """Give a table, by the way to it."""
        table = self
        for key in keys:
            value = table.values.get(key, {})
            if not isinstance(value, dict):
                raise table.wrong(key, "a table")
            table = Table(value, table.at(key))
        return table

    def tables(self, key: str) -> list[Table]:
        """Give a list of tables."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(key, "a list of tables")
        return [Table(one, f"{self.at(key)}[{number}]") for number, one in enumerate(value)]

    def table_lists(self, key: str) -> list[list[Table]]:
        """Give a list of lists of tables."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list of lists of tables")
        inner = Table({str(number): one for number, one in enumerate(value)}, self.at(key))
        return [inner.tables(number) for number in inner.values]

    def at(self, key: str) -> str:
        """Name the place of a value."""
        return f"{self.place}.{key}" if ": " in self.place else f"{self.place}: {key}"

    def wrong(self, key: str, expected: str) -> RequirementsUnreadable:
        """Make the error of a value that is missing or has another shape."""
        state = "is not" if key in self.values else "is missing; it should be"
        return RequirementsUnreadable(f"{self.at(key)} {state} {expected}.")


def read_toml(path: Path) -> Table:
    """Read a TOML file; damage is told with its line."""
    try:
        return Table(_toml(_text(path)), path.name)
    except tomllib.TOMLDecodeError as exc:
        raise RequirementsUnreadable(f"{path.name} is not TOML: {exc}.") from exc


def read_json(path: Path) -> Table:
    """Read a JSON file that holds an object; damage is told with its line."""
    try:
        value = json.loads(_text(path))
    except json.JSONDecodeError as exc:
        raise RequirementsUnreadable(f"{path.name} is not JSON: {exc}.") from exc
    if not isinstance(value, dict):
        raise RequirementsUnreadable(f"{path.name} is not a JSON object.")
    return Table(value, path.name)


@lru_cache(maxsize=8)  # a lock may have megabytes, and is read once for each selection of groups
def _toml(text: str) -> Mapping[str, Any]:
    return tomllib.loads(text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequirementsUnreadable(
            f"{path.name} is not UTF-8 text: byte {exc.start}. Save it as UTF-8."
        ) from exc
