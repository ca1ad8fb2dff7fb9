"""The `lambda-url` hosts: function URLs that were deployed, with their function behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.behind import Behind
from microlambda.emulator.cloud.callers import Callers
from microlambda.emulator.cloud.deployed import DeployedFunction, DeployedUrl, FunctionNotFound
from microlambda.emulator.gateway import Api, Gateway
from microlambda.emulator.gateway.gateway import NotAllowed
from microlambda.emulator.gateway.guards import Guard
from microlambda.emulator.gateway.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from microlambda.emulator.cloud.execute_api import Observe
    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.policies import Policies
    from microlambda.emulator.invocation import Invocation

# Recorded: localstack/localstack lambda_/urlrouter.py, for a URL that never was.
_UNKNOWN = b'{"Message":null}'
_UNKNOWN_FIELDS = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AccessDeniedException")]

#: What a caller of a URL has to be allowed: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
_ACTIONS = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


class LambdaUrls:
    """Serves function URLs as they are at each request: a moved alias answers with the new code at once."""

    def __init__(
        self,
        moto: Moto,
        functions: Functions,
        policies: Policies,
        *,
        observe: Observe | None = None,
        explain: Callable[[str], None] | None = None,
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._policies = policies
        self._observe = observe
        self._explain = explain or (lambda _: None)
        self._callers = Callers(Behind(moto, functions, policies, self._explain), None)

    def answer(self, url_id: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request to a URL."""
        url = self._moto.function_url(url_id)
        function = self._function(url) if url is not None else None
        if url is None or function is None:
            self._explain(f"there is no function URL {url_id}")
            start_response("403 Forbidden", _UNKNOWN_FIELDS)
            return [_UNKNOWN]
        return self._gateway(url, function)(environ, start_response)

    def _function(self, url: DeployedUrl) -> DeployedFunction | None:
        try:
            return self._moto.function(url.region, url.function)
        except FunctionNotFound:  # the alias has just gone
            return None

    def _gateway(self, url: DeployedUrl, function: DeployedFunction) -> Gateway:
        def invoke(event: bytes) -> Invocation:
            if not self._is_allowed(url, function):
                raise NotAllowed
            trace = json.loads(event)["headers"].get("x-amzn-trace-id", "")
            return self._functions.invoke(function, event, trace_id=trace)[0]

        api = Api(
            api_id=url.url_id,
            account_id=url.account_id,
            region=url.region,
            routes=Routes(default=Guard(authorization=url.auth_type)),
        )
        return Gateway(
            "function-url",
            invoke,
            api=api,
            decider=self._callers.access(api, ()),
            observe=self._observe,
            explain=self._explain,
            timeout=function.timeout,
        )

    def _is_allowed(self, url: DeployedUrl, function: DeployedFunction) -> bool:
        everybody = url.auth_type == "NONE"
        principal = "*" if everybody else f"arn:aws:iam::{url.account_id}:root"
        context = {"lambda:FunctionUrlAuthType": url.auth_type, "lambda:InvokedViaFunctionUrl": "true"}
        for action in _ACTIONS:
            if not self._policies.allows(
                url.region, url.function, principal=principal, action=action, context=context
            ):
                who = "everybody" if everybody else "callers of this account"
                self._explain(f"no statement in the policy of {function.arn} lets {who} {action}")
                return False
        return True
