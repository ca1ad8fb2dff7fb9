"""Where `.delay` runs tasks in `microlambda local`: on threads of the app's process, beside its answers.

On Lambda each runs in a function of its own, with its own time and memory, and is tried twice more where it
fails. Here they share the process, none is ended for taking long, and none is tried again.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.runtime_client import (
    Connection,
    LambdaContext,
    RuntimeGone,
    logging_as,
    report_task,
)
from microlambda.local.spec import REGION, function_arn
from microlambda.project.limits import TIMEOUT
from microlambda.runtime.naming import aws_name
from microlambda.runtime.tasks import encoded, log_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from microlambda import App

_THREADS = 10


class TaskThreads:
    """Takes what `.delay` hands over, and tells the parent at `address` what goes on.

    The threads are daemons: the end of the process does not wait for them, the parent says what is lost.
    """

    def __init__(
        self, address: str, sending: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    ) -> None:
        self._address = address
        self._sending = sending
        self._queue: SimpleQueue[tuple[App, dict[str, Any]]] = SimpleQueue()
        self._threads = 0
        self._guard = threading.Lock()
        self._connection: Connection | None = None

    def __call__(self, app: App, event: dict[str, Any]) -> str:
        """Take on a task: it has begun for the parent before anybody is answered."""
        call = event["microlambda"]
        request_id: str = str(uuid4())
        call["id"] = request_id
        given = json.loads(encoded(app, event))
        self._tell(request_id, call["task"])
        self._queue.put((app, given))
        with self._guard:
            if self._threads < _THREADS:
                self._threads += 1
                name = f"microlambda-task-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        return request_id

    def _work(self) -> None:
        while True:
            app, event = self._queue.get()
            call = event["microlambda"]
            with logging_as(call["id"]), self._sending():
                self._run(app, call["task"], call["id"], event)
            self._tell(call["id"], None)

    def _run(self, app: App, name: str, request_id: str, event: dict[str, Any]) -> None:
        context = _context(name, request_id)
        try:
            app.handler(name)(event, context)
        except BaseException as exc:  # noqa: BLE001 - SystemExit, too, is the task's own
            own = exc.__traceback__  # this frame, which is no user's
            log_failure(app, name, context, exc.with_traceback(own.tb_next if own is not None else None))

    def _tell(self, request_id: str, name: str | None) -> None:
        with self._guard, contextlib.suppress(RuntimeGone):
            if self._connection is None:
                self._connection = Connection(self._address)
            report_task(self._connection, request_id, name)


def _context(name: str, request_id: str) -> LambdaContext:
    """What Lambda would hand over: an id and a function of the task's own."""
    deadline = int((time.time() + TIMEOUT[1]) * 1000)
    served = os.environ["AWS_LAMBDA_FUNCTION_NAME"].removesuffix(os.environ["MICROLAMBDA_HANDLER"])
    function = aws_name(f"{served}{name}")
    context = LambdaContext(
        {
            "lambda-runtime-aws-request-id": request_id,
            "lambda-runtime-deadline-ms": str(deadline),
            "lambda-runtime-invoked-function-arn": function_arn(
                os.environ.get("AWS_REGION", REGION), function
            ),
        }
    )
    context.function_name = function
    return context
