"""REST APIs on their `execute-api` hosts: `/{stage}/...`, as the stage's deployment has it.

An API on a port of its own is served in the same way, below its stage, so that links and redirects lead where
they lead on AWS.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.callers import authorizer_of, guard_of
from microlambda.emulator.cloud.moto_usage_plans import key_of
from microlambda.emulator.gateway import Api, Gateway
from microlambda.emulator.gateway.answers import response
from microlambda.emulator.gateway.api import Call
from microlambda.emulator.gateway.gateway import INGRESSES, NotAllowed
from microlambda.emulator.gateway.resources import ANY, Resources
from microlambda.emulator.gateway.target import BadTarget, Target
from microlambda.emulator.messages import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from microlambda.emulator.cloud.behind import Behind
    from microlambda.emulator.cloud.callers import Callers
    from microlambda.emulator.cloud.deployed import DeployedRestApi, DeployedStage
    from microlambda.emulator.cloud.execute_api import Observe
    from microlambda.emulator.gateway.guards import Guard
    from microlambda.emulator.invocation import Invocation
    from microlambda.emulator.messages import HttpResponse

_INGRESS = "rest-api"
# Recorded for a stage that is not there, and for none at all: OWASP/Serverless-Goat#14,
# berislavlopac/plambdapi#6.
_NO_STAGE = ("Forbidden", "ForbiddenException")
# Documented: supported-gateway-response-types.html, MISSING_AUTHENTICATION_TOKEN, which also stands for "an
# unsupported API method or resource".
_NO_METHOD = ("Missing Authentication Token", "MissingAuthenticationTokenException")


class ExecuteRest:
    """Answers for REST APIs; `observe` is told of each request with the whole of its path."""

    def __init__(
        self, behind: Behind, callers: Callers, observe: Observe | None, explain: Callable[[str], None]
    ) -> None:
        self._behind = behind
        self._callers = callers
        self._observe = observe or _unobserved
        self._explain = explain

    def answer(self, api: DeployedRestApi, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request: find the stage in its path, then the method on what is left of that."""
        request = HttpRequest.from_environ({**environ, "wsgi.input": None})
        try:
            target = Target.parse(request.target)
        except BadTarget:
            gateway = Gateway(_INGRESS, _refuse, observe=self._observe, explain=self._explain)
            return gateway(environ, start_response)
        name, slash, rest = target.raw_path[1:].partition("/")
        call = Call(request=request, target=target, api=_api(api, name, target.raw_path))
        stage = api.stages.get(name)
        if stage is None:
            self._explain(_why_no_stage(api, name))
            return self._refused(call, start_response, _NO_STAGE)
        path = f"{slash or '/'}{rest}"
        call = replace(call, api=replace(call.api, resources=_resources(api, name, stage)))
        matched = call.api.resources.match(path)
        function = matched and _function(stage, matched.resource, request.method)
        if not function:
            where = matched.resource if matched else path
            self._explain(f"the stage {name!r} leads to no function with {request.method} on {where}")
            return self._refused(call, start_response, _NO_METHOD, stage.answers.get("DEFAULT_4XX", ()))
        gateway = self._before(call, stage, function, path)
        below = f"{path}?{target.raw_query}" if target.raw_query else path
        return gateway({**environ, "REQUEST_URI": below}, start_response)

    def _before(self, call: Call, stage: DeployedStage, arn: str, path: str) -> Gateway:
        api = call.api
        function = self._behind.find(api.region, arn)
        method = f"{api.api_id}/{api.stage}/{call.request.method}{path}"
        source = f"arn:aws:execute-api:{api.region}:{api.account_id}:{method}"
        authorizers = [authorizer_of(one["authorizer"]) for one in stage.asked.values() if one["authorizer"]]

        def invoke(event: bytes) -> Invocation:
            return self._behind.call(function, arn, source, event)

        def observe(request: HttpRequest, answer: HttpResponse, invocation: Invocation | None) -> None:
            self._observe(replace(request, target=call.request.target), answer, invocation)

        return Gateway(
            _INGRESS,
            invoke,
            api=api,
            observe=observe,
            explain=self._explain,
            timeout=None if function is None else function.timeout,
            decider=self._callers.access(api, authorizers),
            on_failure={number: stage.answers.get(f"DEFAULT_{number}XX", ()) for number in (4, 5)},
        )

    def _refused(
        self,
        call: Call,
        start_response: Any,
        why: tuple[str, str],
        more: Iterable[tuple[str, str]] = (),
    ) -> Iterable[bytes]:
        """Answer where there is no method to run: 403, whatever is wrong with the URL."""
        message, kind = why
        fields = [*INGRESSES[_INGRESS].own_fields(call), ("x-amzn-ErrorType", kind), *more]
        body = f'{{"message":"{message}"}}'.encode()
        answer = response(call.request.method, 403, fields, body, "application/json")
        self._observe(call.request, answer, None)
        start_response(f"403 {HTTPStatus.FORBIDDEN.phrase}", list(answer.headers))
        return [answer.body]


def _api(api: DeployedRestApi, stage: str, requested: str) -> Api:
    return Api(
        api_id=api.api_id, account_id=api.account_id, region=api.region, stage=stage, requested=requested
    )


def _resources(api: DeployedRestApi, name: str, stage: DeployedStage) -> Resources:
    """Give the resources of a stage, with the guards of the methods that are there."""
    guards: dict[str, dict[str, Guard]] = {path: {} for path, _method in stage.methods}
    for path, method in stage.methods:
        guards[path][method] = guard_of(stage.asked.get((path, method), {}))

    def find_key(value: str) -> str | None:
        return key_of(api.account_id, api.region, api.api_id, name, value)

    return Resources(guards=guards, find_key=find_key)


def _function(stage: DeployedStage, resource: str, method: str) -> str | None:
    """Find what a method leads to; one of its own comes before ANY."""
    own, catch_all = (resource, method), (resource, ANY)
    return stage.methods.get(own if own in stage.methods else catch_all)


def _why_no_stage(api: DeployedRestApi, name: str) -> str:
    known = ", ".join(f"/{one}/" for one in api.stages)
    asked = f"/{name} names no stage" if name else "the path names no stage"
    return f"{asked} of the REST API {api.api_id}. It answers under: {known or 'none'}"


def _refuse(_event: bytes) -> Invocation:
    raise NotAllowed


def _unobserved(_request: HttpRequest, _answer: HttpResponse, _invocation: Invocation | None) -> None:
    """Take what nobody asked to be told."""
