"""The one name that means something else to us than to an index."""

from __future__ import annotations

#: Stands for the runtime, whatever its extras and versions: what only our tools need never ships.
OURS = "microlambda"
