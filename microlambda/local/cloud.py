"""The AWS of `microlambda local`: it listens from the start, and starts when something first needs it.

What fires the project's handlers is brought to it by the deployer, from the same plan as on AWS; only the
code of the functions is not: they run from the project's files, in the version of the app that serves.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.invocation import Invocation
from microlambda.emulator.server import Server
from microlambda.plan.names import lock_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from microlambda.deploy.session import Aws
    from microlambda.emulator.cloud import EmbeddedCloud
    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.function_spec import FunctionSpec
    from microlambda.plan.plan import Plan

    #: Runs one event of a handler's function: its name, the event, and what `SandboxPool.invoke` takes.
    Run = Callable[..., Invocation]
    Say = Callable[[str], None]

# What the deployer asks a new version: there is none here, and the app is imported already.
_CHECK = {"microlambda": {"check": 1}}


class LocalCloud:
    """Fires the handlers of a project, which `run` runs; `say` is told what was made for them.

    What it holds is kept in the folder `data` for the next run; without one it is forgotten.
    """

    def __init__(self, run: Run, *, say: Say, data: Path | None = None) -> None:
        self._run = run
        self._say = say
        self._data = data
        self._server = Server(self._answer, log=say)
        self._cloud: EmbeddedCloud | None = None
        self._handlers: dict[str, str] = {}  # names of handlers, by those of their functions
        self._timed: dict[str, list[str]] = {}  # ARNs of rules and schedules, by names of handlers
        self._wanted: str | None = None
        self._brought: Plan | None = None
        self._told = False  # where it is
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._starting = threading.Lock()
        self._bringing = threading.Lock()

    @property
    def endpoint(self) -> str:
        """The value of AWS_ENDPOINT_URL for whoever wants to speak to it."""
        return self._server.url

    @property
    def is_started(self) -> bool:
        """Tell whether anything has needed it yet."""
        return self._cloud is not None

    def listen(self) -> None:
        """Take a port, where calls wait until it serves."""
        self._server.listen()

    def serve(self) -> None:
        """Answer calls. The first of them starts it, unless there is something to go on from.

        `StateUnreadable` where that cannot be.
        """
        self._server.start()
        if self._data is not None:
            self._started()

    def bring(self, packed: str | None) -> None:
        """Let it fire what a version of the app plans, and nothing else, as soon as may be.

        `packed` is of `local.triggers`, None for a version that plans nothing.
        """
        self._wanted = packed
        if packed is None and not self._threads:
            return  # as ever
        thread = threading.Thread(target=self._bring, name="microlambda-triggers", daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        thread.start()

    def fire(self, name: str) -> list[str]:
        """Fire the rules and schedules of a handler now; gives their ARNs, none where it has none."""
        arns = self._timed.get(name, [])
        for arn in arns:
            self._started().fire(arn)
        return arns

    def log(self, spec: FunctionSpec, invocation: Invocation) -> None:
        """Write into the function's log group, if somebody has made one, what an invocation has printed."""
        if self._cloud is not None:
            self._cloud.log(spec, invocation)

    def stop(self) -> None:
        """End everything in it, and free the port; more calls do nothing."""
        self._stopped = True
        self._server.stop()
        with self._starting:
            cloud, self._cloud = self._cloud, None
        for thread in self._threads:
            thread.join()  # its calls fail at once
        if cloud is not None:
            cloud.stop()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        cloud = self._started()
        if self._wanted is None:  # else that is said with what is made
            self._tell()
        return cloud.answer(environ, start_response)

    def _tell(self, made: str = "") -> None:
        """Say where it is, the first time, and what was made."""
        with self._starting:
            told, self._told = self._told, True
        where = "" if told else f"An AWS of your own: AWS_ENDPOINT_URL={self.endpoint}."
        if text := f"{where} {made}".strip():
            self._say(text)

    def _started(self) -> EmbeddedCloud:
        """Start it, once: what it stands on takes most of a second to import."""
        with self._starting:
            if self._stopped:
                raise ConnectionError("the embedded cloud has been stopped")
            if self._cloud is None:
                from microlambda.emulator.cloud import EmbeddedCloud

                self._cloud = EmbeddedCloud(
                    server=self._server,
                    live=self._live,
                    data=self._data,
                    say=self._say,
                    explain=self._say,
                ).start()
            return self._cloud

    def _bring(self) -> None:
        with self._bringing:
            plan = self._wanted_plan()  # the newest, whichever thread comes first
            if self._stopped or plan is None or plan == self._brought:
                return
            try:
                self._deploy(plan)
            except Exception as exc:  # noqa: BLE001 - a thread of its own: what goes wrong in it is said here
                if not self._stopped:  # else it is that nothing answers any more
                    self._say(f"Nothing new fires the handlers: {type(exc).__name__}: {exc}")
            else:
                self._brought = plan

    def _wanted_plan(self) -> Plan | None:
        """Read what is to be fired; None where nothing is, and nothing was."""
        from microlambda.local.triggers import unpacked  # the planner: no start waits for its import

        if self._wanted is not None:
            return unpacked(self._wanted)
        return None if self._brought is None else replace(self._brought, records=())

    def _deploy(self, plan: Plan) -> None:
        from microlambda.deploy.deployer import Deployer
        from microlambda.deploy.session import Aws
        from microlambda.local.sources import losing, make_sources, waiting
        from microlambda.plan.records import Function

        cloud = self._started()
        functions = [one for one in plan.of_kind(Function.kind) if isinstance(one, Function)]
        self._handlers = {one.name: one.key for one in functions}
        region = plan.scope.region
        client = partial(_client, cloud)
        made = make_sources(partial(client, region_name=region), plan, cloud.account)
        aws = Aws(client, region=region)
        _break_lock(aws, plan)
        outcome = Deployer(aws, plan, archive=lambda _key: _NO_CODE).deploy()
        self._timed = _timed(plan, outcome.attributes)
        self._tell(f"Made for the handlers: {', '.join(made)}." if made else "")
        if elsewhere := waiting(plan, cloud.account):
            self._say(f"Not fired here: {', '.join(elsewhere)}. What would call them is in another account.")
        if lost := losing(plan, cloud.account):
            names = ", ".join(lost)
            self._say(f"Not sent from here: what fails in {names}. It would go to another account.")

    def _live(self, function: DeployedFunction, payload: bytes, **call: Any) -> Invocation | None:
        name = self._handlers.get(function.name)
        if name is None:
            return None  # somebody else's, uploaded by hand
        if _is_check(payload):
            return Invocation(request_id=call.get("request_id") or str(uuid4()), payload=payload)
        return self._run(name, payload, **call)


