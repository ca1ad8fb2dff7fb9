"""The body of a request on a connection, by its length or in chunks (RFC 9112, 6 and 7)."""

from __future__ import annotations

import io
import re
from typing import Any

MAX_LINE = 65_536


class Refused(Exception):
    """What came over the line is not a request that can be served: a status and no more."""

    def __init__(self, status: int) -> None:
        self.status = status


class RequestBody(io.RawIOBase):
    """The body of one request, by its length or in chunks; reading past its end gives nothing."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self._stream = stream
        self._chunked = length is None
        self._left = length or 0
        self.exhausted = length == 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the body goes."""
        if self._chunked and self._left == 0 and not self.exhausted:
            self._next_chunk()
        if self.exhausted:
            return 0
        data = self._stream.read(min(len(buffer), self._left))
        if not data:
            raise ConnectionError("the client left in the middle of a request body")
        buffer[: len(data)] = data
        self._left -= len(data)
        if self._left == 0:
            self._end_of_piece()
        return len(data)

    def ends_within(self, limit: int) -> bool:
        """Whether the rest is known to be no more than so many bytes."""
        return self.exhausted or (not self._chunked and self._left <= limit)

    def discard(self) -> None:
        """Read the rest away."""
        scratch = bytearray(65_536)
        while self.readinto(scratch):
            pass

    def _next_chunk(self) -> None:
        line = self._stream.readline(MAX_LINE)
        size = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
            raise Refused(400)
        self._left = int(size, 16)
        if self._left == 0:
            self.exhausted = True
            while self._stream.readline(MAX_LINE) not in (b"\r\n", b"\n", b""):
                pass  # trailer fields

    def _end_of_piece(self) -> None:
        if not self._chunked:
            self.exhausted = True
        elif self._stream.readline(3) not in (b"\r\n", b"\n"):
            raise Refused(400)
