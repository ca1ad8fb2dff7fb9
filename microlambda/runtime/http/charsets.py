"""The charsets that a caller may name: those of Python that turn bytes into text, and no other codec."""

from __future__ import annotations

#: Codecs of the table that are no charsets, and UTF-7, in which markup looks like harmless ASCII.
_NO_CHARSETS = frozenset(
    (
        "base64_codec",
        "bz2_codec",
        "hex_codec",
        "mbcs",
        "quopri_codec",
        "rot_13",
        "utf_7",
        "uu_codec",
        "zlib_codec",
    )
)


def codec_of(name: str) -> str | None:
    """Python's name for the charset, None for one that it does not know.

    The name is looked up in a table, never imported: Python keeps what it is asked for and does not
    know, and callers could ask for ever more.
    """
    from encodings import normalize_encoding
    from encodings.aliases import aliases

    key = normalize_encoding(name.strip()).lower() if name.isascii() else ""
    codec = aliases.get(key) or (key if key in aliases.values() else None)
    return None if codec in _NO_CHARSETS else codec
