"""One call of the app in this process: event and result pass through JSON, as they do on Lambda."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway import Gateway
from microlambda.emulator.gateway.resources import is_one_of, key_id
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest
from microlambda.emulator.runtime_client import error_document
from microlambda.plan.gateway_answers import failure_fields
from microlambda.runtime.context import propagating_errors, streaming_answers
from microlambda.testing.gatekeeper import Gatekeeper
from microlambda.testing.lambda_context import REGION, make_context

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from microlambda import App
    from microlambda.emulator.runtime_client import LambdaContext
    from microlambda.testing.signing import Signer


class Exchange:
    """One request on its way through a gateway to the app and back.

    `event` is what the app was given and `result` what it answered, both None before the call; `explanation`
    says why the gateway answered by itself, where it did, or why it asks nobody.
    """

    def __init__(
        self,
        app: App,
        ingress: str,
        *,
        raise_errors: bool,
        api_keys: Collection[str] | None = None,
        gatekeeper: Gatekeeper | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.ingress = ingress
        self.api_keys = api_keys
        self.event: dict[str, Any] | None = None
        self.result: Any = None
        self.explanation: str | None = None
        self._app = app
        self._gatekeeper = gatekeeper or Gatekeeper(app, keys=None, raise_errors=raise_errors)
        self._raise_errors = raise_errors
        self._signer = signer

    def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request, as the gateway of this ingress does."""
        own = tuple(failure_fields(self._app.cors).items()) if self.ingress == "rest-api" else ()
        protection = self._gatekeeper.protection(self.ingress)
        gateway = Gateway(
            self.ingress,
            self._invoke,
            on_failure=dict.fromkeys((4, 5), own),
            explain=self._explain,
            decider=self._gatekeeper.decider(protection.authorizers),
        )
        gateway.api = protection.of(gateway.api, self._find_key)
        if protection.error is not None:
            self._explain(f"no authorizer is asked: {protection.error}")
        return gateway(self._signed(environ), start_response)

    def _signed(self, environ: dict[str, Any]) -> dict[str, Any]:
        """The request with a signature, if it is to have one and has no credentials of its own."""
        if self._signer is None:
            return environ
        request = HttpRequest.from_environ(environ)
        environ = {**environ, "wsgi.input": BytesIO(request.body)}
        if request.header("authorization") is not None:
            return environ
        service = "lambda" if self.ingress == "function-url" else "execute-api"
        added = self._signer.fields(request, region=REGION, service=service)
        return {**environ, "microlambda.headers": [*environ["microlambda.headers"], *added]}

    def _explain(self, why: str) -> None:
        self.explanation = why

    def _find_key(self, value: str) -> str | None:
        return key_id(value) if self.api_keys is None or is_one_of(value, self.api_keys) else None

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