def _timed(plan: Plan, attributes: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[str, list[str]]:
    """Find what the clock fires: rules with an expression, and schedules."""
    from microlambda.plan.records import Rule, Schedule

    found: dict[str, list[str]] = {}
    for record in plan.records:
        if isinstance(record, Schedule) or (isinstance(record, Rule) and record.expression is not None):
            arn = attributes[record.kind, record.key]["arn"]
            found.setdefault(record.target.key, []).append(arn)
    return found


def _client(cloud: EmbeddedCloud, service: str, **options: Any) -> Any:
    """Make a client that does not try again: what fails here fails for good."""
    from botocore.config import Config

    once = Config(retries={"total_max_attempts": 1})
    given = options.pop("config", None)
    return cloud.client(service, config=once if given is None else given.merge(once), **options)


def _break_lock(aws: Aws, plan: Plan) -> None:
    """Remove what a run that was killed has left: nobody else deploys to this AWS."""
    ssm = aws.client("ssm")
    with suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=lock_name(plan.scope.app, plan.scope.stage))


def _is_check(payload: bytes) -> bool:
    return len(payload) < 64 and json.loads(payload) == _CHECK


def _no_code() -> bytes:
    """Make the archive that stands for code which is not uploaded."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("README"), "This function runs from the files of its project.\n")
    return made.getvalue()


_NO_CODE = _no_code()
