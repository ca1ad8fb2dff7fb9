"""Running what is deployed: environments for each version of each function, and their logs."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.cloud.log_lines import json_lines, text_lines
from microlambda.emulator.environment import archive_environment
from microlambda.emulator.gateway.api import new_trace_id
from microlambda.emulator.sandbox import FunctionSpec, SandboxPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.cloud.archives import Archives
    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.cloud.managed_runtime import ManagedRuntime
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.invocation import Invocation

    Output = Callable[[str, bytes], None]
    #: Runs one event of a function, with what `SandboxPool.invoke` takes; None for one that it does not know.
    Live = Callable[..., Invocation | None]

#: What AWS's runtime client reads. INFO: what Lambda sets unless another level is asked for.
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
_JSON = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}


class Functions:
    """Every version of a function keeps its own environments; new code or configuration gets new ones.

    `output` is told the function's name and each line that it prints. `live`, where it is given, comes before
    what was uploaded.
    """

    def __init__(
        self,
        moto: Moto,
        archives: Archives,
        runtime: ManagedRuntime,
        *,
        endpoint: str,
        output: Output | None = None,
        live: Live | None = None,
    ) -> None:
        self._live = live
        self._moto = moto
        self._archives = archives
        self._runtime = runtime
        self._endpoint = endpoint
        self._output = output
        self._pools: dict[tuple[str, str, str], tuple[tuple[object, ...], SandboxPool]] = {}
        self._retiring: set[SandboxPool] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def invoke(
        self,
        function: DeployedFunction,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace_id: str = "",
        client_context: str | None = None,
    ) -> tuple[Invocation, list[str]]:
        """Run one event; answers with what came of it and the lines that went into the log."""
        request_id = request_id or str(uuid4())
        call: dict[str, Any] = {
            "request_id": request_id,
            "trace_id": trace_id or new_trace_id(),
            "client_context": client_context,
            "function_arn": function.arn,
        }
        invocation = self._live(function, payload, **call) if self._live is not None else None
        write = text_lines
        if invocation is None:
            invocation = self._pool(function).invoke(payload, **call)
            write = json_lines if self._logs_json(function) else text_lines
        lines = write(function, request_id, invocation)
        self._write_log(function.region, function, invocation, lines)
        return invocation, lines

    def log(self, spec: FunctionSpec, invocation: Invocation) -> None:
        """Write into the log of a function what came of an invocation elsewhere, if it has a log group."""
        lines = text_lines(spec, invocation.request_id, invocation)
        self._write_log(spec.arn.split(":")[3], spec, invocation, lines)

    def forget(self, region: str, name: str, version: str | None = None) -> None:
        """End the environments of a function that was deleted, or of one version."""
        with self._guard:
            keys = [key for key in self._pools if key[:2] == (region, name) and version in (None, key[2])]
            pools = [self._pools.pop(key)[1] for key in keys]
        for pool in pools:
            pool.stop()

    def stop(self) -> None:
        """End all environments."""
        with self._guard:
            self._stopped = True
            pools = [*(pool for _, pool in self._pools.values()), *self._retiring]
            self._pools.clear()
        for pool in pools:
            pool.stop()

    def _pool(self, function: DeployedFunction) -> SandboxPool:
        key = (function.region, function.name, function.version)
        with self._guard:
            configuration, pool = self._pools.get(key, (None, None))
            if pool is not None and configuration == function.configuration:
                return pool
            fresh = SandboxPool(self._spec(function), output=lambda line, _: self._print(function.name, line))
            if self._stopped:
                fresh.stop()
            else:
                self._pools[key] = (function.configuration, fresh)
            if pool is not None:
                self._retiring.add(pool)
        if pool is not None:
            threading.Thread(target=self._retire, args=(pool, function.timeout), daemon=True).start()
        return fresh

    def _retire(self, pool: SandboxPool, grace: float) -> None:
        """$LATEST was changed; what still runs in the old environments comes to its end there."""
        pool.stop(grace=grace)
        with self._guard:
            self._retiring.discard(pool)

    def _logs_json(self, function: DeployedFunction) -> bool:
        return function.log_format == "JSON" and self._runtime.is_aws_client  # ours knows text alone

    def _spec(self, function: DeployedFunction) -> FunctionSpec:
        root = self._archives.unpacked(function.archive.content)
        layers = tuple(self._archives.unpacked(layer.content) for layer in function.layers)
        return FunctionSpec(
            name=function.name,
            version=function.version,
            arn=function.arn,
            command=self._runtime.command(root, function.handler, layers),
            cwd=root,
            environment={
                **archive_environment(function.environment, region=function.region, endpoint=self._endpoint),
                **(_JSON if self._logs_json(function) else {}),
            },
            timeout=function.timeout,
            memory=function.memory,
            handler=function.handler,
            python=function.runtime.removeprefix("python"),
        )

    def _print(self, name: str, line: bytes) -> None:
        if self._output is not None:
            self._output(name, line)

    def _write_log(
        self, region: str, function: DeployedFunction | FunctionSpec, invocation: Invocation, lines: list[str]
    ) -> None:
        ended = int(time.time() * 1000)
        first = ended - math.ceil(invocation.duration)
        events = [(first if index == 0 else ended, line) for index, line in enumerate(lines)]
        stream = (
            invocation.log_stream or f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{function.version}]none"
        )
        self._moto.write_log(region, f"/aws/lambda/{function.name}", stream, events)
