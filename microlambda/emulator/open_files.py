"""How many files this process may have open: each connection is one, and shells allow for few."""

from __future__ import annotations

import contextlib

#: Enough for a thousand connections, with what each of them leads to.
_WANTED = 16_384


def allow_many() -> None:
    """Let this process open as many files as it may allow itself, up to some thousands.

    Where the system has no such limits, or refuses, it stays as it is.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _WANTED:
        return
    most = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS has a limit of its own below the hard one
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
