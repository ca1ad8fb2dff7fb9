"""The embedded cloud as a whole: started, handed to boto3, stopped."""

from __future__ import annotations

import importlib.util
import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

from microlambda.emulator.cloud.archives import Archives
from microlambda.emulator.cloud.cloud_folder import CloudFolder
from microlambda.emulator.cloud.execute_api import ExecuteApi
from microlambda.emulator.cloud.front import Front
from microlambda.emulator.cloud.functions import Functions
from microlambda.emulator.cloud.keeper import Keeper
from microlambda.emulator.cloud.lambda_invoke import LambdaInvoke
from microlambda.emulator.cloud.lambda_urls import LambdaUrls
from microlambda.emulator.cloud.managed_runtime import ManagedRuntime, make_managed_runtime
from microlambda.emulator.cloud.moto_adapter import ACCOUNT, Moto
from microlambda.emulator.cloud.policies import Policies
from microlambda.emulator.cloud.triggers import RETRY_DELAYS, Triggers
from microlambda.emulator.environment import ACCESS_KEY, SECRET_KEY, closed_to_aws
from microlambda.emulator.server import Server
from microlambda.project.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.cloud.execute_api import Observe
    from microlambda.emulator.cloud.functions import Live, Output
    from microlambda.emulator.function_spec import FunctionSpec
    from microlambda.emulator.gateway.access.jwks import FindKeys
    from microlambda.emulator.invocation import Invocation


class CloudUnavailable(ToolError):
    """The packages of the embedded cloud are not installed."""


