"""The end of our process as a signal to a child's: no handler hangs on after a parent that was killed."""

from __future__ import annotations

import os
import signal
import sys


class Lifeline:
    """A pipe whose reading end a child holds, and whose writing end nobody but this process.

    When this process ends, however it does, the kernel closes the writing end and sends the owner of the
    reading end its signal: SIGKILL, to the child and all of its group. The child needs no code for it
    and cannot miss it. (PR_SET_PDEATHSIG is sent when the *thread* that started the child ends: fcntl(2) and
    prctl(2).) Linux alone can choose the signal; elsewhere this does nothing.
    """

    def __init__(self) -> None:
        self._read = self._write = -1

    def open(self) -> tuple[int, ...]:
        """Make the pipe; answers the file descriptors that the child is to inherit."""
        if sys.platform != "linux":
            return ()
        self._read, self._write = os.pipe()
        return (self._read,)

    def tie(self, pid: int, *, group: bool) -> None:
        """Let the child that inherited it, or the group that it leads, end with this process."""
        if sys.platform != "linux":
            return
        import fcntl

        fcntl.fcntl(self._read, fcntl.F_SETOWN, -pid if group else pid)
        fcntl.fcntl(self._read, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(self._read, fcntl.F_SETFL, os.O_ASYNC)
        os.close(self._read)
        self._read = -1

    def close(self) -> None:
        """Close it, which ends what is tied to it; more calls do nothing."""
        for fd in (self._read, self._write):
            if fd >= 0:
                os.close(fd)
        self._read = self._write = -1
