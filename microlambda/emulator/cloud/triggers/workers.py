"""The threads that triggers run on: each does one thing and ends, and all end with the cloud."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Workers:
    """Starts threads until it is halted, and waits for them at the end; `say` is told of one that failed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._threads: set[threading.Thread] = set()
        self._guard = threading.Lock()
        self._halted = threading.Event()

    @property
    def are_halted(self) -> bool:
        """Whether everything is to end."""
        return self._halted.is_set()

    def run(self, call: Callable[..., None], *args: Any) -> None:
        """Call it on a thread of its own; not after `halt`."""
        thread = threading.Thread(
            target=self._work, args=(call, args), name="microlambda-trigger", daemon=True
        )
        with self._guard:
            if not self.are_halted:
                self._threads.add(thread)
                thread.start()

    def pause(self, seconds: float) -> bool:
        """Wait; False if everything is to end."""
        return not self._halted.wait(seconds)

    def halt(self) -> None:
        """Let everything end."""
        with self._guard:
            self._halted.set()

    def join(self) -> None:
        """Wait until everything has ended."""
        while threads := self._living():
            for thread in threads:
                thread.join()

    def _living(self) -> list[threading.Thread]:
        with self._guard:
            return list(self._threads)

    def _work(self, call: Callable[..., None], args: tuple[Any, ...]) -> None:
        try:
            call(*args)
        except Exception as exc:  # noqa: BLE001  # a traceback out of a thread reaches nobody who looks
            self._say(f"a trigger failed in the embedded cloud: {type(exc).__name__}: {exc}")
        finally:
            with self._guard:
                self._threads.discard(threading.current_thread())
