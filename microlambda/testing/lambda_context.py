"""The second argument of handlers, in a test."""

from __future__ import annotations

import time
import uuid

from microlambda.emulator.runtime_client import LambdaContext
from microlambda.project.limits import DEFAULT_MEMORY, DEFAULT_TIMEOUT

REGION, ACCOUNT = "us-east-1", "123456789012"


class ClientContext(LambdaContext):
    """What a handler gets beside its event, in a test."""

    app_name: str | None = None

    def of_task(self, request_id: str, _caller: object, name: str) -> ClientContext:
        """Make what a task gets that runs at once: as if it were in its own function."""
        context = make_context(self.app_name, name)
        context.aws_request_id = request_id
        return context


def make_context(app_name: str | None, handler: str = "http") -> ClientContext:
    """Make the second argument of a handler, with the attributes that AWS's runtime client gives it."""
    function = f"{app_name or 'app'}-local-{handler}"
    context = ClientContext(
        {
            "lambda-runtime-aws-request-id": str(uuid.uuid4()),
            "lambda-runtime-deadline-ms": str(int((time.time() + DEFAULT_TIMEOUT) * 1000)),
            "lambda-runtime-invoked-function-arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        }
    )
    context.app_name = app_name
    context.function_name = function
    context.function_version = "$LATEST"
    context.memory_limit_in_mb = str(DEFAULT_MEMORY)
    context.log_group_name = f"/aws/lambda/{function}"
    context.log_stream_name = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{uuid.uuid4().hex}"
    return context
