"""A body in chunks, as the Runtime API reads it (RFC 9112, 7.1)."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 65_536
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


class ChunkedBody:
    """Iterating gives the body as it comes; `trailers` is complete at its end.

    `ConnectionError` where the sender leaves before the end, `ValueError` where the framing is wrong.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.trailers: dict[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        while left := self._next_size():
            while left:
                piece = self._stream.read(min(left, _PIECE))
                if not piece:
                    raise ConnectionError("the sender left in the middle of a chunk")
                left -= len(piece)
                yield piece
            self._line()
        while line := self._line():
            name, _, value = line.partition(b":")
            self.trailers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")

    def _next_size(self) -> int:
        size = self._line().partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise ValueError(f"{size!r} is no size of a chunk")
        return int(size, 16)

    def _line(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the sender left in the middle of a body")
        return line.rstrip(b"\r\n")
