"""What has been deployed, as the parts of the embedded cloud that run it need to know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class FunctionNotFound(LookupError):
    """There is no such function, version or alias; the argument is the ARN that was asked for."""

    def __init__(self, arn: str) -> None:
        super().__init__(arn)
        self.arn = arn


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip archive that was uploaded, of a function or of a layer."""

    sha256: str
    content: bytes = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class DeployedFunction:
    """One version of a function, found by a name and a qualifier.

    `arn` carries the qualifier that was asked for; `version` is what that leads to.
    """

    region: str
    name: str
    version: str
    arn: str
    handler: str
    runtime: str
    timeout: float
    memory: int
    environment: dict[str, str] = field(repr=False)
    archive: Archive
    layers: tuple[Archive, ...] = ()
    log_format: str = "Text"  # or "JSON"

    @property
    def configuration(self) -> tuple[object, ...]:
        """Everything that an execution environment is made of: if it differs, a new one is needed."""
        variables = tuple(sorted(self.environment.items()))
        limits = (self.timeout, self.memory)
        return (self.handler, self.runtime, limits, variables, self.archive, self.layers, self.log_format)


@dataclass(frozen=True, kw_only=True)
class FunctionName:
    """What callers of the Lambda API name a function by: a name or an ARN, qualified or not.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
    """

    name: str
    qualifier: str | None

    @classmethod
    def parse(cls, text: str, qualifier: str | None = None) -> FunctionName:
        """Read `name`, `name:alias`, `account:function:name` or an ARN; a qualifier in it wins."""
        parts = text.split(":")
        if "function" in parts[:-1]:
            parts = parts[parts.index("function") + 1 :]
        return cls(name=parts[0], qualifier=parts[1] if len(parts) > 1 else qualifier)


@dataclass(frozen=True, kw_only=True)
class DeployedApi:
    """An HTTP API with the route that we deploy for whatever is left, `$default`, and where that leads.

    `asked` has what each route asks of its callers, by its key: `authorization`, `scopes`, and `authorizer`
    as the API describes it.
    """

    api_id: str
    region: str
    account_id: str
    stages: tuple[str, ...]
    function_arn: str | None
    payload_format: str
    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DeployedUrl:
    """A function URL, and the function or alias that it is of."""

    url_id: str
    region: str
    account_id: str
    function: FunctionName
    auth_type: str


@dataclass(frozen=True, kw_only=True)
class DeployedStage:
    """What a stage of a REST API serves: its methods as they were deployed.

    `methods` gives the function behind a path and a method, None where there is none; `answers` the header
    fields of the gateway's own answers, by type.
    """

    methods: Mapping[tuple[str, str], str | None]
    asked: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)  # of callers
    answers: Mapping[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, kw_only=True)
class DeployedRestApi:
    """A REST API and what its stages serve."""

    api_id: str
    region: str
    account_id: str
    stages: Mapping[str, DeployedStage]
