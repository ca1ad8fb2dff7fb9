"""The WSGI front of the embedded cloud: who is let in, and who answers.

It owns what moto gets wrong or lacks, and passes the rest on. It is closed to web sites (`callers.py`); the
user's own APIs are as open as they are on AWS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from microlambda.emulator.callers import refusal
from microlambda.emulator.cloud.aws_request import AwsAnswer, AwsRequest
from microlambda.emulator.cloud.deployed import FunctionName
from microlambda.emulator.marker import CLOUD_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.emulator.cloud.execute_api import ExecuteApi
    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.lambda_invoke import LambdaInvoke
    from microlambda.emulator.cloud.lambda_urls import LambdaUrls
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.policies import Policies

_API_HOST = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.(?:localhost|amazonaws\.com)(?::\d+)?")
_URL_HOST = re.compile(r"([a-z0-9]+)\.lambda-url\.[a-z0-9-]+\.(?:localhost|on\.aws)(?::\d+)?")

_FUNCTIONS = r"/2015-03-31/functions/(?P<name>[^/]+)"
_INVOKE = re.compile(rf"{_FUNCTIONS}/invocations/?")
_POLICY = re.compile(rf"{_FUNCTIONS}/policy(?:/(?P<sid>[^/]+))?/?")
_ALIAS = re.compile(rf"{_FUNCTIONS}/aliases/(?P<alias>[^/]+)/?")
_FUNCTION = re.compile(rf"{_FUNCTIONS}/?")


class Front:
    """The application that the embedded cloud's port serves."""

    def __init__(
        self,
        moto: Moto,
        functions: Functions,
        invoke: LambdaInvoke,
        policies: Policies,
        apis: ExecuteApi,
        urls: LambdaUrls,
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._invoke = invoke
        self._policies = policies
        self._apis = apis
        self._urls = urls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        host = environ.get("HTTP_HOST", "")
        if api := _API_HOST.fullmatch(host.lower()):
            return self._apis.answer(api[1], environ, start_response)
        if url := _URL_HOST.fullmatch(host.lower()):
            return self._urls.answer(url[1], environ, start_response)
        refused = _refusal(environ)
        if refused is not None:
            return refused.send(start_response)
        request = AwsRequest.of(environ)
        answer = self._own(request) if request.service == "lambda" else None
        marked = _marking(start_response)
        if answer is not None:
            return answer.send(marked)
        return self._moto.application(environ, marked)

    def _own(self, request: AwsRequest) -> AwsAnswer | None:
        """Answer what is ours of the Lambda API."""
        path = unquote(request.path)
        if request.method == "POST" and (found := _INVOKE.fullmatch(path)):
            return self._invoke.answer(request, found["name"])
        if found := _POLICY.fullmatch(path):
            return self._policies.answer(request, found["name"], found["sid"])
        if request.method == "DELETE":
            self._forget(request, path)
        return None

    def _forget(self, request: AwsRequest, path: str) -> None:
        """What is deleted takes its policies and environments with it; that it is there, moto checks."""
        if found := _ALIAS.fullmatch(path):
            self._policies.forget(request.region, FunctionName.parse(found["name"]).name, found["alias"])
        elif found := _FUNCTION.fullmatch(path):
            wanted = FunctionName.parse(found["name"], request.argument("Qualifier"))
            self._policies.forget(request.region, wanted.name, wanted.qualifier)
            self._functions.forget(request.region, wanted.name, wanted.qualifier)


def _marking(start_response: Any) -> Any:
    """Let every answer say that it is not from AWS."""

    def marked(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        return start_response(status, [*headers, (CLOUD_HEADER, "1")], *exc_info)

    return marked


def _refusal(environ: dict[str, Any]) -> AwsAnswer | None:
    reason = refusal(environ, "the embedded cloud")
    if reason is None and environ.get("PATH_INFO", "").startswith("/moto-api"):
        reason = "moto's own switches are closed here"
    return None if reason is None else AwsAnswer.error(403, "AccessDeniedException", reason)
