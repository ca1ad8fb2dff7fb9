"""Execution environments: one child process each, behind a Runtime API of its own.

A `Sandbox` is one environment and takes one event at a time, as on Lambda; a `SandboxPool` starts as many
as there are events at once, and reuses the one that was last used.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.environment import lambda_variables
from microlambda.emulator.function_spec import FunctionSpec
from microlambda.emulator.invocation import Invocation, StreamedBody, StreamedInvocation, when_over
from microlambda.emulator.lambda_errors import UNHANDLED, error_document, told
from microlambda.emulator.lifeline import Lifeline
from microlambda.emulator.output import OutputReader
from microlambda.emulator.process_memory import ProcessMemory
from microlambda.emulator.runtime_api import Event, Outcome, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from microlambda.emulator.result_stream import ResultStream

    #: Is told each line that a function prints, with its end, and the id of the request that it works on.
    Output = Callable[[bytes, str | None], None]
    CutOff = Callable[[dict[str, str]], None]

__all__ = ["FunctionSpec", "InitFailed", "Sandbox", "SandboxPool", "stopped_invocation"]

# lambda-runtime-environment.html: "The Init phase is limited to 10 seconds"; then the function's own time
# runs.
INIT_TIME = 10.0


class InitFailed(Exception):
    """The environment did not come to its first event; `invocation` is what an invocation gets of it."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation.payload.decode(errors="replace"))
        self.invocation = invocation


