"""What triggers with rules or filters have in common: descriptions, and names that say whose they are."""

from __future__ import annotations

import re

from .base import refuse

_MOST_CHARACTERS = 512


def checked_description(decorator: str, value: object) -> str:
    """A description of up to 512 characters."""
    if not isinstance(value, str):
        raise refuse(decorator, "description", value, "write a str.")
    if len(value) > _MOST_CHARACTERS:
        why = f"it has {len(value):,} characters; AWS takes {_MOST_CHARACTERS:,}."
        raise refuse(decorator, "description", value, why)
    return value


def likeness(resource: str, handler: str) -> int:
    """How surely a rule, schedule or filter of that name is this handler's: the more, the longer the match.

    Ours are called `{app}-{stage}-{handler}`, from a handler's second on with `-2` behind; those of others
    hold the handler's in some spelling (CDK's `ShopNightlyReport4F2A`), or tell nothing: 0.
    """
    own = re.sub(r"[^A-Za-z0-9_-]", "-", handler)
    if f"-{resource}".endswith(f"-{own}") or f"-{re.sub(r'-[0-9]+$', '', resource)}".endswith(f"-{own}"):
        return 1000 + len(own)
    letters = _letters(own)
    return len(letters) if letters in _letters(resource) else 0


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
