"""The parent of `microlambda local`: it holds the socket, and the version of the app that serves."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.access.handshakes import guard_of_handshake
from microlambda.emulator.sandbox import stopped_invocation
from microlambda.emulator.server import Server
from microlambda.local.addresses import PREFIX, is_loopback
from microlambda.local.called import called_here
from microlambda.local.cloud import LocalCloud
from microlambda.local.control import Control
from microlambda.local.errors import UnusableHost
from microlambda.local.functions import HTTP
from microlambda.local.invocation import invoke_here
from microlambda.local.spec import REAL_AWS
from microlambda.local.version import AppReport, Source, Version
from microlambda.local.watch import Watcher
from microlambda.local.websocket_api import HandshakeAccess, WebSocketApi
from microlambda.project.errors import ToolError
from microlambda.project.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from microlambda.emulator.invocation import Invocation
    from microlambda.emulator.messages import HttpRequest, HttpResponse
    from microlambda.local.called import Called
    from microlambda.local.console import Console


def _ignore(text: str) -> None:
    del text


class LocalServer:
    """Serves the app of a project over HTTP, as one ingress of AWS would.

        with LocalServer(Path("examples/sms_shooter"), port=0) as server:
            print(server.url, server.report.routes)

    `target` is "module:attribute" or "module"; None for the settings' app or the only one. `ingress` None is
    the settings'. Port 0 is any free one. With `reload`, the app is started again when its files or its
    settings change, and the last version that came up keeps serving until then. With `data`, a folder, what
    the AWS inside holds is there again at the next start. With `aws` there is none inside: what the app calls
    is the developer's own, and nothing fires its handlers. `console` is told of what happens; without it the
    server is silent, and what the app prints appears as always.
    """

    def __init__(
        self,
        root: Path,
        target: str | None = None,
        *,
        stage: str = "local",
        ingress: str | None = None,
        host: str = "127.0.0.1",
        port: int = 8000,
        reload: bool = False,
        data: Path | None = None,
        aws: bool = False,
        console: Console | None = None,
    ) -> None:
        endpoint = REAL_AWS if aws else None
        self._source = Source(
            root=root.resolve(), target=target, stage=stage, ingress=ingress, endpoint=endpoint
        )
        self._console = console
        self.cloud = LocalCloud(self._run, say=console.note if console else _ignore, data=data)
        self._websocket = WebSocketApi(
            self._websocket_routes,
            self._run,
            stage=stage,
            access=self._handshake_access,
            refused=self._tell_refused,
        )
        self._control = Control(self._by_hand, self.cloud.fire, self._websocket)
        self._server = Server(self._answer, host=host, port=port, log=console.note if console else None)
        # What is nobody else's business answers on this machine's own address, whatever the app is served on.
        self._private = Server(self._control) if not is_loopback(host) else None
        self._watcher = Watcher(self._source.root, self._reload) if reload else None
        self._version: Version | None = None
        self._coming: Version | None = None
        self._retiring: set[Version] = set()
        self._stopped = False
        self._broken = False  # what the files hold now does not come up
        self._change = threading.Condition()

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:8000`."""
        return self._server.url

    @property
    def control_url(self) -> str:
        """Where functions are called by hand."""
        return self.url if self._private is None else self._private.url

    @property
    def token(self) -> str:
        """What is asked for there."""
        return self._control.token

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def report(self) -> AppReport:
        """What is known of the app that serves: its name, its routes."""
        if self._version is None or self._version.report is None:
            raise RuntimeError("the server is not started")
        return self._version.report

    def start(self, ready: Callable[[], object] = lambda: None) -> Self:
        """Listen, start the app, and serve. A ToolError (PortInUse, AppImportFailed, ...) leaves nothing.

        `ready` is called when it serves, before the console says so.
        """
        if self._watcher is not None:
            self._watcher.look()
        try:
            if self._source.endpoint is None:
                self.cloud.listen()
                self._source = replace(self._source, endpoint=self.cloud.endpoint)
            self._listen()
            if self._private is not None:
                self._private.listen()
            self._source = replace(self._source, parent=f"{self.control_url} {self.token}")
            version = self._coming = self._new_version()
            self._bring_up_first(version)
        except BaseException:
            self.stop()
            raise
        if self._watcher is not None:
            self._watcher.follow(self.report.files)
            self._watcher.start()
        ready()
        if self._console is not None:
            self._console.started(
                self.report,
                stage=self._source.stage,
                ingress=version.ingress,
                url=f"{self.url}{version.base_path}",
            )
            if version.unused_base_path:
                self._console.note(
                    f"base_path = {version.unused_base_path!r} has no effect here: behind {version.ingress} "
                    "there are no custom domains."
                )
            if self.report.handlers:
                self._console.by_hand(self.control_url, self.token)
        self._fire(self.report)
        return self

    def stop(self) -> None:
        """End every process and connection at once, and free the port; more calls do nothing."""
        if self._watcher is not None:
            self._watcher.stop()
        with self._change:
            self._stopped = True
            versions = [*self._retiring, self._version, self._coming]
            self._change.notify_all()
        for version in versions:
            if version is not None:
                version.stop()
        self._websocket.stop()
        self._server.stop()
        if self._private is not None:
            self._private.stop()
        self.cloud.stop()
        if self._console is not None:
            self._console.stopped()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self) -> None:
        try:
            self._server.listen()
        except OSError as exc:
            raise UnusableHost(self._server.host, exc.strerror) from exc

    def _serve(self) -> None:
        """Answer at the ports that have been taken; what that needs is imported while the app starts."""
        if self._source.endpoint != REAL_AWS:
            self.cloud.serve()
        self._server.start()
        if self._private is not None:
            self._private.start()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return self._control(environ, start_response)
        if self._websocket.takes(environ):
            return self._websocket(environ, start_response)
        version = self._entered()
        try:
            answer = version.gateway(environ, start_response)
        except BaseException:
            version.leave()
            raise
        if not isinstance(answer, list):  # it comes in pieces, and the request ends with them
            from werkzeug.wsgi import ClosingIterator  # the server has loaded it

            return ClosingIterator(answer, version.leave)
        version.leave()
        return answer

    def _entered(self, name: str = HTTP) -> Version:
        """Begin a request with the version that serves now; wait for one that can run it.

        Before the first has come up none can; and while new code does not, a handler that has not run yet
        cannot, since the old code is in the processes that run, and nowhere else.
        """
        with self._change:
            if self._broken and not self._can_run(name) and self._console is not None:
                self._console.note(f"An event for {name} waits for code that can be imported.")
            self._change.wait_for(lambda: self._stopped or self._can_run(name))
            if self._version is None or self._stopped:
                raise ConnectionError("the server stops")
            self._version.enter()  # with the lock still held: it must not retire in between
            return self._version

    def _can_run(self, name: str) -> bool:
        version = self._version
        return version is not None and (name == HTTP or version.runs(name))

    def _run(self, name: str, payload: bytes, **call: Any) -> Invocation:
        """Run one event of a handler's, in the version that serves now."""
        try:
            version = self._entered(name)
        except ConnectionError:
            return stopped_invocation()
        try:
            invocation = version.invoke(name, payload, **call)
        finally:
            version.leave()
        if self._console is not None and version.report is not None:
            self._console.invoked(version.report, name, invocation)
        return invocation

    def _by_hand(self, name: str, event: bytes) -> Called:
        """Call a function in a process of its own, so that all that it prints is seen."""
        lines: list[bytes] = []
        source = self._source
        invocation = invoke_here(
            load_settings(source.root, source.stage),
            name,
            event,
            target=source.target,
            endpoint=source.endpoint,
            output=lines.append,
            cut_off=self._console.cut_off if self._console else lambda _tasks: None,
        )
        if self._console is not None:
            for line in lines:
                self._console.output(name, line, invocation.request_id)
            self._console.invoked(self.report, name, invocation)
        return called_here(name, invocation, lines)

    def _websocket_routes(self) -> Mapping[str, str]:
        version = self._version
        return {} if version is None or version.report is None else version.report.websocket

    def _handshake_access(self) -> HandshakeAccess | None:
        """Give what is asked of clients that open a WebSocket, and who decides; None where nothing is."""
        version = self._version
        document = None if version is None or version.report is None else version.report.handshake
        if version is None or document is None:
            return None
        guard, authorizers = guard_of_handshake(document)
        region = version.gateway.api.region
        return HandshakeAccess(region=region, guard=guard, decider=version.decider(authorizers))

    def _tell_refused(self, request: HttpRequest, answer: HttpResponse, why: str) -> None:
        """Show a client of the WebSocket API that its authorizer has not let in."""
        if self._console is not None:
            self._console.explain(why)
            self._console.request(request, answer, None)

    def _fire(self, report: AppReport) -> None:
        """Let what the app's handlers wait for reach them."""
        if self._source.endpoint != REAL_AWS:
            self.cloud.bring(report.triggers)

    def _new_version(self) -> Version:
        if self._console is None:
            return Version(self._source, log=self.cloud.log)
        return Version(
            self._source,
            log=self.cloud.log,
            observe=self._console.request,
            explain=self._console.explain,
            decided=self._console.invoked,
            cut_off=self._console.cut_off,
            output=self._console.output,
        )

    def _bring_up_first(self, version: Version) -> None:
        """Start the first version in a thread, beside our own start; Ctrl-C waits for no imports."""
        errors: list[BaseException] = []

        def start() -> None:
            try:
                version.start()
            except BaseException as exc:  # noqa: BLE001 - raised again in the thread that waits
                errors.append(exc)

        thread = threading.Thread(target=start, name="microlambda-start", daemon=True)
        thread.start()
        self._serve()
        while thread.is_alive():
            thread.join(0.2)  # a signal that another thread is given does not end a join without a limit
        if errors:
            raise errors[0]
        self._serve_with(version)

    def _reload(self, _changed: set[Path]) -> None:
        """Start a version from the files as they are now; one that is still on its way up is given up."""
        if self._version is not None:
            self._version.hold()
        try:
            version = self._new_version()
        except ToolError as exc:
            self._failed(exc)
            return
        with self._change:
            given_up, self._coming = self._coming, version
        if given_up is not None:
            given_up.stop()
        threading.Thread(
            target=self._bring_up, args=(version,), name="microlambda-reload", daemon=True
        ).start()

    def _bring_up(self, version: Version) -> None:
        began = time.perf_counter()
        try:
            report = version.start()
        except (ToolError, OSError) as exc:
            if self._is_coming(version):
                self._failed(exc)
            return
        if not self._is_coming(version):
            version.stop()
            return
        before = self._serve_with(version)
        if self._watcher is not None:
            self._watcher.follow(report.files)
        if self._console is not None:
            self._console.reloaded(before.report if before else None, report, time.perf_counter() - began)
        self._fire(report)
        if before is not None:
            before.retire()
            with self._change:
                self._retiring.discard(before)

    def _is_coming(self, version: Version) -> bool:
        with self._change:
            return self._coming is version and not self._stopped

    def _tell_of_dotenv(self, version: Version) -> None:
        before = self._version.overridden if self._version is not None else []
        if self._console is not None and version.overridden and version.overridden != before:
            names, stage = ", ".join(version.overridden), self._source.stage
            self._console.note(f"Warning: .env says otherwise than the stage {stage!r} of {names}.")

    def _tell_of_unprotected(self, version: Version) -> None:
        before = self._version.unasked if self._version is not None else ()
        if self._console is not None:
            for sentence in version.unasked if version.unasked != before else ():
                self._console.note(f"Warning: {sentence}")

    def _failed(self, error: Exception) -> None:
        self._broken = True
        if self._console is not None:
            self._console.failed(error)

    def _serve_with(self, version: Version) -> Version | None:
        """Let a version that has come up serve from now on; answers the one before."""
        self._tell_of_dotenv(version)
        self._tell_of_unprotected(version)
        with self._change:
            before, self._version = self._version, version
            self._broken = False
            if self._coming is version:
                self._coming = None
            if before is not None:
                self._retiring.add(before)
            self._change.notify_all()
        return before
