"""Entries of earlier archives, taken over as they lie there: what they were made of is compressed already.

Where one more package is required, or another project requires some of the same, all that both archives have
is neither compiled nor compressed again.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.errors import BundleError
from microlambda.bundle.zip_file import map_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.bundle.store import Store
    from microlambda.bundle.zip_file import Packed

#: The archives that were used last, for as many as a machine has projects that are worked on.
_ARCHIVES = 16


def digest(*parts: str | bytes) -> str:
    """Hash what decides the bytes of an entry."""
    hashing = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hashing.update(b"%d\0" % len(content))
        hashing.update(content)
    return hashing.hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Entries:
    """What the facts of an archive say of its entries: of each the digest, by its name after `prefix`."""

    prefix: str
    digests: Mapping[str, str]


class EarlierArchives:
    """The archives of a store whose facts have `Entries`, under "entries"; what is not whole is passed by."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[str, tuple[str, str]] | None = None
        self._read: dict[str, Mapping[str, Packed]] = {}
        self._lock = threading.Lock()

    def find(self, wanted: str) -> Packed | None:
        """Give an entry by the digest of what it was made of, under whatever name it has."""
        with self._lock:
            if self._places is None:
                self._places = self._found()
            place = self._places.get(wanted)
            if place is None:
                return None
            key, name = place
            if key not in self._read:
                self._read[key] = self._entries(key)
            return self._read[key].get(name)

    def _found(self) -> dict[str, tuple[str, str]]:
        """Find the key and the name under which something lies, the latest archive first."""
        places: dict[str, tuple[str, str]] = {}
        for key, facts in self._store.latest(_ARCHIVES):
            with suppress(KeyError, TypeError, AttributeError):  # of another form
                entries = Entries(**facts["entries"])
                for name, made_of in entries.digests.items():
                    places.setdefault(made_of, (key, entries.prefix + name))
        return places

    def _entries(self, key: str) -> dict[str, Packed]:
        kept = self._store.read(key)
        if kept is None:
            return {}
        try:
            return map_zip(kept.archive)
        except (OSError, ValueError, BundleError):  # another run removed it, or it is none of ours
            return {}
