"""One request to moto at a time: it goes through its dictionaries while other threads write into them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.aws_request import AwsRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: A request to SQS may wait for messages, which another one has to bring.
_WAITING = ("sqs",)


def one_at_a_time(application: WSGIApplication) -> WSGIApplication:
    """Let requests wait for each other, but for those that wait for others themselves."""
    lock = threading.RLock()

    def served(environ: dict[str, Any], start_response: Any) -> Any:
        if AwsRequest.of(environ).service in _WAITING:
            return application(environ, start_response)
        with lock:
            return application(environ, start_response)

    return served
