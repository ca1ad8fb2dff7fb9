"""The module that touches moto: its application, and the state behind it.

It reads what moto's own API does not tell (the bytes of an archive), switches off what moto would do by
itself (its triggers run inside the caller's request and want Docker; its deliveries go to the network), and
closes the server to web sites.
All of it is tested against the version of moto that is pinned in pyproject.toml.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.cloud.deployed import (
    Archive,
    DeployedApi,
    DeployedFunction,
    DeployedRestApi,
    DeployedUrl,
    FunctionName,
    FunctionNotFound,
)
from microlambda.emulator.cloud.moto_elsewhere import standing_in
from microlambda.emulator.cloud.moto_http import asked_at_routes, faithful_http_apis
from microlambda.emulator.cloud.moto_lambda import log_format, remembering
from microlambda.emulator.cloud.moto_lock import one_at_a_time
from microlambda.emulator.cloud.moto_logs import faithful_filters
from microlambda.emulator.cloud.moto_notifications import telling_of_the_bus
from microlambda.emulator.cloud.moto_numbers import trimmed_numbers
from microlambda.emulator.cloud.moto_rest import faithful, rest_api
from microlambda.emulator.cloud.moto_urls import find_url, urls_of_aliases
from microlambda.emulator.cloud.outgoing import kept_on_this_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from _typeshed.wsgi import WSGIApplication

# The account of everything: moto's own default, which the keys "test" belong to.
ACCOUNT = "123456789012"

_running = threading.Lock()
_TRIGGERS = (
    "send_sqs_batch",
    "send_kinesis_message",
    "send_sns_message",
    "send_dynamodb_items",
    "send_log_event",
)
_LAMBDA_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?")


class Moto:
    """moto in this process. Its state is the process's: one at a time, and each starts empty."""

    def __init__(self, *, say: Callable[[str], None] | None = None) -> None:
        self._say = say or (lambda _: None)
        self._patches = ExitStack()
        self._api_urls: dict[str, str] = {}
        self._deleted_layers: dict[str, Archive] = {}
        self.application: WSGIApplication = _not_started
        self._lock = threading.Lock()

    def load(self, folder: Path) -> Any:
        """Put back what an earlier run has kept in the folder; gives its places, None if there is nothing."""
        from microlambda.emulator.cloud.moto_state import load

        return load(folder)

    def save(self, folder: Path, places: Any) -> list[str]:
        """Keep the state, and `places`, in the folder; names the services that cannot be kept."""
        from microlambda.emulator.cloud.moto_state import save

        with self._lock:
            return save(folder, places)

    def start(self, port: int) -> None:
        """Import moto, which takes a while, empty its state and make its application, served on `port`."""
        if not _running.acquire(blocking=False):
            raise RuntimeError("an embedded cloud is running in this process, and moto can only be one")
        self._patches.callback(_running.release)
        _close_to_aws(self._patches)
        from moto.apigatewayv2.models import Api
        from moto.awslambda.models import LambdaBackend, Layer
        from moto.moto_server import werkzeug_app
        from moto.s3 import notifications

        _reset()
        self._patches.enter_context(kept_on_this_machine("moto", self._say))
        # The setting MOTO_DISABLE_GLOBAL_CORS, which moto reads only when it is first imported.
        self._patches.enter_context(patch.object(werkzeug_app, "DISABLE_GLOBAL_CORS", True))
        for name in _TRIGGERS:
            self._patches.enter_context(patch.object(LambdaBackend, name, _delivered))
        self._patches.enter_context(patch.object(notifications, "_invoke_awslambda", _delivered))
        self._patches.enter_context(
            patch.object(Layer, "delete_version", self._keeping_copies(Layer.delete_version))
        )
        self._patches.enter_context(remembering())
        self._patches.enter_context(telling_of_the_bus())
        self._patches.enter_context(faithful_filters())
        self._patches.enter_context(trimmed_numbers())
        self._patches.enter_context(standing_in(self._say))
        self._patches.enter_context(urls_of_aliases(lambda url_id, host: self._where(url_id, host, port)))
        self._patches.enter_context(faithful_http_apis())
        self._patches.enter_context(faithful(lambda api: self._where_rest(api, port)))
        # moto's APIs say that they are at amazonaws.com, where nothing of ours answers.
        self._patches.enter_context(patch.object(Api, "to_json", self._telling_where(Api.to_json, port)))
        dispatcher = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
        self.application = one_at_a_time(_keeping_header_names(dispatcher), self._lock)

    def stop(self) -> None:
        """Forget everything; nothing happens if it was not started."""
        if self.application is not _not_started:
            self.application = _not_started
            self._api_urls.clear()
            self._deleted_layers.clear()
            _reset()
        self._patches.close()

    def function(self, region: str, wanted: FunctionName) -> DeployedFunction:
        """Look a function up, through an alias or version if asked for, or raise `FunctionNotFound`."""
        from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException

        arn = function_arn(region, wanted)
        try:
            found = _lambda_backend(region).get_function(wanted.name, wanted.qualifier)
        except (UnknownFunctionException, UnknownAliasException) as exc:
            raise FunctionNotFound(arn) from exc
        return DeployedFunction(
            region=region,
            name=found.function_name,
            version=str(found.version),
            arn=arn,
            handler=found.handler or "",
            runtime=found.run_time or "",
            timeout=float(found.timeout),
            memory=int(found.memory_size),
            environment={name: str(value) for name, value in found.environment_vars.items()},
            archive=Archive(sha256=found.code_sha_256, content=found.code_bytes),
            layers=tuple(self._layers(region, [layer["Arn"] for layer in found.layers])),
            log_format=log_format(found),
        )

    def _layers(self, region: str, arns: Sequence[str]) -> Iterator[Archive]:
        for arn in arns:
            found = _lambda_backend(region).layers_versions_by_arn(arn)
            if found is not None:
                yield _layer_archive(found)
            elif arn in self._deleted_layers:  # any other is elsewhere
                yield self._deleted_layers[arn]

    def _keeping_copies(self, delete: Callable[[Any, str], None]) -> Any:
        """Let functions that use a layer's version go on with it after its deletion, as Lambda does.

        https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html
        """

        def deleted(layer: Any, version: str) -> None:
            found = layer.layer_versions.get(str(version))
            if found is not None:
                self._deleted_layers[found.arn] = _layer_archive(found)
            delete(layer, version)

        return deleted

    def http_api(self, api_id: str) -> DeployedApi | None:
        """Look an HTTP API up, in whatever region it is."""
        from moto.apigatewayv2.models import apigatewayv2_backends

        for region, backend in list(apigatewayv2_backends[ACCOUNT].items()):
            api = backend.apis.get(api_id)
            if api is not None and api.protocol_type == "HTTP":
                return _deployed_api(region, api)
        return None

    def function_url(self, url_id: str) -> DeployedUrl | None:
        """Look a function URL up, in whatever region it is."""
        return find_url(ACCOUNT, url_id)

    def rest_api(self, api_id: str) -> DeployedRestApi | None:
        """Look a REST API up, in whatever region it is, with what its stages serve."""
        return rest_api(ACCOUNT, api_id)

    def serves_api(self, api_id: str, url: str) -> None:
        """Let the API or function URL say that it is at `url`, not at its host on the cloud's own port."""
        self._api_urls[api_id] = url

    def _telling_where(self, describe: Callable[[Any], dict[str, Any]], port: int) -> Any:
        def described(api: Any) -> dict[str, Any]:
            document = describe(api)
            host = document["apiEndpoint"].removeprefix("https://")
            return {**document, "apiEndpoint": self._where(api.api_id, host, port)}

        return described

    def _where_rest(self, api: Any, port: int) -> str:
        return self._where(api.id, f"{api.id}.execute-api.{api.region_name}.localhost", port)

    def _where(self, api_id: str, host: str, port: int) -> str:
        here = host.replace("amazonaws.com", "localhost").replace("on.aws", "localhost")
        return self._api_urls.get(api_id, f"http://{here}:{port}")

    def write_log(self, region: str, group: str, stream: str, events: Sequence[tuple[int, str]]) -> bool:
        """Put lines, each with its time in ms, into a log group; if there is none, do nothing: False."""
        from moto.logs.models import logs_backends

        backend = logs_backends[ACCOUNT][region]
        if group not in backend.groups:
            return False
        backend.ensure_log_stream(group, stream)
        backend.put_log_events(group, stream, [{"timestamp": time, "message": text} for time, text in events])
        return True


