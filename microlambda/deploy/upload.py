"""What is uploaded directly, and how much Lambda takes that way, of functions and of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.errors import ArchiveTooLarge
from microlambda.project.limits import UPLOAD_LIMIT

if TYPE_CHECKING:
    from microlambda.deploy.kinds.base import Archive


def uploadable(archive: Archive, key: str) -> bytes:
    """Give an archive's bytes, or raise `ArchiveTooLarge` where Lambda would refuse them."""
    content = archive(key)
    if len(content) > UPLOAD_LIMIT:
        raise ArchiveTooLarge(
            f"the archive {key!r} has {len(content) / 2**20:.1f} MB; Lambda takes {UPLOAD_LIMIT // 2**20} MB "
            "in one upload, and this version has no other way. Exclude what is large: `microlambda package "
            "--report` lists it."
        )
    return content