class Sandbox:
    """One execution environment.

    `output` gets each line that the process prints, with its end, and the id of the request that it works on
    then, None between two; without it the process prints to our own streams. With `owns_terminal` it stays in
    our process group, so that `breakpoint()` can read from the terminal; otherwise it leads a group of its
    own, and its children end with it. On Linux the process ends with ours, even if that is killed. `cut_off`
    is told of the tasks that end with it too early, names by id.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        *,
        output: Output | None = None,
        owns_terminal: bool = False,
        cut_off: CutOff | None = None,
    ) -> None:
        self.spec = spec
        self.log_stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{spec.version}]{uuid4().hex}"
        self.document: dict[str, Any] = {}
        self.init_duration = 0.0
        self._api = RuntimeApi()
        self._output = output
        self._owns_terminal = owns_terminal
        self._cut_off = cut_off
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: OutputReader | None = None
        self._watcher: threading.Thread | None = None
        self._exited = threading.Event()
        self._lifeline = Lifeline()
        self._memory = ProcessMemory()
        self._stopped = False
        self._guard = threading.Lock()  # while a process starts, nobody stops it, and the other way round
        self._last_output = b""
        self._request_id: str | None = None
        self._address = ""
        self._cold = True

    @property
    def alive(self) -> bool:
        """Whether the process runs; one that has just ended does not, though nobody has collected it yet."""
        if self._process is None or self._exited.is_set():
            return False
        if not hasattr(os, "waitid"):
            return True
        try:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False  # collected meanwhile
        return ended is None

    @property
    def pid(self) -> int | None:
        """The process's id, once it was started."""
        return self._process.pid if self._process is not None else None

    def start(self, *, timeout: float | None = None) -> Self:
        """Start the process and wait until it asks for its first event; `InitFailed` if it does not."""
        began = time.perf_counter()
        with self._guard:
            if self._stopped:
                raise InitFailed(stopped_invocation())
            self._api.start()
            try:
                self._spawn()
            except BaseException:
                self._api.stop()
                self._lifeline.close()
                raise
        limit = INIT_TIME + self.spec.timeout if timeout is None else timeout
        ready = self._api.ready.wait(None if limit == float("inf") else limit)
        self.init_duration = (time.perf_counter() - began) * 1000
        if not self._api.asked:
            raise InitFailed(self._init_failure(limit, timed_out=not ready))
        self.document = self._api.document
        return self

    def invoke(
        self,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace_id: str = "",
        client_context: str | None = None,
        function_arn: str | None = None,
    ) -> Invocation:
        """Hand in one event and wait for what comes of it; a timeout or an exit ends the environment.

        `function_arn` is the one that was asked for, where that is not the version's own: an alias's. Where
        the function streams its answer, this is a `StreamedInvocation`, from its first piece on.
        """
        request_id = request_id or str(uuid4())
        timeout = self.spec.timeout
        limit = None if timeout == float("inf") else timeout
        self._request_id = request_id
        began = time.perf_counter()
        self._api.send(
            Event(
                request_id=request_id,
                payload=payload,
                deadline_ms=int((time.time() + (86_400 if limit is None else limit)) * 1000),
                function_arn=function_arn or self.spec.arn,
                trace_id=trace_id,
                client_context=client_context,
            )
        )
        outcome = self._api.outcome(limit)
        if outcome is None or outcome.stream is None:
            return self._concluded(request_id, outcome, began)
        return self._streamed(outcome, outcome.stream, began, limit)

    def _streamed(
        self, started: Outcome, stream: ResultStream, began: float, limit: float | None
    ) -> StreamedInvocation:
        """Let a result come in pieces, for as long as the function may run."""
        timer = None
        if limit is not None:
            timer = threading.Timer(began + limit - time.perf_counter(), self._overran, (stream,))
            timer.daemon = True
            timer.start()

        def finish(outcome: Outcome | None) -> Invocation:
            if timer is not None:
                timer.cancel()
            return self._concluded(started.request_id, outcome, began)

        return StreamedInvocation(
            request_id=started.request_id,
            payload=started.payload,
            log_stream=self.log_stream,
            body=StreamedBody(stream, finish),
        )

    def _overran(self, stream: ResultStream) -> None:
        if not self._api.is_debugged and stream.end(None):  # else it has just come to its own end
            self.stop()

    def _concluded(self, request_id: str, outcome: Outcome | None, began: float) -> Invocation:
        duration = (time.perf_counter() - began) * 1000
        memory = self._memory.peak() if self._reader is not None else None
        if outcome is None or outcome.kind in ("gone", "init-error"):
            self.stop()
        reader = self._reader
        log = reader.take() if reader is not None else self._last_output
        self._request_id = None
        init, self._cold = (self.init_duration if self._cold else None), False
        payload, error = told(request_id, outcome, self.spec.timeout, self._exit_code)
        return Invocation(
            request_id=request_id,
            payload=payload,
            function_error=error,
            timed_out=outcome is None,
            duration=duration,
            log=log,
            log_stream=self.log_stream,
            init_duration=init,
            max_memory=memory,
        )

    def finish_tasks(self, seconds: float) -> None:
        """Wait until the tasks that the process has taken on are over, at most so long."""
        self._api.tasks.wait(seconds)

    def stop(self) -> None:
        """End the process and all that it started, and free everything; more calls do nothing."""
        with self._guard:
            self._stopped = True
            self._kill()
            if self._watcher is not None:
                self._watcher.join()
                self._watcher = None
            self._api.stop()
            if self._reader is not None:
                self._last_output = self._reader.close()
                self._reader = None
            self._lifeline.close()
            self._memory.close()
        left = self._api.tasks.take()
        if left and self._cut_off is not None:
            self._cut_off(left)

    def _spawn(self) -> None:
        self._address = self._api.address
        own = {**self.spec.environment, **lambda_variables(self.spec, self.log_stream)}
        captured = self._output is not None
        self._process = subprocess.Popen(
            self.spec.command,
            cwd=self.spec.cwd,
            env={**own, "AWS_LAMBDA_RUNTIME_API": self._address},
            stdin=None if self._owns_terminal else subprocess.DEVNULL,
            stdout=subprocess.PIPE if captured else None,
            stderr=subprocess.STDOUT if captured else None,
            start_new_session=not self._owns_terminal,
            pass_fds=self._lifeline.open(),
        )
        self._lifeline.tie(self._process.pid, group=self._leads_group)
        self._memory.open(self._process.pid)
        if self._output is not None and self._process.stdout is not None:
            fd = os.dup(self._process.stdout.fileno())  # the reader's own, to close when it is done
            self._process.stdout.close()
            self._reader = OutputReader(fd, partial(self._printed, self._output))
        self._watcher = threading.Thread(
            target=self._watch, args=(self._process,), name="microlambda-watch", daemon=True
        )
        self._watcher.start()

    def _printed(self, output: Output, line: bytes) -> None:
        output(line, self._request_id)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the process, so that it never stays a zombie, and tell whoever waits for its answer."""
        if self._leads_group and hasattr(os, "waitid"):
            # Seen but not yet collected, its id and group cannot be another's: what it left behind ends with
            # it.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            self._kill_group(process.pid)
        process.wait()
        _kill_all(_heirs(self._address))
        self._exited.set()
        self._api.gone()

    @property
    def _exit_code(self) -> int | None:
        return self._process.returncode if self._process is not None else None

    @property
    def _leads_group(self) -> bool:
        return not self._owns_terminal and sys.platform != "win32"

    def _kill(self) -> None:
        if self._process is None or self._exited.is_set():
            return
        # Without a group of its own, or having left it, what the child started is found by descent.
        started = _descendants(self._process.pid)
        if self._leads_group:
            self._kill_group(self._process.pid)
        else:
            self._process.kill()
        _kill_all(started)

    def _kill_group(self, pid: int) -> None:
        # PermissionError: macOS, where all that is left of the group is a zombie.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)

    def _init_failure(self, limit: float, *, timed_out: bool) -> Invocation:
        """Stop, and tell what an invocation would be answered."""
        self.stop()
        log = self._last_output
        request_id = str(uuid4())
        outcome = None if timed_out else self._api.init_error or Outcome(kind="gone")
        payload, error = told(request_id, outcome, limit, self._exit_code)
        return Invocation(
            request_id=request_id,
            payload=payload,
            function_error=error,
            timed_out=timed_out,
            duration=self.init_duration,
            log=log,
            log_stream=self.log_stream,
        )


class SandboxPool:
    """Up to `max_size` environments of one function; the one that was last used is used next.

    Where all are busy, a call waits for one (Lambda would refuse it as throttled at the concurrency limit).
    """

    def __init__(
        self,
        spec: FunctionSpec,
        *,
        max_size: int = 10,
        output: Output | None = None,
        owns_terminal: bool = False,
        cut_off: CutOff | None = None,
    ) -> None:
        self.spec = spec
        self._max_size = max_size
        self._output = output
        self._owns_terminal = owns_terminal
        self._cut_off = cut_off
        self._idle: list[Sandbox] = []
        self._all: set[Sandbox] = set()
        self._stopped = False
        self._held = False
        lock = threading.Lock()
        self._changed = threading.Condition(lock)  # there may be one for somebody who waits
        self._fewer = threading.Condition(lock)

    @property
    def size(self) -> int:
        """How many environments there are."""
        with self._changed:
            return len(self._all)

    def start(self) -> dict[str, Any]:
        """Start a first environment; answers what it reported of itself, or raises `InitFailed`."""
        sandbox = self._acquire()
        self._release(sandbox)
        return sandbox.document

    def invoke(
        self,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace_id: str = "",
        client_context: str | None = None,
        function_arn: str | None = None,
    ) -> Invocation:
        """Run one event in an environment that is free, or in a new one."""
        try:
            sandbox = self._acquire()
        except InitFailed as failed:
            return failed.invocation
        try:
            invocation = sandbox.invoke(
                payload,
                request_id=request_id,
                trace_id=trace_id,
                client_context=client_context,
                function_arn=function_arn,
            )
        except BaseException:
            self._release(sandbox)
            raise
        when_over(invocation, lambda _: self._release(sandbox))
        return invocation

    def hold(self) -> None:
        """Start no more environments beside those that there are: calls take turns."""
        with self._changed:
            self._held = True

    def stop(self, *, grace: float = 0.0) -> None:
        """End all environments; those that are busy have `grace` seconds to come to their end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            idle, self._idle = self._idle, []
            self._all.difference_update(idle)
        for sandbox in idle:
            sandbox.stop()
        with self._changed:
            self._fewer.wait_for(lambda: not self._all, grace)
            busy = list(self._all)
        for sandbox in busy:
            sandbox.stop()

    def finish_tasks(self, seconds: float) -> None:
        """Wait until no environment has a task that goes on, at most so long."""
        until = time.monotonic() + seconds
        with self._changed:
            sandboxes = list(self._all)
        for sandbox in sandboxes:
            sandbox.finish_tasks(max(0.0, until - time.monotonic()))

    def _new_sandbox(self) -> Sandbox:
        return Sandbox(
            self.spec, output=self._output, owns_terminal=self._owns_terminal, cut_off=self._cut_off
        )

    def _acquire(self) -> Sandbox:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._idle or self._may_grow())
                if self._stopped:
                    raise InitFailed(stopped_invocation())
                if not self._idle:
                    sandbox = self._new_sandbox()
                    self._all.add(sandbox)
                    break
                sandbox = self._idle.pop()
                if sandbox.alive:
                    return sandbox
                self._all.discard(sandbox)
                self._fewer.notify_all()
            sandbox.stop()  # it ended while nobody used it
        try:
            return sandbox.start()
        except BaseException:
            sandbox.stop()  # Ctrl-C while it was waited for
            with self._changed:
                self._all.discard(sandbox)
                self._changed.notify()
                self._fewer.notify_all()
            raise

    def _may_grow(self) -> bool:
        return len(self._all) < (1 if self._held else self._max_size)

    def _release(self, sandbox: Sandbox) -> None:
        with self._changed:
            reusable = sandbox.alive and not self._stopped
            if reusable:
                self._idle.append(sandbox)
            else:
                self._all.discard(sandbox)
                self._fewer.notify_all()
            self._changed.notify()
        if not reusable:
            sandbox.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _descendants(pid: int) -> list[int]:
    """The processes that a living one started, and theirs; Linux tells them."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has ended
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found


def _heirs(address: str) -> list[int]:
    """The processes that have the address of a Runtime API in their environment; Linux tells them.

    Whatever a function starts has inherited it, also where its parent has gone and it has left the group.
    """
    mark = f"AWS_LAMBDA_RUNTIME_API={address}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if mark in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
    return found


def _kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def stopped_invocation() -> Invocation:
    """What an invocation gets that comes when all is over."""
    request_id = str(uuid4())
    message = f"RequestId: {request_id} Error: the function's environments have been stopped"
    return Invocation(
        request_id=request_id,
        payload=error_document("Runtime.ExitError", message),
        function_error=UNHANDLED,
    )
