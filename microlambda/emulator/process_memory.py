"""The memory of a process, as Linux tells it: asked after every invocation, and so with one system call."""

from __future__ import annotations

import contextlib
import os

_MARK = b"VmHWM:"


class ProcessMemory:
    """The most that a process has had at once; None where the system does not tell."""

    def __init__(self) -> None:
        self._status = -1

    def open(self, pid: int) -> None:
        """Look at a process from now on."""
        with contextlib.suppress(OSError):
            self._status = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)

    def peak(self) -> int | None:
        """The most so far, in MB; None also of one that has ended."""
        if self._status < 0:
            return None
        try:
            status = os.pread(self._status, 4096, 0)
        except OSError:
            return None
        _, found, rest = status.partition(_MARK)
        return int(rest.split(None, 1)[0]) // 1024 if found else None

    def close(self) -> None:
        """Look no more; more calls do nothing."""
        if self._status >= 0:
            os.close(self._status)
            self._status = -1