def function_arn(region: str, wanted: FunctionName) -> str:
    """Write the ARN of a function of this account."""
    qualifier = f":{wanted.qualifier}" if wanted.qualifier else ""
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{wanted.name}{qualifier}"


def version() -> str:
    """The version of moto that is installed."""
    import moto

    return str(moto.__version__)


def _deployed_api(region: str, api: Any) -> DeployedApi:
    route = next((route for route in api.routes.values() if route.route_key == "$default"), None)
    target = (route.target or "").partition("integrations/")[2] if route is not None else ""
    integration = api.integrations.get(target)
    uri = (integration.integration_uri or "") if integration is not None else ""
    # Either the function's ARN, or that in
    # arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations
    arn = _LAMBDA_ARN.search(uri)
    return DeployedApi(
        api_id=api.api_id,
        region=region,
        account_id=ACCOUNT,
        stages=tuple(api.stages),
        function_arn=arn[0] if arn else None,
        payload_format=(integration.payload_format_version or "2.0") if integration is not None else "2.0",
        asked=asked_at_routes(api),
    )


def _layer_archive(layer: Any) -> Archive:
    return Archive(sha256=layer.code_sha_256, content=layer.code_bytes)


def _lambda_backend(region: str) -> Any:
    from moto.awslambda.models import lambda_backends

    return lambda_backends[ACCOUNT][region]


def _close_to_aws(until: ExitStack) -> None:
    """Take the developer's AWS configuration out of this process: moto, which runs in it, reads profiles."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    closed = {**files, "AWS_EC2_METADATA_DISABLED": "true"}

    def restore() -> None:
        for name in closed:
            os.environ.pop(name, None)
        os.environ.update(before)

    for name in before:
        del os.environ[name]
    os.environ.update(closed)
    until.callback(restore)


def _reset() -> None:
    from moto.moto_api._internal import moto_api_backends

    moto_api_backends["global"].reset()


def _delivered(*_args: Any, **_named: Any) -> bool:
    """In place of moto's own triggers: take what they would have delivered."""
    return True


def _keeping_header_names(application: WSGIApplication) -> WSGIApplication:
    """Hand S3's metadata headers on with their underscores, as moto's own request handler does it."""
    from moto.core import request as moto_request

    def adapted(environ: dict[str, Any], start_response: Any) -> Any:
        names: dict[str, str] = {}
        for name, value in environ.get("microlambda.headers", ()):
            if moto_request.should_preserve_original_header_name(name):
                key = moto_request.environ_key_for_header(name)
                if key not in environ or key in names:
                    environ[key] = f"{environ[key]},{value}" if key in environ else value
                    names[key] = name
        environ[moto_request.PRESERVED_HEADER_NAMES_ENVIRON_KEY] = names
        return application(environ, start_response)

    return adapted


def _not_started(_environ: dict[str, Any], _start_response: Any) -> Any:
    raise RuntimeError("the embedded cloud is not started")
