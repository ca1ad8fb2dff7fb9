"""The `execute-api` hosts: HTTP and REST APIs that were deployed, with their function behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.behind import Behind
from microlambda.emulator.cloud.callers import Callers, authorizer_of, guard_of
from microlambda.emulator.cloud.execute_rest import ExecuteRest
from microlambda.emulator.gateway import Api, Gateway
from microlambda.emulator.gateway.gateway import NotAllowed
from microlambda.emulator.gateway.guards import OPEN
from microlambda.emulator.gateway.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from microlambda.emulator.cloud.deployed import DeployedApi
    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.policies import Policies
    from microlambda.emulator.gateway.access.jwks import FindKeys
    from microlambda.emulator.invocation import Invocation
    from microlambda.emulator.messages import HttpRequest, HttpResponse

    Observe = Callable[[HttpRequest, HttpResponse, Invocation | None], None]

_NOT_FOUND = b'{"message":"Not Found"}'


class ExecuteApi:
    """Serves APIs as they are at each request: a moved alias answers with the new code at once."""

    def __init__(
        self,
        moto: Moto,
        functions: Functions,
        policies: Policies,
        *,
        observe: Observe | None = None,
        explain: Callable[[str], None] | None = None,
        find_keys: FindKeys | None = None,
    ) -> None:
        self._moto = moto
        self._observe = observe
        self._explain = explain or (lambda _: None)
        self._behind = Behind(moto, functions, policies, self._explain)
        self._callers = Callers(self._behind, find_keys)
        self._rest = ExecuteRest(self._behind, self._callers, observe, self._explain)

    def answer(self, api_id: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request to an API."""
        if (rest := self._moto.rest_api(api_id)) is not None:
            return self._rest.answer(rest, environ, start_response)
        api = self._moto.http_api(api_id)
        if api is None or "$default" not in api.stages or api.function_arn is None:
            self._explain(_why_not_found(api_id, api))
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [_NOT_FOUND]
        return self._gateway(api, api.function_arn)(environ, start_response)

    def _gateway(self, api: DeployedApi, function_arn: str) -> Gateway:
        function = self._behind.find(api.region, function_arn)
        source = f"arn:aws:execute-api:{api.region}:{api.account_id}:{api.api_id}/$default/$default"

        def invoke(event: bytes) -> Invocation:
            if not self._is_emulated(api):
                raise NotAllowed
            return self._behind.call(function, function_arn, source, event)

        guards = {key: guard_of(asked) for key, asked in api.asked.items()}
        routes = Routes(default=guards.pop("$default", OPEN), guards=guards)
        identity = Api(api_id=api.api_id, account_id=api.account_id, region=api.region, routes=routes)
        authorizers = [authorizer_of(one["authorizer"]) for one in api.asked.values() if one["authorizer"]]
        return Gateway(
            "http-api",
            invoke,
            api=identity,
            observe=self._observe,
            explain=self._explain,
            timeout=function.timeout if function is not None else None,
            decider=self._callers.access(identity, authorizers),
        )

    def _is_emulated(self, api: DeployedApi) -> bool:
        if api.payload_format == "2.0":
            return True
        self._explain(f"the API {api.api_id} asks for payload format {api.payload_format}; 2.0 is emulated")
        return False


def _why_not_found(api_id: str, api: DeployedApi | None) -> str:
    if api is None:
        return f"there is no HTTP or REST API {api_id}"
    if "$default" not in api.stages:
        return f"the API {api_id} has no stage $default"
    return f"the API {api_id} has no route $default with a Lambda function behind it"
