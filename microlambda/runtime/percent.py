"""Percent-encoding (RFC 3986) and form-encoding (WHATWG URL), without the cost of importing urllib."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEX = "0123456789ABCDEFabcdef"
_BYTES = {(high + low).encode(): bytes.fromhex(high + low) for high in _HEX for low in _HEX}
#: What stands in a path as it is: https://url.spec.whatwg.org/#url-path-segment-string
PATH = "!$&'()*+,/:;=@"
#: What stands in a fragment that may be encoded already.
FRAGMENT = f"%{PATH}?#"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def unquote(text: str) -> str:
    """`text` decoded once.

    A `%` that is not followed by two hex digits stays; bytes that are no UTF-8 become U+FFFD.
    """
    if "%" not in text:
        return text
    return unquote_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")


def unquote_bytes(encoded: bytes) -> bytes:
    """The bytes that percent-encoding stands for, of whatever charset they are."""
    if b"%" not in encoded:
        return encoded
    first, *rest = encoded.split(b"%")
    decoded = bytearray(first)
    for piece in rest:
        byte = _BYTES.get(piece[:2])
        decoded += b"%" + piece if byte is None else byte + piece[2:]
    return bytes(decoded)


def unquote_plus(text: str) -> str:
    """`unquote` for queries and forms, where `+` is a space."""
    return unquote(text.replace("+", " "))


def quote(text: str, safe: str = "/") -> str:
    """`text` percent-encoded as UTF-8, all but unreserved characters and those in `safe`."""
    return quote_bytes(text.encode("utf-8", "replace"), safe)


def quote_bytes(data: bytes, safe: str) -> str:
    """`data` percent-encoded, all but unreserved characters and those in `safe`."""
    keep = _UNRESERVED | frozenset(safe.encode())
    return "".join([chr(byte) if byte in keep else f"%{byte:02X}" for byte in data])


def query_pairs(query: str) -> Iterator[tuple[str, str]]:
    """The pairs of `a=1&b=&c`, decoded, in order; a key without `=` has an empty value."""
    for field in query.split("&"):
        if field:
            key, _, value = field.partition("=")
            yield unquote_plus(key), unquote_plus(value)
