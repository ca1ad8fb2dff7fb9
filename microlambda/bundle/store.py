"""Archives in the cache, each with what is known of it, by keys.

An entry is two files. `KEY.json`, the manifest, names the archive, which has its hash in its own name: so an
entry is replaced by replacing one file, and a run that reads the older archive meanwhile is not disturbed.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microlambda.bundle.cache import explained, read_sealed, unsealed, working, write_sealed
from microlambda.bundle.errors import CacheUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An entry: its archive, the SHA-256 of that, and the facts that were kept with it."""

    archive: Path
    sha256: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Store:
    """A folder of entries."""

    folder: Path

    def making(self) -> AbstractContextManager[Path]:
        """Give an empty folder beside the entries to make one in; it is gone afterwards."""
        return working(self.folder)

    def keep(self, key: str, archive: Path, facts: Mapping[str, Any], *, sha256: str | None = None) -> Kept:
        """Move an archive into the store, in place of the key's older one.

        `facts` are anything that JSON holds; `sha256` is the archive's, where it is known.
        """
        digest = sha256 or file_hash(archive)
        with explained(self.folder):
            kept = Kept(archive=self.folder / f"{key}-{digest[:16]}.zip", sha256=digest, facts=facts)
            archive.replace(kept.archive)
            self._write(key, kept)
        return kept

    def _write(self, key: str, kept: Kept) -> None:
        manifest = {
            "archive": kept.archive.name,
            "sha256": kept.sha256,
            "state": _state(kept.archive),
            "facts": kept.facts,
        }
        write_sealed(self._manifest(key), json.dumps(manifest).encode())

    def _manifest(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def latest(self, count: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give the keys and the facts of as many entries as were kept last; of none is it a use."""
        manifests = sorted(self.folder.glob("*.json"), key=_age)
        for manifest in manifests[:count]:
            content = unsealed(manifest)
            facts = json.loads(content).get("facts") if content is not None else None
            if facts is not None:
                yield manifest.stem, facts

    def read(self, key: str) -> Kept | None:
        """Give an entry; None where there is none, or where it is not what was written."""
        content = read_sealed(self._manifest(key))
        if content is None:
            return None
        manifest = json.loads(content)
        kept = Kept(
            archive=self.folder / manifest["archive"], sha256=manifest["sha256"], facts=manifest["facts"]
        )
        try:
            if _state(kept.archive) == manifest["state"]:
                return kept
            # It was written to, or only copied with the whole cache: the hash of its bytes tells.
            if file_hash(kept.archive) != kept.sha256:
                return None
        except OSError:
            return None
        with suppress(OSError, CacheUnusable):  # only to spare the next run the hashing
            self._write(key, kept)
        return kept


def _age(path: Path) -> float:
    """Give a number that is the smaller the later a file was used; a file that has gone is the oldest."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0


def _state(path: Path) -> list[int]:
    """Give what changes when a file is written to, whatever times it is given afterwards."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
