"""Cache-Control as a caller sends it (RFC 9111, 5.2.1)."""

from __future__ import annotations

from .header_parsing import parse_pairs
from .header_values import joined_directives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RequestCacheControl:
    """The caller's directives: `no_cache`, `max_age` and so on, and by name as in `directives["max-age"]`."""

    __slots__ = ("_directives",)

    def __init__(self, directives: dict[str, str | None]) -> None:
        self._directives = directives

    @classmethod
    def from_header(cls, value: str | None) -> RequestCacheControl:
        """None of them where the header is missing."""
        return cls(parse_pairs(value or ""))

    @property
    def no_cache(self) -> bool:
        """Must a cache ask the origin?"""
        return "no-cache" in self

    @property
    def no_store(self) -> bool:
        """Must no cache keep the answer?"""
        return "no-store" in self

    @property
    def no_transform(self) -> bool:
        """Must nobody on the way change the content?"""
        return "no-transform" in self

    @property
    def only_if_cached(self) -> bool:
        """Does the caller want an answer from a cache alone?"""
        return "only-if-cached" in self

    @property
    def max_age(self) -> int | None:
        """The oldest answer that the caller takes, in seconds."""
        return self._seconds("max-age")

    @property
    def min_fresh(self) -> int | None:
        """How long the answer must stay fresh, in seconds."""
        return self._seconds("min-fresh")

    @property
    def max_stale(self) -> int | bool | None:
        """How stale an answer may be, in seconds; True for any."""
        return True if "max-stale" in self and self["max-stale"] is None else self._seconds("max-stale")

    @property
    def stale_if_error(self) -> int | None:
        """How stale an answer may be where the origin fails, in seconds."""
        return self._seconds("stale-if-error")

    def get(self, name: str, default: Any = None) -> Any:
        """The directive's value as text; None for one that has none."""
        return self._directives.get(name, default)

    def to_header(self) -> str:
        """The directives as a header has them."""
        return joined_directives(self._directives)

    def _seconds(self, name: str) -> int | None:
        try:
            return int(self._directives.get(name) or "")
        except ValueError:
            return None

    def __getitem__(self, name: str) -> str | None:
        return self._directives[name]

    def __contains__(self, name: object) -> bool:
        return name in self._directives

    def __bool__(self) -> bool:
        return bool(self._directives)

    __str__ = to_header

    def __repr__(self) -> str:
        return f"<RequestCacheControl {self}>"
