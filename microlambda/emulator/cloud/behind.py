"""The function behind an API: looked up at each request, and called if its policy lets the API do so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from microlambda.emulator.cloud.deployed import FunctionName, FunctionNotFound
from microlambda.emulator.gateway.gateway import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.policies import Policies
    from microlambda.emulator.invocation import Invocation

_TRACE = "x-amzn-trace-id"


class Behind:
    """Calls functions as API Gateway does; `explain` is told why one is not called."""

    def __init__(
        self, moto: Moto, functions: Functions, policies: Policies, explain: Callable[[str], None]
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._policies = policies
        self._explain = explain

    def find(self, region: str, arn: str) -> DeployedFunction | None:
        """Look a function up by its ARN."""
        try:
            return self._moto.function(region, FunctionName.parse(arn))
        except FunctionNotFound as missing:
            self._explain(f"there is no function {missing.arn}")
            return None

    def call(self, function: DeployedFunction | None, arn: str, source: str, event: bytes) -> Invocation:
        """Invoke it on behalf of `source`, an ARN; `NotAllowed` where its policy does not say so."""
        if function is None or not self._is_allowed(function.region, arn, source):
            raise NotAllowed
        headers = (json.loads(event).get("headers") or {}).items()  # a question about a token has none
        trace = next((value for name, value in headers if name.lower() == _TRACE), "")
        return self._functions.invoke(function, event, trace_id=trace)[0]

    def _is_allowed(self, region: str, arn: str, source: str) -> bool:
        wanted = FunctionName.parse(arn)
        if self._policies.allows(region, wanted, principal="apigateway.amazonaws.com", source_arn=source):
            return True
        self._explain(f"no statement in the policy of {arn} lets {source} invoke it")
        return False
