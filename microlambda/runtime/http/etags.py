"""Entity tags (RFC 9110, 8.8.3) and the lists of them in If-Match and If-None-Match."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class ETags:
    """The tags of one header; true where there is any. `in` and iterating look at the strong ones.

    `star_tag` is the `*` that stands for every tag. Names are Werkzeug's.
    """

    __slots__ = ("_strong", "_weak", "star_tag")

    def __init__(
        self, strong_etags: Iterable[str] = (), weak_etags: Iterable[str] = (), star_tag: bool = False
    ) -> None:
        self._strong = dict.fromkeys(strong_etags)  # dicts keep the order in which the tags came
        self._weak = dict.fromkeys(weak_etags)
        self.star_tag = star_tag

    def is_strong(self, etag: str) -> bool:
        """Is this one of the strong tags?"""
        return etag in self._strong

    def is_weak(self, etag: str) -> bool:
        """Is this one of the weak tags?"""
        return etag in self._weak

    def contains(self, etag: str) -> bool:
        """Strong comparison (RFC 9110, 8.8.3.2): what If-Match asks for."""
        return self.star_tag or etag in self._strong

    def contains_weak(self, etag: str) -> bool:
        """Weak comparison: what If-None-Match asks for."""
        return self.contains(etag) or etag in self._weak

    def contains_raw(self, etag: str) -> bool:
        """The same for a tag as headers write it: weakly where it is weak, else strongly."""
        tag, weak = unquote_etag(etag)
        return tag is not None and (self.contains_weak(tag) if weak else self.contains(tag))

    def as_set(self, include_weak: bool = False) -> set[str]:
        """The tags as a plain set."""
        return set(self._strong) | set(self._weak if include_weak else ())

    def to_header(self) -> str:
        """The tags as the header writes them."""
        if self.star_tag:
            return "*"
        return ", ".join(
            [quote_etag(tag) for tag in self._strong] + [quote_etag(tag, True) for tag in self._weak]
        )

    def __contains__(self, etag: object) -> bool:
        return isinstance(etag, str) and self.contains(etag)

    def __iter__(self) -> Iterator[str]:
        return iter(self._strong)

    def __len__(self) -> int:
        return len(self._strong)

    def __bool__(self) -> bool:
        return bool(self.star_tag or self._strong or self._weak)

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<ETags {self.to_header()!r}>"


def quote_etag(etag: str, weak: bool = False) -> str:
    """The tag as headers write it: `"abc"`, or `W/"abc"` where it is weak."""
    if '"' in etag:
        raise ValueError(f"the ETag {etag!r} has a quote in it; give it without quotes.")
    return f'W/"{etag}"' if weak else f'"{etag}"'


def unquote_etag(etag: str | None) -> tuple[str, bool] | tuple[None, None]:
    """The tag without its quotes, and whether it is weak; `(None, None)` for no tag."""
    if not etag:
        return None, None
    weak = etag[:2] in ("W/", "w/")
    tag = etag[2:] if weak else etag
    if len(tag) >= 2 and tag[0] == tag[-1] == '"':
        tag = tag[1:-1]
    return tag, weak


def parse_etags(header: str | None) -> ETags:
    """The tags of an If-Match or If-None-Match header; one without quotes counts, rubbish does not."""
    if not header:
        return ETags()
    if header.strip(" \t") == "*":
        return ETags(star_tag=True)
    strong: list[str] = []
    weak: list[str] = []
    for found in _ONE_TAG.finditer(header):
        mark, quoted, bare = found.groups()
        tag = bare if quoted is None else quoted
        if tag is not None:
            (weak if mark else strong).append(tag)
    return ETags(strong, weak)


# A tag up to the comma behind it, or else whatever stands there: a comma inside quotes belongs to the tag.
_ONE_TAG = re.compile(
    r"""[ \t]*(?:([Ww]/)?(?:"([^"]*)"|([^" \t,]+))[ \t]*(?=,|\Z)|[^,]*)(?:,|\Z)""",
)
