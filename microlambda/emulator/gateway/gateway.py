"""The gateway: one request in, one invocation, one response out, whatever happens in between."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from microlambda.emulator.gateway.alb import Alb, AlbMultiValue
from microlambda.emulator.gateway.answers import Fields, MalformedAnswer, response
from microlambda.emulator.gateway.api import Api, Call
from microlambda.emulator.gateway.decisions import Decider, Question, Refused
from microlambda.emulator.gateway.failures import FAILURES, Failure
from microlambda.emulator.gateway.function_url import FunctionUrl
from microlambda.emulator.gateway.guards import NONE, Guard
from microlambda.emulator.gateway.http_api import HttpApi
from microlambda.emulator.gateway.http_api_1 import HttpApi1
from microlambda.emulator.gateway.rest_api import RestApi
from microlambda.emulator.gateway.target import BadTarget, Target
from microlambda.emulator.gateway.vpc_lattice import VpcLattice
from microlambda.emulator.invocation import (
    MAX_PAYLOAD,
    Invocation,
    StreamedBody,
    StreamedInvocation,
    when_over,
)
from microlambda.emulator.messages import REASONS, BodyTooLarge, HttpRequest, HttpResponse
from microlambda.project.errors import ToolError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from microlambda.emulator.gateway.decisions import Identity

    Invoke = Callable[[bytes], Invocation]
    Observe = Callable[[HttpRequest, HttpResponse, Invocation | None], None]
    #: Fields of the gateway's own answers, by the first digit of their status.
    OnFailure = Mapping[int, Iterable[tuple[str, str]]]

# What `ANY` stands for (http-api-develop-routes.html); the front does not take other methods.
METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))

_EMPTY_TARGET = Target(raw_path="/", path="/", raw_query="", query=())


class UnknownIngress(ToolError):
    """No ingress of that name."""


class NotAllowed(Exception):
    """Raised by `invoke` where the function's resource policy does not name this gateway."""


class Ingress(Protocol):
    """What the gateway needs to know about one kind of HTTP front."""

    name: str
    default_stage: str
    max_body: int
    max_headers: int
    max_result: int
    integration_timeout: float | None

    def header_size(self, request: HttpRequest) -> int:
        """What counts towards `max_headers`."""
        ...

    def accepts(self, call: Call) -> bool:
        """Whether a well-formed request is let through."""
        ...

    def guard(self, call: Call) -> Guard:
        """What the request's method asks of its callers."""
        ...

    def arn(self, call: Call) -> str:
        """What an authorizer is asked about."""
        ...

    def asked_event(self, call: Call) -> dict[str, Any]:
        """The event that an authorizer's is made of."""
        ...

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event."""
        ...

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result; `MalformedAnswer` if it is none."""
        ...

    def own_fields(self, call: Call) -> Fields:
        """The fields that the gateway adds to its answers."""
        ...


_ALL: tuple[Ingress, ...] = (
    HttpApi(),
    HttpApi1(),
    RestApi(),
    FunctionUrl(),
    Alb(),
    AlbMultiValue(),
    VpcLattice(),
)
INGRESSES: dict[str, Ingress] = {ingress.name: ingress for ingress in _ALL}

#: What a caller is told where nothing decides about him.
_UNDECIDED = {
    "function-url": Failure.UNSIGNED,
    **dict.fromkeys(("rest-api", "http-api", "http-api-1.0"), Failure.UNAUTHORIZED),
}