class EmbeddedCloud:
    """An AWS on 127.0.0.1, empty at each start and forgotten at its end; one at a time in a process.

        with EmbeddedCloud(region="eu-west-1") as cloud:
            cloud.client("s3").create_bucket(...)
            print(cloud.serve_api(api_id, port=8000))

    With a `server`, which listens already and hands on to `answer`, the cloud has no port of its own. `live`
    runs functions in place of what was uploaded for them, and answers None for those that it does not know.
    In the folder `data` everything but functions and APIs is kept for the next run.
    `output` gets each line that a function prints, with the function's name; `observe` each request to an
    API and `explain` why an API answered by itself, as in `Gateway`, or a trigger called nobody; `say` what
    else there is to tell. `find_keys` gives the keys of issuers of tokens, who are asked without it.
    `retry_delays` are the seconds before an event that failed is tried again, and `clock` tells rules and
    schedules the time, for tests that do not wait for it.
    """

    account = ACCOUNT

    def __init__(
        self,
        *,
        region: str = "us-east-1",
        port: int = 0,
        server: Server | None = None,
        live: Live | None = None,
        data: Path | None = None,
        output: Output | None = None,
        observe: Observe | None = None,
        explain: Callable[[str], None] | None = None,
        find_keys: FindKeys | None = None,
        say: Callable[[str], None] | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.region = region
        self._retry_delays = retry_delays
        self._clock = clock
        self._output = output
        self._observe = observe
        self._say = say or (lambda _: None)
        self._explain = explain or self._say
        self._find_keys = find_keys
        self._server = server or Server(self.answer, port=port, log=self._say)
        self._owns_server = server is None
        self._live = live
        self._data = data
        self._keeper: Keeper | None = None
        self._api_servers: list[Server] = []
        self._moto = Moto(say=self._say)
        self._folder: CloudFolder | None = None
        self._functions: Functions | None = None
        self._triggers: Triggers | None = None
        self._apis: ExecuteApi | None = None
        self._urls: LambdaUrls | None = None
        self._front: Front | None = None
        self._session: Any = None

    @property
    def endpoint(self) -> str:
        """The value of AWS_ENDPOINT_URL: `http://127.0.0.1:54321`."""
        return self._server.url

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead an AWS SDK, in this process or another, here and nowhere else."""
        return closed_to_aws(self.region, self.endpoint)

    def start(self) -> Self:
        """Start; `CloudUnavailable` names what is missing, `PortInUse` a port that is taken."""
        check_available()
        if self._owns_server:
            self._server.start()
        try:
            self._assemble()
        except BaseException:
            self.stop()
            raise
        return self

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client for this cloud, whatever the developer's own AWS configuration says.

        Takes what `boto3.Session.client` takes.
        """
        if options.get("endpoint_url") is None:
            options["endpoint_url"] = self.endpoint
        # An empty mapping: no proxy, also where HTTP_PROXY names one.
        config = Config(proxies={})
        options["config"] = config.merge(options["config"]) if options.get("config") is not None else config
        return self._session.client(service, **options)

    def serve_api(self, api_id: str, port: int = 0) -> str:
        """Serve one API on a port of its own; answers the URL, or raises `PortInUse`.

        A REST API is served below its stage, as on AWS; the URL has the stage in it.
        """
        return self.serve("http-api", api_id, port)

    def serve(self, kind: str, identity: str, port: int = 0) -> str:
        """Serve what answers HTTP, an API or a "function-url", by its id, as `serve_api` does."""
        front = {"function-url": self._urls}.get(kind, self._apis)
        if front is None:
            raise RuntimeError("the embedded cloud is not started")
        server = Server(partial(front.answer, identity), port=port, log=self._say).start()
        self._api_servers.append(server)
        self._moto.serves_api(identity, server.url)
        stages = () if (rest := self._moto.rest_api(identity)) is None else rest.stages
        return "/".join([server.url, *list(stages)[:1]])

    def log(self, spec: FunctionSpec, invocation: Invocation) -> None:
        """Write into a function's log group, if there is one, what came of an invocation elsewhere."""
        if self._functions is not None:
            self._functions.log(spec, invocation)

    def fire(self, arn: str) -> None:
        """Fire a rule that has an expression, or a schedule, now; KeyError where none has that ARN."""
        self._started().timetable.fire(arn)

    def fire_due(self) -> list[str]:
        """Fire the rules and schedules that became due by the clock since the last time; gives their ARNs.

        It happens by itself every second, too.
        """
        return self._started().timetable.fire_due()

    def _started(self) -> Triggers:
        if self._triggers is None:
            raise RuntimeError("the embedded cloud is not started")
        return self._triggers

    def stop(self) -> None:
        """End every function's processes, close the ports, forget everything; more calls do nothing."""
        for server in self._api_servers:
            server.stop()
        self._api_servers.clear()
        if self._triggers is not None:
            self._triggers.halt()
        if self._functions is not None:
            self._functions.stop()
            self._functions = None
        if self._triggers is not None:
            self._triggers.join()
        if self._keeper is not None:  # all has come to its end, and nothing is forgotten yet
            self._keeper.stop()
            self._keeper = None
        self._triggers = None
        if self._owns_server:
            self._server.stop()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None
        self._front = None
        self._moto.stop()

    def _assemble(self) -> None:
        self._folder = CloudFolder()
        self._moto.start(self._server.port)
        runtime = self._runtime(self._folder.path / "runtime")
        archives = Archives(self._folder.path / "archives")
        self._functions = Functions(
            self._moto, archives, runtime, endpoint=self.endpoint, output=self._output, live=self._called
        )
        policies = Policies(self._moto)
        self._apis = ExecuteApi(
            self._moto,
            self._functions,
            policies,
            observe=self._observe,
            explain=self._explain,
            find_keys=self._find_keys,
        )
        self._urls = LambdaUrls(
            self._moto, self._functions, policies, observe=self._observe, explain=self._explain
        )
        self._session = _session(self.region)
        self._triggers = Triggers(
            self._moto,
            self._functions,
            policies,
            client=self.client,
            clock=self._clock,
            explain=self._explain,
            say=self._say,
            retry_delays=self._retry_delays,
        )
        if self._data is not None:
            self._keep_in(self._data)
        self._triggers.start()
        invoke = LambdaInvoke(self._moto, self._functions, self._triggers.asynchronous)
        self._front = Front(self._moto, self._functions, invoke, policies, self._apis, self._urls)

    def _keep_in(self, folder: Path) -> None:
        """Go on from what the last run has kept in the folder, and keep what comes there."""
        triggers = self._started()
        keeper = Keeper(folder, lambda: self._moto.save(folder, triggers.places), self._say)
        keeper.claim()
        self._keeper = keeper
        triggers.go_on_from(self._moto.load(folder) or {})
        keeper.start()

    def _called(self, function: DeployedFunction, payload: bytes, **call: Any) -> Invocation | None:
        """Run a function from elsewhere, where that is how it is run; the state may change with it."""
        if self._live is None:
            return None
        try:
            return self._live(function, payload, **call)
        finally:
            if self._keeper is not None:
                self._keeper.touch()

    def _runtime(self, folder: Path) -> ManagedRuntime:
        runtime = make_managed_runtime(folder)
        if not runtime.is_aws_client:
            self._say(
                "AWS's runtime client awslambdaric is not installed (it has no wheel for every machine): "
                "deployed archives run with microlambda's own."
            )
        return runtime

    def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request to the cloud, as a WSGI application."""
        if self._front is None:
            start_response("503 Service Unavailable", [])
            return []
        try:
            return self._front(environ, start_response)
        finally:
            if self._keeper is not None:
                self._keeper.touch()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def check_available() -> None:
    """Make sure that what the embedded cloud stands on is installed."""
    missing = [name for name in ("moto", "flask", "cloudpickle") if importlib.util.find_spec(name) is None]
    if missing:
        raise CloudUnavailable(
            f"the embedded cloud needs {' and '.join(missing)}. Install it: pip install 'microlambda[local]'"
        )


def _session(region: str) -> boto3.Session:
    """A session that reads neither the developer's AWS files nor AWS_PROFILE."""
    closed: Any = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(
        botocore_session=botocore.session.Session(session_vars=closed),
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        aws_session_token="test",  # noqa: S106 - moto takes any
        region_name=region,
    )
