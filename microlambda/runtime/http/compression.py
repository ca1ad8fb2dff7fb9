"""Compressed answers: what the caller accepts (RFC 9110, 12.5.3), where it is worth it."""

from __future__ import annotations

from .binary import is_text
from .vary import add_vary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .headers import Headers
    from .response import Response

#: Types beside text, JSON and XML that shrink; woff and woff2 are compressed in themselves.
_SHRINKS = frozenset(
    {
        "application/eot",
        "application/graphql",
        "application/json-seq",
        "application/jsonl",
        "application/ndjson",
        "application/otf",
        "application/rtf",
        "application/sql",
        "application/toml",
        "application/truetype",
        "application/ttf",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-font-otf",
        "application/x-font-ttf",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-yaml",
        "application/xml-dtd",
        "font/collection",
        "font/otf",
        "font/sfnt",
        "font/ttf",
        "image/bmp",
        "image/x-icon",
        "image/vnd.microsoft.icon",
    }
)


def compressed(
    response: Response, body: str | bytes, accept_encoding: str | None, minimum: int
) -> str | bytes:
    """The body in the best coding that the caller accepts, with the headers that say so; else the body.

    `Vary: Accept-Encoding` is set for every answer that could be compressed. What has a
    Content-Encoding, is shorter than `minimum` bytes, must not be transformed, or would not shrink
    stays as it is. A 304 has the Vary of the answer that it stands for (RFC 9110, 15.4.5).
    """
    if response.status_code == 304:
        add_vary(response.headers, "Accept-Encoding")
        return body
    if not is_compressible(response):
        return body
    data = body.encode() if isinstance(body, str) else body
    if len(data) < minimum:
        return body
    headers = response.headers
    add_vary(headers, "Accept-Encoding")
    for coding in acceptable(accept_encoding or "", tuple(_codings())):
        small = _codings()[coding](data)
        if len(small) < len(data):
            _describe(headers, coding, len(small))
            return small
        break
    return body


def is_compressible(response: Response) -> bool:
    """May the body be compressed, whoever asks?"""
    headers = response.headers
    if response.status_code in (204, 206, 304) or "content-encoding" in headers:
        return False
    if "no-transform" in ", ".join(headers.getlist("cache-control")).lower():
        return False
    content_type = headers.get("content-type") or ""
    return is_text(content_type) or content_type.partition(";")[0].strip().lower() in _SHRINKS


def acceptable(accept_encoding: str, known: tuple[str, ...]) -> list[str]:
    """Those of the known codings that the header accepts, the best first; equals keep our order.

    A coding that the header does not name has the weight of `*`, and none without one. Where the
    uncompressed answer is preferred to a coding, that coding is not in the list.
    """
    weights = _weights(accept_encoding)
    default = weights.get("*", 0.0)
    if "gzip" not in weights and "x-gzip" in weights:
        weights["gzip"] = weights["x-gzip"]  # RFC 9110, 8.4.1.3: the same coding
    # Without a word about it the uncompressed answer is always accepted, and never preferred.
    identity = weights.get("identity", 0.0)
    weighed = {coding: weights.get(coding, default) for coding in known}
    good = [coding for coding in known if weighed[coding] > 0 and weighed[coding] >= identity]
    return sorted(good, key=lambda coding: -weighed[coding])


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in header.split(","):
        coding, *parameters = [part.strip().lower() for part in item.split(";")]
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                weight = _weight(value.strip())
        if coding:
            weights[coding] = weight
    return weights


def _weight(text: str) -> float:
    """A weight from 0 to 1; what is none counts as 0, so that nobody gets what he may not want."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _describe(headers: Headers, coding: str, length: int) -> None:
    headers.set("Content-Encoding", coding)
    if "content-length" in headers:
        headers.set("Content-Length", length)
    etag = headers.get("etag")
    if etag is not None and etag[:2] not in ("W/", "w/"):
        # The bytes differ from those that the tag was made for, the content does not.
        headers.set("ETag", f"W/{etag}")
    headers.remove("Accept-Ranges")
    headers.remove("Content-MD5")


_FOUND: dict[str, Callable[[bytes], bytes]] = {}


def _codings() -> dict[str, Callable[[bytes], bytes]]:
    """What this installation can encode, the denser first; brotli and zstd where a library is there."""
    if not _FOUND:
        for coding, find in (("br", _brotli), ("zstd", _zstd), ("gzip", _gzip)):
            try:
                _FOUND[coding] = find()
            except ImportError:
                continue
    return _FOUND


def _brotli() -> Callable[[bytes], bytes]:
    import brotli  # type: ignore[import-untyped]

    def compress(data: bytes) -> bytes:
        encoded: bytes = brotli.compress(
            data, quality=4
        )  # denser than gzip in the same time; 11 takes 50 times it
        return encoded

    return compress


def _zstd() -> Callable[[bytes], bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14
    except ImportError:
        import zstandard

        return lambda data: bytes(zstandard.ZstdCompressor(level=3).compress(data))
    return lambda data: bytes(zstd.compress(data, level=3))


def _gzip() -> Callable[[bytes], bytes]:
    import zlib

    def compress(data: bytes) -> bytes:
        packer = zlib.compressobj(
            6, zlib.DEFLATED, 31
        )  # 31: in gzip's format, its time 0, so that bytes repeat
        return packer.compress(data) + packer.flush()

    return compress