class Gateway:
    """Serves one API: `handle` for our own callers, `__call__` for WSGI servers.

    `invoke` takes an event's JSON and answers with what came of it. `observe` is told of every request that
    was answered, with its invocation if there was one. `timeout` is the function's own, in seconds: where
    it is above the ingress's limit, the gateway stops waiting at the limit, as on AWS. `explain` is told in
    words why the gateway answers by itself, which AWS keeps in its logs. `on_failure` has the fields that
    such answers carry besides, by the first digit of their status. `decider` decides about the callers of
    what is guarded: without one, nobody is let in there.

    An answer that the function streams is handed on as it comes; `observe` is told of it at its end.
    """

    def __init__(
        self,
        ingress: str,
        invoke: Invoke,
        *,
        stage: str | None = None,
        observe: Observe | None = None,
        api: Api | None = None,
        timeout: float | None = None,
        explain: Callable[[str], None] | None = None,
        on_failure: OnFailure | None = None,
        decider: Decider | None = None,
    ) -> None:
        if ingress not in INGRESSES:
            raise UnknownIngress(
                f"there is no ingress {ingress!r}.{nearest(ingress, INGRESSES)} "
                f"Known: {', '.join(sorted(INGRESSES))}."
            )
        self.ingress = INGRESSES[ingress]
        self.api = api or Api(stage=stage or self.ingress.default_stage)
        self._invoke = invoke
        self._observe = observe
        self._explain = explain
        self.on_failure = on_failure or {}
        self.decider = decider
        limit = self.ingress.integration_timeout
        self._gives_up = limit is not None and timeout is not None and timeout > limit

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; never raises for what a caller or the function may do."""
        try:
            call = Call(request=request, target=Target.parse(request.target), api=self.api)
        except BadTarget as exc:
            call = Call(request=request, target=_EMPTY_TARGET, api=self.api)
            # What is no URL reaches no API, and so nothing that an API adds to its answers.
            return self._told(call, self._failed(call, Failure.BAD_REQUEST, str(exc), added={}), None)
        failure = self._refusal(call)
        if failure is not None:
            return self._told(call, self._failed(call, failure), None)
        found = self._let_in(call)
        if isinstance(found, Refused):
            return self._told(call, self._refused(call, found), None)
        return self._invoked(found)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request."""
        try:
            request = HttpRequest.from_environ(environ, max_body=self.ingress.max_body)
        except BodyTooLarge:
            request = HttpRequest.from_environ({**environ, "wsgi.input": None})
            call = Call(request=request, target=_EMPTY_TARGET, api=self.api)
            answer = self._told(call, self._failed(call, Failure.BODY_TOO_LARGE), None)
        else:
            answer = self.handle(request)
        start_response(f"{answer.status} {REASONS.get(answer.status, 'Unknown')}", list(answer.headers))
        return [answer.body] if answer.chunks is None else answer.chunks

    def _refusal(self, call: Call) -> Failure | None:
        """Why the gateway answers by itself, before any function runs."""
        request = call.request
        if not call.has_api:
            return Failure.NO_API
        if request.method not in METHODS or not self.ingress.accepts(call):
            return Failure.BAD_REQUEST
        if self.ingress.header_size(request) > self.ingress.max_headers:
            return Failure.HEADERS_TOO_LARGE
        if len(request.body) > self.ingress.max_body:
            return Failure.BODY_TOO_LARGE
        return None

    def _let_in(self, call: Call) -> Call | Refused:
        """The call with what is known of its caller, or why he is not let in.

        First the authorizer, then the API key: "After the Lambda authorizer logs, API Gateway verifies the
        usage plan" (repost.aws/knowledge-center/api-gateway-logs).
        """
        guard = self.ingress.guard(call)
        if guard.authorization != NONE:
            decided = self._decided(call, guard)
            if isinstance(decided, Refused):
                return decided
            call = replace(call, caller=decided)
        if isinstance(self.ingress, RestApi) and self.ingress.refuses(call):
            return Refused(failure=Failure.NO_API_KEY, reason="")
        return call

    def _decided(self, call: Call, guard: Guard) -> Identity | Refused:
        if self.decider is None:
            reason = f"nothing here checks {guard.authorization}"
            return Refused(failure=_UNDECIDED[self.ingress.name], reason=reason)
        question = Question(
            ingress=self.ingress.name,
            api=call.api,
            request=call.whole_request,
            query=call.target.query,
            arn=self.ingress.arn(call),
            make_event=lambda: self.ingress.asked_event(call),
        )
        return self.decider.decide(guard, question)

    def _refused(self, call: Call, why: Refused) -> HttpResponse:
        return self._failed(call, why.failure, why.reason, message=why.message, fields=why.fields)

    def _invoked(self, call: Call) -> HttpResponse:
        event = json.dumps(self.ingress.to_event(call)).encode()
        if len(event) > MAX_PAYLOAD:
            return self._told(call, self._failed(call, Failure.EVENT_TOO_LARGE), None)
        try:
            invocation = self._within_limit(event) if self._gives_up else self._invoke(event)
        except NotAllowed:
            return self._told(call, self._failed(call, Failure.NOT_ALLOWED), None)
        if invocation is None:
            return self._told(call, self._failed(call, Failure.INTEGRATION_TIMEOUT), None)
        return self._told(call, self._answered(call, invocation), invocation)

    def _answered(self, call: Call, invocation: Invocation) -> HttpResponse:
        if invocation.timed_out:
            # Where both limits are the same, the gateway's comes first: see the table's source.
            limit = self.ingress.integration_timeout
            late = limit is not None and invocation.duration >= limit * 1000
            return self._failed(call, Failure.INTEGRATION_TIMEOUT if late else Failure.FUNCTION_TIMEOUT)
        if invocation.function_error is not None:
            return self._failed(call, Failure.FUNCTION_ERROR)
        if len(invocation.payload) > self.ingress.max_result:
            return self._failed(call, Failure.RESPONSE_TOO_LARGE)
        try:
            answer = self.ingress.to_response(call, invocation.payload)
        except (MalformedAnswer, UnicodeEncodeError, RecursionError) as exc:  # surrogates; JSON without end
            if isinstance(invocation, StreamedInvocation):
                invocation.body.close()
            return self._failed(call, Failure.MALFORMED_ANSWER, str(exc))
        return (
            _streamed(call, answer, invocation.body) if isinstance(invocation, StreamedInvocation) else answer
        )

    def _within_limit(self, event: bytes) -> Invocation | None:
        """Invoke, but wait no longer than the ingress does; the function itself goes on."""
        future: Future[Invocation] = Future()
        threading.Thread(target=_complete, args=(future, self._invoke, event), daemon=True).start()
        try:
            return future.result(self.ingress.integration_timeout)
        except TimeoutError:
            future.add_done_callback(_close_stream)
            return None

    def _failed(
        self,
        call: Call,
        failure: Failure,
        reason: str = "",
        *,
        message: str | None = None,
        fields: Iterable[tuple[str, str]] = (),
        added: OnFailure | None = None,
    ) -> HttpResponse:
        if self._explain is not None:
            self._explain(f"{failure.value}: {reason}" if reason else failure.value)
        cell = FAILURES[self.ingress.name][failure]
        fields = [*self.ingress.own_fields(call), *fields]
        if cell.error_type is not None:
            fields = [*fields, ("x-amzn-ErrorType", cell.error_type)]
        fields = [*fields, *(self.on_failure if added is None else added).get(cell.status // 100, ())]
        body = cell.body if message is None or not cell.is_told else json.dumps({"message": message})
        return response(call.request.method, cell.status, fields, body.encode(), cell.content_type)

    def _told(self, call: Call, answer: HttpResponse, invocation: Invocation | None) -> HttpResponse:
        observe = self._observe
        if observe is None:
            return answer
        if invocation is None:
            observe(call.request, answer, None)
        else:
            when_over(invocation, lambda over: observe(call.request, answer, over))
        return answer


def _streamed(call: Call, answer: HttpResponse, body: StreamedBody) -> HttpResponse:
    """The answer with a body that follows, unless none may."""
    headers = tuple(field for field in answer.headers if field[0].lower() != "content-length")
    if call.request.method == "HEAD" or answer.status in (204, 304):
        body.close()
        return replace(answer, headers=headers, chunks=())
    return replace(answer, headers=headers, chunks=body)


def _close_stream(future: Future[Invocation]) -> None:
    """End an answer that comes too late for its caller."""
    if future.exception() is None and isinstance(invocation := future.result(), StreamedInvocation):
        invocation.body.close()


def _complete(future: Future[Invocation], invoke: Invoke, event: bytes) -> None:
    try:
        future.set_result(invoke(event))
    except BaseException as exc:  # noqa: BLE001 - whoever waits for the future gets it
        future.set_exception(exc)
