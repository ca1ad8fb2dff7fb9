"""Where `microlambda local` answers by itself, and how its processes find each other."""

from __future__ import annotations

PREFIX = "/_microlambda/"
TOKEN = "X-Microlambda-Token"  # noqa: S105 - the name of a field

#: The variable that leads the app's process to its parent: a URL and a token.
PARENT = "MICROLAMBDA_PARENT"
