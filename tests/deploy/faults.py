"""Faults at every call of a run: at each, a copy of this process goes on with the fault, and is judged."""

from __future__ import annotations

import gc
import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.retries.bucket import TokenBucket
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

from microlambda.project.errors import ToolError
from tests.deploy.conftest import Cloud, is_read

PATIENCE = 300  # s, after which a copy that hangs is ended


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What can happen to a call: `disturb` brings it about for the next one.

    Where the run fails of it, the error has to have the words of `says`; None: it must not fail.
    """

    name: str
    disturb: Callable[[], None]
    says: str | None = ""
    once_per_kind: bool = False  # at the first call of each name, and not at every call


class Faults:
    """Runs something once undisturbed, and beside it once for each fault at each call that changes anything.

    With `kills` the process is killed, too, when a call was made and before its reply. `judge` is called in
    the copy, where nothing but the account is left of a killed run, and before it `broken_off`; where the run
    came to its end in spite of the fault, `finished` is called instead. `failures` collects what they raise.
    Of a call that is `known` by its name, the faults are left out that come once for a kind of call.
    """

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        judge: Callable[[], None],
        faults: Sequence[Fault],
        *,
        finished: Callable[[], None],
        known: Collection[str] = (),
        kills: bool = False,
        broken_off: Callable[[], None] | None = None,
    ) -> None:
        self._cloud = cloud
        self._folder = folder
        self._judge = judge
        self._finished = finished
        self._known = known
        self._faults = faults
        self._kills = kills
        self._broken_off = broken_off
        self.calls: list[str] = []
        self.failures: list[str] = []
        self._fault: Fault | None = None  # of a copy

    def run(self, act: Callable[[], object]) -> None:
        self._cloud.before_call, self._cloud.after_reply = self._before, self._after
        try:
            act()
        except BaseException as exc:
            if self._fault is not None:
                self._end(self._judge_broken if self._is_foreseen(exc, self._fault) else partial(_raise, exc))
            raise
        if self._fault is not None:
            self._end(self._finished)
        self._cloud.before_call = self._cloud.after_reply = None

    def _judge_broken(self) -> None:
        if self._broken_off is not None:
            self._broken_off()
        self._judge()

    def _is_foreseen(self, exc: BaseException, fault: Fault) -> bool:
        return isinstance(exc, ToolError) and fault.says is not None and fault.says in str(exc)

    def _before(self, name: str, params: dict[str, Any]) -> None:
        if is_read(name):
            return
        assert threading.current_thread() is threading.main_thread(), name
        for fault in self._faults:
            is_done = fault.once_per_kind and (name in self.calls or name in self._known)
            if not is_done and self._copied(f"{name}, {fault.name}"):
                self._fault = fault
                self._forget()
                fault.disturb()
                return

    def _after(self, name: str) -> None:
        if is_read(name):
            return
        self.calls.append(name)
        if self._kills and self._copied(f"{name}, and killed"):
            self._end(self._judge_broken)

    def _copied(self, fault: str) -> bool:
        """Go on as two; True in the copy, and once that has ended False in this process."""
        report = self._folder / "report.txt"
        child = os.fork()
        if child == 0:
            gc.disable()  # it touches every page that the two share, for a life of seconds
            signal.alarm(PATIENCE)
            return True
        _, status = os.waitpid(child, 0)
        if status:
            told = report.read_text() if report.exists() else "it hung"
            self.failures.append(f"call {len(self.calls) + 1}, {fault}: {told}")
        report.unlink(missing_ok=True)
        return False

    def _forget(self) -> None:
        self._cloud.before_call = self._cloud.after_reply = None

    def _end(self, judge: Callable[[], None]) -> None:
        """End the copy without what pytest would do at its end."""
        self._forget()
        try:
            judge()
        except BaseException:  # told by the process that this is a copy of
            (self._folder / "report.txt").write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)


def in_a_copy(folder: Path, function: Callable[[], str]) -> str:
    """Give what a function answers in a copy of this process, of which nothing stays."""
    place = folder / "answer.txt"
    child = os.fork()
    if child == 0:
        try:
            place.write_text(function())
        except BaseException:  # told below
            place.write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, place.read_text()
    return place.read_text()


def _raise(exc: BaseException) -> None:
    raise exc


Answer = Callable[..., Any]


def make_twice() -> None:
    """Let the next call reach the account twice, and the second answer be the one that is heard.

    So it is where a reply is lost and the SDK makes the call again.
    """

    def twice(answer: Answer, request: AWSPreparedRequest, **named: Any) -> Any:
        answer(request=request, **named)
        return answer(request=request, **named)

    _answer_next(twice)


def refuse(status: int, code: str, message: str) -> Callable[[], None]:
    """Let the next call be refused before it reaches the account."""

    def refused(answer: Answer, request: AWSPreparedRequest, **named: Any) -> Any:
        del answer, named
        headers = {"x-amzn-errortype": code, "Content-Type": "application/json"}
        body = json.dumps({"__type": code, "message": message})
        if _speaks_xml(request):
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            body = error if ".s3." in request.url else f"<ErrorResponse>{error}</ErrorResponse>"
        return AWSResponse(request.url, status, headers, MockRawResponse(body))

    return lambda: _answer_next(refused)


def time_out() -> None:
    """Let the next call, and each time that the SDK makes it again, wait in vain."""
    url: list[str] = []

    def waits(answer: Answer, request: AWSPreparedRequest, **named: Any) -> Any:
        url[:] = url or [request.url]
        if request.url != url[0]:
            return answer(request=request, **named)
        raise ReadTimeoutError(endpoint_url=request.url)

    _answer_next(waits, times=8)


def _speaks_xml(request: AWSPreparedRequest) -> bool:
    return any(f"/{name}." in request.url or f".{name}." in request.url for name in ("iam", "sns", "s3"))


def _answer_next(instead: Callable[..., Any], *, times: int = 1) -> None:
    answer, left = BotocoreStubber.__call__, [times]
    # In a copy: the SDK waits before it makes a call again, and after one that was throttled before each.
    time.sleep = lambda _seconds: None
    TokenBucket.acquire = lambda *_, **__: True

    def answered(stubber: BotocoreStubber, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            BotocoreStubber.__call__ = answer  # type: ignore[method-assign]
        return instead(partial(answer, stubber), **named)

    BotocoreStubber.__call__ = answered  # type: ignore[method-assign, assignment]
