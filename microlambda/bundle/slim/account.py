"""What is told of dependencies: the packages that ship, and what was taken from them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Package:
    """A distribution in the bundle; `size` is what its files unpack to, in bytes, without bytecode."""

    name: str
    version: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What was taken from the dependencies: files of one kind, or parts of them; `size` in bytes."""

    what: str
    files: int
    size: int
