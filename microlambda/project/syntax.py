"""Reading modules as syntax trees, one at a time."""

from __future__ import annotations

import ast
import threading

_LOCK = threading.Lock()


def parse(content: str | bytes, name: str = "<unknown>") -> ast.Module:
    """Give the tree of a module; SyntaxError, ValueError or RecursionError, as of `ast.parse`.

    Threads take turns: two that build trees at once count one depth of recursion in Python 3.11, which ends
    with a SystemError (https://github.com/python/cpython/issues/106905).
    """
    with _LOCK:
        return ast.parse(content, name)
