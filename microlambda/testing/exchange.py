"""One call of the app in this process: event and result pass through JSON, as they do on Lambda."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway import INGRESSES, Api, Gateway
from microlambda.emulator.gateway.resources import Resources, key_id
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.runtime_client import LambdaContext, error_document
from microlambda.plan.authorizers import guards
from microlambda.plan.gateway_answers import failure_fields
from microlambda.plan.protected import explicit_resources, protected_rules
from microlambda.project.limits import DEFAULT_MEMORY, DEFAULT_TIMEOUT
from microlambda.runtime.context import propagating_errors, streaming_answers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from microlambda import App

_REGION, _ACCOUNT = "us-east-1", "123456789012"


class Exchange:
    """One request on its way through a gateway to the app and back.

    `event` is what the app was given and `result` what it answered, both None before the call.
    """

    def __init__(
        self, app: App, ingress: str, *, raise_errors: bool, api_keys: Collection[str] | None = None
    ) -> None:
        self.ingress = ingress
        self.api_keys = api_keys
        self.event: dict[str, Any] | None = None
        self.result: Any = None
        self._app = app
        self._raise_errors = raise_errors

    def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request, as the gateway of this ingress does."""
        api = None
        if self.ingress == "rest-api" and protected_rules(self._app):
            found = explicit_resources(self._app, guards(self._app, self.ingress))
            keyed = {path: [one for one in on if on[one].api_key] for path, on in found.items()}
            resources = Resources(keyed=keyed, find_key=self._find_key)
            api = Api(stage=INGRESSES[self.ingress].default_stage, resources=resources)
        own = tuple(failure_fields(self._app.cors).items()) if self.ingress == "rest-api" else ()
        gateway = Gateway(self.ingress, self._invoke, api=api, on_failure=dict.fromkeys((4, 5), own))
        return gateway(environ, start_response)

    def _find_key(self, value: str) -> str | None:
        return key_id(value) if self.api_keys is None or value in self.api_keys else None

    def _invoke(self, payload: bytes) -> Invocation:
        self.event = json.loads(payload)
        # The app gets an event of its own: what it changes there, a test does not see, as on Lambda.
        event, context = json.loads(payload), make_context(self._app.name)
        with streaming_answers(False):  # a view may use a client, too, while its own answer is streamed
            return self._invoked(event, context)

    def _invoked(self, event: dict[str, Any], context: LambdaContext) -> Invocation:
        if self._raise_errors:
            with propagating_errors():
                return self._invocation(event, context)
        try:
            return self._invocation(event, context)
        except Exception as exc:  # noqa: BLE001 - whatever the app raised is the invocation's error
            document = json.dumps(error_document(exc, context.aws_request_id)).encode()
            return Invocation(request_id=context.aws_request_id, payload=document, function_error="Unhandled")

    def _invocation(self, event: dict[str, Any], context: LambdaContext) -> Invocation:
        payload = json.dumps(self._app(event, context)).encode()
        self.result = json.loads(payload)
        return Invocation(request_id=context.aws_request_id, payload=payload)


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
            "lambda-runtime-invoked-function-arn": f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:{function}",
        }
    )
    context.app_name = app_name
    context.function_name = function
    context.function_version = "$LATEST"
    context.memory_limit_in_mb = str(DEFAULT_MEMORY)
    context.log_group_name = f"/aws/lambda/{function}"
    context.log_stream_name = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{uuid.uuid4().hex}"
    return context
