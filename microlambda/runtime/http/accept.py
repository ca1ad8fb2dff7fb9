"""What the caller accepts, by quality: Accept, Accept-Charset, -Encoding and -Language (RFC 9110, 12.5)."""

from __future__ import annotations

import re

from .header_parsing import parse_options, split_list
from .header_values import with_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

_QUALITY = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_SUBTAGS = re.compile("[_-]")


class Accept:
    """`(value, quality)` pairs, the most specific first, then the best; names as in Werkzeug.

    `provided` tells whether the header was there at all. `accept[value]` and `quality(value)` give
    the quality of what the app would answer, 0 where it is not accepted.
    """

    def __init__(self, pairs: Iterable[tuple[str, float]] | None = ()) -> None:
        self.provided = pairs is not None
        self._pairs = sorted(
            pairs or (), key=lambda pair: (self._specificity(pair[0]), pair[1]), reverse=True
        )

    @classmethod
    def from_header(cls, value: str | None) -> Self:
        """Read a header; items whose `q` is no quality are left out."""
        return cls(_pairs(value) if value else None)

    @property
    def best(self) -> str | None:
        """The first value."""
        return self._pairs[0][0] if self._pairs else None

    def quality(self, value: str) -> float:
        """The quality of the first item that `value` fits, 0 where there is none."""
        found = self._item_for(value)
        return found[1] if found else 0

    def best_match(self, matches: Iterable[str], default: str | None = None) -> str | None:
        """Of what the app can answer, what the caller likes best; the first of equals."""
        best = default
        best_rank: tuple[float, tuple[bool, ...]] = (0.0, ())
        for value in matches:
            found = self._item_for(value)
            if found is None or found[1] <= 0:
                continue
            rank = (found[1], self._specificity(found[0]))
            if rank > best_rank:
                best, best_rank = value, rank
        return best

    def find(self, value: str) -> int:
        """The position of the first item that `value` fits, or -1."""
        return next((n for n, pair in enumerate(self._pairs) if self._fits(value, pair[0])), -1)

    def index(self, value: str) -> int:
        """`find`, with a ValueError where nothing fits."""
        position = self.find(value)
        if position < 0:
            raise ValueError(value)
        return position

    def values(self) -> Iterator[str]:
        """The values alone."""
        return (value for value, _ in self._pairs)

    def to_header(self) -> str:
        """The list as a header has it."""
        return ",".join(value if quality == 1 else f"{value};q={quality}" for value, quality in self._pairs)

    def _item_for(self, value: str) -> tuple[str, float] | None:
        return next((pair for pair in self._pairs if self._fits(value, pair[0])), None)

    def _specificity(self, item: str) -> tuple[bool, ...]:
        return (item != "*",)

    def _fits(self, value: str, item: str) -> bool:
        """Does the app's value satisfy the caller's item?"""
        return item == "*" or item.lower() == value.lower()

    def __getitem__(self, key: str | int) -> float | tuple[str, float]:
        return self.quality(key) if isinstance(key, str) else self._pairs[key]

    def __contains__(self, value: str) -> bool:
        return self._item_for(value) is not None

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pairs!r})"


def _pairs(header: str) -> Iterator[tuple[str, float]]:
    for item in split_list(header):
        value, parameters = parse_options(item)
        written = parameters.pop("q", "1").strip(" \t")
        if not _QUALITY.fullmatch(written) or not 0 <= float(written) <= 1:
            continue
        yield with_parameters(value, parameters), float(written)


class MediaAccept(Accept):
    """Accept: `*/*` and `text/*` fit what they say, and parameters must be the same."""

    def _specificity(self, item: str) -> tuple[bool, ...]:
        return tuple(part != "*" for part in _media_parts(item))

    def _fits(self, value: str, item: str) -> bool:
        if "/" not in item:
            return False
        kind, subtype, *parameters = [*_media_parts(value), ""]
        if not subtype or (kind == "*" and subtype != "*"):
            raise ValueError(f"{value!r} is no media type: write type/subtype, as in text/html.")
        wanted, wanted_subtype, *wanted_parameters = [*_media_parts(item), ""]
        if wanted == "*" or kind == "*":
            return (wanted == wanted_subtype == "*") or (kind == "*" and wanted != "*")
        if wanted != kind:
            return False
        return "*" in (subtype, wanted_subtype) or (
            subtype == wanted_subtype and sorted(parameters) == sorted(wanted_parameters)
        )

    @property
    def accept_html(self) -> bool:
        """Does the caller take HTML, or XHTML in its place?"""
        return "text/html" in self or self.accept_xhtml

    @property
    def accept_xhtml(self) -> bool:
        """Does the caller take XHTML?"""
        return "application/xhtml+xml" in self or "application/xml" in self

    @property
    def accept_json(self) -> bool:
        """Does the caller take JSON?"""
        return "application/json" in self


def _media_parts(value: str) -> list[str]:
    """Type, subtype and parameters, in lower case."""
    return [part.strip(" \t") for part in value.lower().replace(";", "/").split("/")]


class LanguageAccept(Accept):
    """Accept-Language: `en-US` and `en_us` are one; the primary language alone is the second choice."""

    def _fits(self, value: str, item: str) -> bool:
        return item == "*" or _SUBTAGS.split(value.lower()) == _SUBTAGS.split(item.lower())

    def best_match(self, matches: Iterable[str], default: str | None = None) -> str | None:
        """The best exact match, else the best by primary language, else `default`."""
        offered = list(matches)
        primary = Accept([(_primary(item), quality) for item, quality in self])
        found = super().best_match(offered) or primary.best_match(offered)
        if found is not None:
            return found
        found = super().best_match([_primary(value) for value in offered])
        return default if found is None else next(one for one in offered if one.startswith(found))


def _primary(tag: str) -> str:
    return _SUBTAGS.split(tag, maxsplit=1)[0]


class CharsetAccept(Accept):
    """Accept-Charset: every name of a charset stands for it."""

    def _fits(self, value: str, item: str) -> bool:
        from .charsets import codec_of

        return item == "*" or (codec_of(item) or item.lower()) == (codec_of(value) or value.lower())
