"""The metadata of a distribution without its long description, which repeats the README.

https://packaging.python.org/en/latest/specifications/core-metadata/#description: since version 2.1 of the
format it is the body, after an empty line; before, it is a header that goes on over indented lines.
"""

from __future__ import annotations


def without_description(metadata: bytes) -> bytes:
    """Leave out the long description of a METADATA file; everything else stays as it is."""
    kept = []
    is_skipping = False
    for line in metadata.splitlines(keepends=True):
        if not line.strip(b"\r\n"):
            break
        if line[:1] not in b" \t":
            is_skipping = line[:12].lower() == b"description:"
        if not is_skipping:
            kept.append(line)
    return b"".join(kept)
