"""What is uploaded for the functions of a stage: archives, by keys and by the hashes of their inputs.

A function is one archive of code and any number of layers. Functions that are of the same inputs share a
piece; nothing here is built yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One archive: `key` names it within the stage, `inputs` is the hash of what it is made of.

    `content` is a hash of what it came to, where it has been made anew: what serves is then to be no other.
    Of a layer it is that of its files but for bytecode, of code the CodeSha256 that Lambda has of it.
    """

    key: str
    inputs: str
    content: str = ""

    def of_content(self, contents: Mapping[str, str]) -> Piece:
        """Give the same with its content, if that is known; `contents` are by keys."""
        return replace(self, content=contents.get(self.key, ""))


@dataclass(frozen=True, kw_only=True)
class FunctionPieces:
    """What one function is made of; its layers lie beneath its code."""

    code: Piece
    layers: tuple[Piece, ...] = ()

    def of_content(self, contents: Mapping[str, str]) -> FunctionPieces:
        """Give the same with what is known of the content of each."""
        layers = tuple(layer.of_content(contents) for layer in self.layers)
        return FunctionPieces(code=self.code.of_content(contents), layers=layers)

    @property
    def all(self) -> tuple[Piece, ...]:
        """List them, the code first."""
        return (self.code, *self.layers)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What every function of a stage is made of; `own` has those that differ from the `common` ones."""

    common: FunctionPieces
    own: Mapping[str, FunctionPieces] = field(default_factory=dict)

    def of_content(self, contents: Mapping[str, str]) -> Pieces:
        """Give the same with what is known of the content of each."""
        own = {name: pieces.of_content(contents) for name, pieces in self.own.items()}
        return Pieces(common=self.common.of_content(contents), own=own)

    def of(self, function: str) -> FunctionPieces:
        """Give the pieces of the function of this name."""
        return self.own.get(function, self.common)
