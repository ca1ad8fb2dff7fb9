"""One version of the app as `microlambda local` runs it: its processes, and the gateway before them.

Saving a file makes a new version; requests that the old one has begun, it finishes.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway import Api, Gateway
from microlambda.emulator.gateway.failures import FAILURES, Failure
from microlambda.emulator.gateway.protection import Protection
from microlambda.emulator.gateway.resources import is_one_of, key_id
from microlambda.emulator.invocation import Invocation, when_over
from microlambda.emulator.sandbox import InitFailed, stopped_invocation
from microlambda.local.errors import start_error
from microlambda.local.functions import HTTP, ProjectFunctions, print_through
from microlambda.local.spec import REGION
from microlambda.plan.errors import PlanError
from microlambda.project.dotenv import differing, read_dotenv
from microlambda.project.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from microlambda.emulator.function_spec import FunctionSpec
    from microlambda.emulator.gateway.decisions import Decider
    from microlambda.emulator.gateway.guards import Authorizer
    from microlambda.emulator.messages import HttpRequest, HttpResponse
    from microlambda.local.functions import Output

    Log = Callable[[FunctionSpec, Invocation], None]
    Observe = Callable[[HttpRequest, HttpResponse, Invocation | None], None]
    Decided = Callable[["AppReport", str, Invocation], None]


@dataclass(frozen=True, kw_only=True)
class AppReport:
    """What the app's process told of the app. `files` are the sources of all modules that it loaded."""

    name: str | None
    app: str
    routes: tuple[tuple[tuple[str, ...], str, str, str], ...]  # methods, rule, view, location
    files: tuple[str, ...]
    handlers: tuple[tuple[str, str, str], ...] = ()  # decorator, name, location
    asked: dict[str, Any] = field(default_factory=dict)  # what each ingress asks of callers
    handshake: dict[str, Any] | None = None  # what a WebSocket API asks of its clients
    websocket: dict[str, str] = field(default_factory=dict)  # handlers, by the route keys of a WebSocket API
    failure_fields: tuple[tuple[str, str], ...] = ()  # of what a REST API answers by itself
    triggers: str | None = None  # the plan of what fires its handlers, packed
    unplanned: str | None = None  # why there is none
    waiting: tuple[str, ...] = ()  # handlers that nothing fires here

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> AppReport:
        """Read it as the process sent it."""
        routes = tuple((tuple(methods), *rest) for methods, *rest in document["routes"])
        handlers = tuple((declared, name, location) for declared, name, location in document["handlers"])
        return cls(
            name=document["name"],
            app=document["app"],
            routes=routes,
            files=tuple(document["files"]),
            handlers=handlers,
            asked=document.get("asked", {}),
            handshake=document.get("handshake"),
            failure_fields=tuple((name, value) for name, value in document.get("failure_fields", ())),
            websocket=document.get("websocket", {}),
            triggers=document.get("triggers"),
            unplanned=document.get("unplanned"),
            waiting=tuple(document.get("waiting", ())),
        )


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an app comes from and how it is served; a version is made from it as the files are then."""

    root: Path
    target: str | None = None
    stage: str = "local"
    ingress: str | None = None  # None: the settings'
    endpoint: str | None = None  # where its calls of AWS go
    parent: str | None = None  # what leads its processes to ours: a URL and a token


class Version:
    """The app as it was when it was started; `SettingsError` if the settings were wrong then.

    `observe` is told of each request, `log` of each invocation of the function of all routes, `explain` why
    the gateway answered a request by itself, `decided` of each call of a function that decides about callers,
    `cut_off` of tasks that end before their time.
    """

    def __init__(
        self,
        source: Source,
        *,
        observe: Observe | None = None,
        log: Log | None = None,
        explain: Callable[[str], None] | None = None,
        decided: Decided | None = None,
        cut_off: Callable[[dict[str, str]], None] | None = None,
        output: Output = print_through,
    ) -> None:
        settings = self._settings = load_settings(source.root, source.stage)
        self._decided = decided
        self.unasked: tuple[str, ...] = ()  # views that this ingress cannot protect
        self.ingress = source.ingress or settings.ingress
        self.report: AppReport | None = None
        self._log = log
        self._functions = ProjectFunctions(
            settings,
            source.target,
            endpoint=source.endpoint,
            parent=source.parent,
            cut_off=cut_off,
            output=output,
        )
        function = settings.function(HTTP)
        self.overridden = differing(function, os.environ, read_dotenv(settings.root))
        self._api_keys = settings.api_keys
        self.base_path = f"/{settings.base_path}" if settings.base_path and self._has_domains else ""
        self.unused_base_path = "" if self.base_path else settings.base_path
        api = Api(region=settings.region or REGION, base_path=self.base_path)
        if self.ingress == "rest-api":
            api = replace(api, stage=settings.stage)
        self.gateway = Gateway(
            self.ingress,
            self._answer,
            api=api,
            observe=observe,
            explain=explain,
            timeout=function.timeout,
        )
        self._serving = 0
        self._change = threading.Condition()

    @property
    def _has_domains(self) -> bool:
        """Whether there are custom domains, with base paths, before what serves it."""
        return Failure.NO_API in FAILURES[self.ingress]

    def start(self) -> AppReport:
        """Start a process; a ToolError tells why the app did not come up."""
        try:
            self.report = AppReport.from_document(self._functions.start())
        except InitFailed as failed:
            raise start_error(failed.invocation) from failed
        if self.ingress == "rest-api":
            self.gateway.on_failure = dict.fromkeys((4, 5), self.report.failure_fields)
        if asked := self.report.asked.get(self.ingress):
            self._protect(Protection.from_document(asked))
        return self.report

    def _protect(self, protection: Protection) -> None:
        """Let the gateway ask who calls: API keys here are what the settings call them."""
        self.unasked = protection.unasked
        if protection.error is not None:
            self.stop()
            raise PlanError(protection.error)
        known = self._api_keys
        self.gateway.api = protection.of(
            self.gateway.api, lambda value: key_id(value) if is_one_of(value, known) else None
        )
        if protection.asks:
            self.gateway.decider = self.decider(protection.authorizers)

    def decider(self, authorizers: Mapping[str, Authorizer]) -> Decider:
        """Give who decides for an API with these authorizers."""
        from microlambda.local.access import access_of  # loaded for apps that protect something

        return access_of(self._settings, authorizers, self._ask)

    def _ask(self, name: str, payload: bytes) -> Invocation:
        """Run a function that decides about a caller; one that never ran cannot while new code is broken."""
        if not self._functions.has(name):
            return stopped_invocation()
        invocation = self._functions.invoke(name, payload)
        if self._decided is not None and self.report is not None:
            self._decided(self.report, name, invocation)
        return invocation

    def enter(self) -> Gateway:
        """Begin a request: until its `leave`, the version does not retire."""
        with self._change:
            self._serving += 1
        return self.gateway

    def leave(self) -> None:
        """End a request."""
        with self._change:
            self._serving -= 1
            self._change.notify_all()

    def hold(self) -> None:
        """Start no more processes, as the files are of another version now; requests take turns then."""
        self._functions.hold()

    def retire(self) -> None:
        """Finish the requests that were begun and the tasks that came of them, then stop.

        Tasks get the time that functions have; those that take longer are cut off.
        """
        with self._change:
            self._change.wait_for(lambda: not self._serving)
        self._functions.finish_tasks()
        self.stop()

    def stop(self) -> None:
        """End all processes at once; requests in them fail, and tasks are cut off."""
        self._functions.stop()

    def runs(self, name: str) -> bool:
        """Whether it can run an event of a handler: of one that never ran, the old files are no more."""
        return self._functions.has(name)

    def invoke(self, name: str, payload: bytes, **call: Any) -> Invocation:
        """Run one event in the function of a handler, between `enter` and `leave`.

        `call` is what `SandboxPool.invoke` takes.
        """
        return self._functions.invoke(name, payload, **call)

    def _answer(self, event: bytes) -> Invocation:
        invocation = self._functions.invoke(HTTP, event)
        if (log := self._log) is not None:
            when_over(invocation, lambda over: log(self._functions.spec(HTTP), over))
        return invocation
