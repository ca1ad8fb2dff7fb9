"""Lambda's Invoke, for real. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING
from uuid import uuid4

from microlambda.emulator.cloud.aws_request import AwsAnswer
from microlambda.emulator.cloud.deployed import FunctionName, FunctionNotFound
from microlambda.emulator.cloud.policies import function_not_found
from microlambda.emulator.invocation import MAX_PAYLOAD

if TYPE_CHECKING:
    from microlambda.emulator.cloud.aws_request import AwsRequest
    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.triggers.asynchronous import Asynchronous

_MAX_EVENT = 1_048_576  # asynchronous invocations: 1 MB (gettingstarted-limits.html)
_TAIL = 4096  # X-Amz-Log-Result: "the last 4 KB of the execution log"


class LambdaInvoke:
    """Answers Invoke: waiting for the result, in the background, or not at all (DryRun)."""

    def __init__(self, moto: Moto, functions: Functions, asynchronous: Asynchronous) -> None:
        self._moto = moto
        self._functions = functions
        self._asynchronous = asynchronous

    def answer(self, request: AwsRequest, name: str) -> AwsAnswer:
        """Serve one call on `/functions/{name}/invocations`."""
        wanted = FunctionName.parse(name, request.argument("Qualifier"))
        try:
            function = self._moto.function(request.region, wanted)
        except FunctionNotFound as missing:
            return function_not_found(missing)
        kind = request.header("X-Amz-Invocation-Type") or "RequestResponse"
        payload = request.body() or b"{}"
        refusal = _refusal(kind, payload)
        if refusal is not None:
            return refusal
        if kind == "DryRun":
            return AwsAnswer(status=204)
        if kind == "Event":
            return self._in_background(function, payload)
        return self._waiting(request, function, payload)

    def _waiting(self, request: AwsRequest, function: DeployedFunction, payload: bytes) -> AwsAnswer:
        context = request.header("X-Amz-Client-Context")
        request_id = str(uuid4())
        invocation, lines = self._functions.invoke(
            function,
            payload,
            request_id=request_id,
            trace_id=request.header("X-Amzn-Trace-Id") or "",
            client_context=b64decode(context).decode() if context else None,
        )
        headers = [("x-amzn-RequestId", request_id), ("X-Amz-Executed-Version", function.version)]
        if invocation.function_error is not None:
            headers.append(("X-Amz-Function-Error", invocation.function_error))
        if request.header("X-Amz-Log-Type") == "Tail":
            log = "\n".join(lines).encode()[-_TAIL:]
            headers.append(("X-Amz-Log-Result", b64encode(log).decode()))
        return AwsAnswer(status=200, body=invocation.payload, headers=tuple(headers))

    def _in_background(self, function: DeployedFunction, payload: bytes) -> AwsAnswer:
        request_id = self._asynchronous.submit(function.arn, payload)
        return AwsAnswer(status=202, headers=(("x-amzn-RequestId", request_id),))


def _refusal(kind: str, payload: bytes) -> AwsAnswer | None:
    limit = _MAX_EVENT if kind == "Event" else MAX_PAYLOAD
    if len(payload) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        return AwsAnswer.error(413, "RequestEntityTooLargeException", message)
    if kind not in ("RequestResponse", "Event", "DryRun"):
        message = f"Value '{kind}' at 'invocationType' failed to satisfy constraint"
        return AwsAnswer.error(400, "InvalidParameterValueException", message)
    try:
        json.loads(payload)
    except ValueError as exc:
        message = f"Could not parse request body into json: {exc}"
        return AwsAnswer.error(400, "InvalidRequestContentException", message)
    return None
