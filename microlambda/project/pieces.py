"""What is uploaded for the functions of a stage: archives, by keys and by the hashes of their inputs.

A function is one archive of code and any number of layers. Functions that are of the same inputs share a
piece; nothing here is built yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One archive: `key` names it within the stage, `inputs` is the hash of what it is made of."""

    key: str
    inputs: str


@dataclass(frozen=True, kw_only=True)
class FunctionPieces:
    """What one function is made of; its layers lie beneath its code."""

    code: Piece
    layers: tuple[Piece, ...] = ()

    @property
    def all(self) -> tuple[Piece, ...]:
        """List them, the code first."""
        return (self.code, *self.layers)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What every function of a stage is made of; `own` has those that differ from the `common` ones."""

    common: FunctionPieces
    own: Mapping[str, FunctionPieces] = field(default_factory=dict)

    def of(self, function: str) -> FunctionPieces:
        """Give the pieces of the function of this name."""
        return self.own.get(function, self.common)
