"""One request to moto at a time: it goes through its dictionaries while other threads write into them."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.aws_request import AwsRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import WSGIApplication

#: A request to SQS may wait for messages, which another one has to bring.
_WAITING = ("sqs",)

_held = threading.local()


def one_at_a_time(application: WSGIApplication, lock: threading.Lock) -> WSGIApplication:
    """Let requests wait for each other, but for those that wait for others themselves."""

    def served(environ: dict[str, Any], start_response: Any) -> Any:
        request = AwsRequest.of(environ)
        if request.service in _WAITING:
            return application(environ, start_response)
        # read before: one slow upload is not for all others to wait for
        whole = {**environ, "wsgi.input": io.BytesIO(request.body())}
        with lock:
            _held.lock = lock
            try:
                return application(whole, start_response)
            finally:
                _held.lock = None

    return served


@contextmanager
def stepped_aside() -> Iterator[None]:
    """Let others go on while the request on this thread waits for somebody who may need moto."""
    lock = getattr(_held, "lock", None)
    if lock is None:
        yield
        return
    _held.lock = None
    lock.release()
    try:
        yield
    finally:
        lock.acquire()
        _held.lock = lock
