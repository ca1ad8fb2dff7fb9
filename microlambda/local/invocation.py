"""One call of one function of the project, in a process of its own, as Lambda would make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.emulator.sandbox import InitFailed, Sandbox
from microlambda.local.errors import UnknownFunction, start_error
from microlambda.local.spec import function_spec, longest_time
from microlambda.local.traces import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.invocation import Invocation
    from microlambda.project.settings import Settings


def invoke_here(
    settings: Settings,
    name: str,
    event: bytes,
    *,
    target: str | None = None,
    endpoint: str | None = None,
    output: Callable[[bytes], None],
    cut_off: Callable[[dict[str, str]], None],
) -> Invocation:
    """Call the function with the environment, time and limits of its stage; a ToolError if it cannot be.

    `endpoint` is where its calls of AWS go; without one they go nowhere. `output` gets each line that it
    prints or logs. Tasks that it leaves behind get the time that functions have; `cut_off` is told of those
    that take longer.
    """
    spec = function_spec(settings, target, name=name, alone=True, endpoint=endpoint)
    sandbox = Sandbox(spec, output=lambda line, _request_id: output(line), cut_off=cut_off)
    try:
        try:
            sandbox.start()
        except InitFailed as failed:
            raise start_error(failed.invocation) from failed
        functions = sandbox.document["functions"]
        if name not in functions:
            raise UnknownFunction(name, functions)
        invocation = sandbox.invoke(event, trace_id=trace_id_of(event))
        sandbox.finish_tasks(longest_time(settings))
        return invocation
    finally:
        sandbox.stop()
