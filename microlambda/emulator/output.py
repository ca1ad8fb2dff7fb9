"""What a child process prints, line by line, without losing the last line before an answer."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_KEPT = 1 << 20


class OutputReader:
    """Reads a pipe from a thread of its own; `drain` reads what is in it at this moment from the caller's.

    A runtime client writes its output before it posts its answer. So whoever has the answer drains, and has
    all that was printed until then.
    """

    def __init__(self, fd: int, line: Callable[[bytes], None]) -> None:
        self._fd = fd
        self._line = line
        self._rest = b""
        self._kept = bytearray()
        self._ended = False
        self._lock = threading.Lock()
        self._wake, self._woken = socket.socketpair()
        os.set_blocking(fd, False)
        self._thread = threading.Thread(target=self._run, name="microlambda-output", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Read and hand on what has been printed."""
        with self._lock:
            self._read()

    def take(self) -> bytes:
        """What was printed since the last call, at most the newest megabyte.

        An unfinished line is handed on now: it belongs to the invocation that has ended (AWS's client ends a
        logged traceback without a newline).
        """
        with self._lock:
            self._read()
            if self._rest:
                self._line(self._rest + b"\n")
                self._rest = b""
            kept = bytes(self._kept)
            self._kept.clear()
        return kept

    def close(self) -> bytes:
        """Read the rest, hand on an unfinished last line, and end the thread; answers as `take`."""
        self._wake.send(b"x")
        if self._thread is not threading.current_thread():
            self._thread.join()
        with self._lock:
            if self._fd >= 0:
                self._read()
                if self._rest:
                    self._line(self._rest)
                    self._rest = b""
                os.close(self._fd)
                self._fd = -1
                self._wake.close()
                self._woken.close()
            return bytes(self._kept)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._fd, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._ended:
                if any(key.fileobj is self._woken for key, _ in selector.select()):
                    return
                self.drain()

    def _read(self) -> None:
        while not self._ended and self._fd >= 0:
            try:
                data = os.read(self._fd, 65_536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._ended = True
                return
            self._keep(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._line(line + b"\n")

    def _keep(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > _MAX_KEPT:
            del self._kept[: len(self._kept) - _MAX_KEPT]
