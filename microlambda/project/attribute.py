"""Whether a module has the attribute that is said to be its App, as far as its text tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound, nearest

if TYPE_CHECKING:
    from microlambda.project.layout import ModulePlace

_WORD = re.compile(r"[^\W\d]\w*")

#: What may make names that do not stand in a module.
_OPEN = re.compile(
    r"import\s*\(?\s*\*|\b(?:__getattr__|__dict__|globals|locals|vars|setattr|exec|eval|modules)\b"
)


def check_attribute(place: ModulePlace) -> None:
    """Raise `AppNotFound` where the attribute's name stands nowhere in the module; nothing is imported."""
    if place.attribute is None:
        return
    try:
        text = place.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return  # for whoever compiles it to tell
    words = set(_WORD.findall(text))
    if place.attribute.partition(".")[0] not in words and not _OPEN.search(text):
        raise AppNotFound(
            f"{place.module!r} has no attribute {place.attribute!r}.{nearest(place.attribute, sorted(words))}"
        )
