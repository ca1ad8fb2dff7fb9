"""The functions of a project as its files are at one moment: each in environments of its own."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from microlambda.emulator.sandbox import SandboxPool
from microlambda.local.addresses import PARENT
from microlambda.local.spec import function_spec, longest_time
from microlambda.local.traces import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.function_spec import FunctionSpec
    from microlambda.emulator.invocation import Invocation
    from microlambda.project.settings import Settings

    #: Is told a function's name, a line that it prints, and the request that it works on, if on any.
    Output = Callable[[str, bytes, str | None], None]

HTTP = "http"


def print_through(function: str, line: bytes, request_id: str | None) -> None:
    """Print what a function prints, as if it were ours."""
    del function, request_id
    click.echo(line, nl=False)


class ProjectFunctions:
    """Runs functions by the names of their handlers; "http" serves the whole app.

    `endpoint` is where their calls of AWS go, `parent` leads to our process, `cut_off` is told of tasks that
    end before their time, `output` of each line that a function prints. An environment is started when an
    event needs one.
    """

    def __init__(
        self,
        settings: Settings,
        target: str | None,
        *,
        endpoint: str | None = None,
        parent: str | None = None,
        cut_off: Callable[[dict[str, str]], None] | None = None,
        output: Output = print_through,
    ) -> None:
        self._settings = settings
        self._target = target
        self._endpoint = endpoint
        self._parent = parent
        self._cut_off = cut_off
        self._output = output
        self._owns_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._pools: dict[str, SandboxPool] = {}
        self._held = False
        self._stopped = False
        self._guard = threading.Lock()

    def start(self) -> dict[str, Any]:
        """Start the app; answers what its process reported of it, or raises `InitFailed`."""
        return self._pool(HTTP).start()

    def invoke(self, name: str, payload: bytes, **call: Any) -> Invocation:
        """Run one event; `call` is what `SandboxPool.invoke` takes."""
        if "trace_id" not in call:
            call["trace_id"] = trace_id_of(payload)
        return self._pool(name).invoke(payload, **call)

    def spec(self, name: str) -> FunctionSpec:
        """Describe a function as its environments know it."""
        return self._pool(name).spec

    def has(self, name: str) -> bool:
        """Whether an event of the function can be run as the files were when this was started."""
        with self._guard:
            pool = self._pools.get(name)
            return not self._held or (pool is not None and pool.size > 0)

    def hold(self) -> None:
        """Start nothing more beside what there is: the files are of another version now."""
        with self._guard:
            self._held = True
            pools = list(self._pools.values())
        for pool in pools:
            pool.hold()

    def finish_tasks(self) -> None:
        """Wait for the tasks that were begun, for as long as functions may take."""
        grace = longest_time(self._settings)
        for pool in self._all():
            pool.finish_tasks(grace)

    def stop(self) -> None:
        """End all processes at once; requests in them fail, and tasks are cut off."""
        with self._guard:
            self._stopped = True
        for pool in self._all():
            pool.stop()

    def _all(self) -> list[SandboxPool]:
        with self._guard:
            return list(self._pools.values())

    def _pool(self, name: str) -> SandboxPool:
        with self._guard:
            if name not in self._pools:
                self._pools[name] = self._new_pool(name)
            return self._pools[name]

    def _new_pool(self, name: str) -> SandboxPool:
        spec = function_spec(
            self._settings, self._target, name=name, alone=name != HTTP, endpoint=self._endpoint
        )
        if self._parent is not None:
            spec = replace(spec, environment={**spec.environment, PARENT: self._parent})
        pool = SandboxPool(
            spec,
            output=partial(self._output, name),
            owns_terminal=self._owns_terminal,
            cut_off=self._cut_off,
        )
        if self._held:
            pool.hold()
        if self._stopped:
            pool.stop()
        return pool
