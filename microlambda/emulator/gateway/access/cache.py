"""What authorizers have answered, for as long as it is good."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.access import clock

if TYPE_CHECKING:
    from collections.abc import Hashable

#: Above this many entries those that are over are thrown away.
_MANY = 1_000


class AuthorizerCache:
    """Answers by API, stage, authorizer and identity sources; for any number of threads."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """What was kept, None where there is nothing or its time is over."""
        with self._guard:
            until, answer = self._kept.get(key, (0.0, None))
        return answer if clock.now() < until else None

    def put(self, key: Hashable, answer: Any, ttl: int) -> None:
        """Keep an answer for `ttl` seconds."""
        now = clock.now()
        with self._guard:
            if len(self._kept) >= _MANY:
                self._kept = {one: kept for one, kept in self._kept.items() if now < kept[0]}
            self._kept[key] = (now + ttl, answer)
