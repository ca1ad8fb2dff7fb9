"""Where a lock has its files from, said to the resolver where the user's settings do not say it.

A lock fixes files by their hashes, so that a stranger's package of the same name cannot come in by an
additional index. Without hashes it could, and is refused.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from microlambda.bundle.inputs.locked import Pin

#: Settings of pip and uv by which the user names indexes; what a lock says of them is left aside then.
_SETTINGS = (
    *("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX", "UV_CONFIG_FILE"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CONFIG_FILE"),
)
_PYPI = re.compile(r"(?:pypi\.org|pypi\.python\.org|files\.pythonhosted\.org)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def index_lines(pins: Iterable[Pin], label: str) -> list[str]:
    """Give the options that name the indexes and folders of wheels which a lock's packages come from."""
    lines: dict[str, None] = {}
    named = any(os.environ.get(name) for name in _SETTINGS)
    for pin in pins:
        if pin.find_links is not None:
            lines[f"--find-links {pin.find_links.resolve().as_uri()}"] = None
        elif pin.index is not None and not named and not is_pypi(pin.index):
            if not pin.hashes:
                raise RequirementsUnreadable(
                    f"{label} takes {pin.name} from {mask(pin.index)} and has no hashes of its files, so "
                    "that another index could answer for it. Name it in UV_INDEX or PIP_EXTRA_INDEX_URL."
                )
            lines[f"--extra-index-url {_spelled(pin.index)}"] = None
    return list(lines)


def is_pypi(url: str) -> bool:
    """Tell the public index, which resolvers ask anyway."""
    return _PYPI.fullmatch(urlsplit(url).hostname or "") is not None


def _spelled(url: str) -> str:
    """Spell variables as pip reads them; what they hold is filled in by the resolver alone."""
    return _VARIABLE.sub(lambda match: f"${{{match[1] or match[2]}}}", url)


def as_folder(location: str, base: Path) -> Path | None:
    """Read the location of an index that is a folder of wheels; None for a URL."""
    if location.startswith("file:"):
        from urllib.request import url2pathname

        return base / url2pathname(urlsplit(location).path)
    return None if "://" in location or "$" in location else base / location
