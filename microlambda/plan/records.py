"""One frozen record per thing that AWS is to hold.

A record says what is wanted, in AWS's words; what AWS alone knows (an ARN, an id, a version's number) stands
in it as a `Ref` to the record that it comes from. `key` is the handler that a record belongs to, and a
layer's the archive that it is; `address` is where the thing is found again: its name, or for what lives
inside a function, the function's name and its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Ref:
    """What another resource will tell once it is there: `Ref(kind="role", key="http")` is that role's ARN."""

    kind: str
    key: str
    attribute: str = "arn"

    def __str__(self) -> str:
        return f"{self.kind}.{self.key}.{self.attribute}"


@dataclass(frozen=True, kw_only=True)
class Arn:
    """An ARN in the account and region of the deploy: `Arn(service="logs", resource="log-group:x")`.

    One that is `is_placeless` names neither: a bucket's.
    """

    service: str
    resource: str
    is_placeless: bool = False

    def __str__(self) -> str:
        if self.is_placeless:
            return f"arn:${{partition}}:{self.service}:::{self.resource}"
        return f"arn:${{partition}}:{self.service}:${{region}}:${{account}}:{self.resource}"


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A text of the settings in which the deploy fills in `${partition}`, `${region}` and `${account}`."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Record:
    """What all records have."""

    kind: ClassVar[str]

    key: str
    name: str

    @property
    def address(self) -> str:
        """Say where AWS keeps it, unique within its kind."""
        return self.name

    def references(self) -> tuple[Ref, ...]:
        """List what this record needs from others."""
        return tuple(ref for one in fields(self) for ref in _refs(getattr(self, one.name)))


@dataclass(frozen=True, kw_only=True)
class Role(Record):
    """The role that one function runs as."""

    kind: ClassVar[str] = "role"

    path: str
    trust: Mapping[str, Any]  # policy document
    policies: Mapping[str, Mapping[str, Any]]  # inline, by name
    attached: tuple[Placed, ...] = ()  # ARNs of managed policies
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class LogGroup(Record):
    """Where one function's lines go."""

    kind: ClassVar[str] = "log-group"

    retention: int | None  # days; None: for ever
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Layer(Record):
    """One layer: what its newest version is to be made of; AWS numbers the versions."""

    kind: ClassVar[str] = "layer"

    runtime: str
    architecture: str
    inputs: str  # the hash of what it is made of
    content: str = ""  # the hash of what it came to, where only that will do


@dataclass(frozen=True, kw_only=True)
class Function(Record):
    """One Lambda function; `environment` is complete, resolved and secret."""

    kind: ClassVar[str] = "function"

    role: Ref | Placed
    log_group: Ref
    handler: str
    runtime: str
    architecture: str
    memory: int  # MB
    timeout: int  # s
    ephemeral_storage: int  # MB
    tracing: str  # "Active", or "PassThrough"
    log_format: str  # "Text" or "JSON"
    reserved_concurrency: int | None = None
    dead_letter: str | None = None  # the ARN of a queue or topic
    environment: Mapping[str, str] = field(repr=False)
    from_shell: tuple[str, ...] = ()  # the variables whose values come from the deploying shell
    archive: str  # the key of the archive that is its code
    code_hash: str
    code_sha256: str = ""  # the hash of the archive, where only that one will do
    layers: tuple[Ref | Placed, ...] = ()  # a file of a later one hides that of an earlier one
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    snap_start: str = "None"  # or "PublishedVersions"
    needs: tuple[str, ...] = ()  # actions that a role of the user's has to allow, where it runs as one
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Version(Record):
    """The published version of a function that runs what is planned; AWS numbers it."""

    kind: ClassVar[str] = "version"

    function: Ref
    code_hash: str


@dataclass(frozen=True, kw_only=True)
class Alias(Record):
    """What every trigger names, so that a deploy moves them all at once."""

    kind: ClassVar[str] = "alias"

    function: Ref
    function_name: str
    version: Ref
    code_hash: str

    @property
    def address(self) -> str:
        """Name the function first: an alias lives inside it."""
        return f"{self.function_name}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class EventSourceMapping(Record):
    """What Lambda polls for a function's alias, and how; None stands where the source knows no such setting.

    `name` is the source's. A table stands for its stream, whose ARN AWS tells.
    https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
    """

    kind: ClassVar[str] = "event-source-mapping"

    alias: Ref
    function_name: str
    timeout: int  # s, of the function
    source: Arn | str
    batch_size: int
    window: int | None  # s
    filters: tuple[str, ...] = ()  # patterns, as JSON
    reports_failures: bool  # the function tells which records failed
    maximum_concurrency: int | None = None
    starting_position: str | None = None
    starting_timestamp: str | None = None  # ISO 8601
    parallelization_factor: int | None = None
    bisect: bool | None = None
    retries: int | None = None  # -1: without end
    maximum_age: int | None = None  # s; -1: without end
    on_failure: str | None = None  # an ARN

    @property
    def service(self) -> str:
        """Name the service that is polled."""
        return self.source.service if isinstance(self.source, Arn) else self.source.split(":")[2]

    @property
    def address(self) -> str:
        """Name the function, and what it reads: AWS keeps one mapping of such a pair."""
        return f"{self.function_name}/{self.service}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class InvokeConfig(Record):
    """What Lambda does with asynchronous invocations of a function's alias that fail; None leaves it to AWS.

    `name` is the function's.
    """

    kind: ClassVar[str] = "invoke-config"

    alias: Ref
    retries: int | None
    maximum_age: int | None  # s
    on_failure: str | None  # an ARN


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """What an API asks about its callers; it lives inside the API, where its name is its own.

    In the words of that kind of API: `type` is "REQUEST" or "TOKEN" (a function, `target` of ours or `uri` of
    another's), "JWT" (of `issuer`, for `audience`) or "COGNITO_USER_POOLS" (of the pools `providers`).
    """

    name: str
    type: str
    identity_sources: tuple[str, ...]
    target: Ref | None = None  # the alias
    uri: str | None = None
    role: str | None = None  # that the API calls `uri` as
    ttl: int | None = None  # s
    is_simple: bool = False
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What a method of an API asks of its callers.

    `authorization` is "NONE", "AWS_IAM", or the type of the authorizer that is called `authorizer`: "CUSTOM",
    "JWT" or "COGNITO_USER_POOLS".
    """

    api_key: bool = False
    authorization: str = "NONE"
    authorizer: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HttpApi(Record):
    """An HTTP API with one route that hands everything to one function.

    `guarded` are the routes beside it, by their keys, all of them to the same function.
    """

    kind: ClassVar[str] = "http-api"

    target: Ref  # the alias
    route: str
    guarded: Mapping[str, Guard] = field(default_factory=dict)
    authorizers: tuple[Authorizer, ...] = ()
    stage: str
    payload: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RestApi(Record):
    """A REST API whose `resources` all hand any method to one function.

    By their paths, parents first: the methods that are there by themselves, and what they ask for. `answers`
    are those of the gateway's own that carry more than AWS gives them: by type, their parameters.
    """

    kind: ClassVar[str] = "rest-api"

    target: Ref  # the alias
    resources: Mapping[str, Mapping[str, Guard]]
    authorizers: tuple[Authorizer, ...] = ()
    stage: str
    endpoint_type: str  # "REGIONAL" or "EDGE"
    binary_types: tuple[str, ...]
    timeout: int  # ms
    answers: Mapping[str, Mapping[str, str]]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ApiKey(Record):
    """A key that callers of a REST API send; `key` is its name in the settings, its value AWS's secret."""

    kind: ClassVar[str] = "api-key"

    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class UsagePlan(Record):
    """What lets API keys call the stage of a REST API; what it allows them of it is not said here."""

    kind: ClassVar[str] = "usage-plan"

    api: Ref  # to its id
    stage: str
    api_keys: tuple[Ref, ...]  # to their ids
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FunctionUrl(Record):
    """The URL of a function's alias; `name` is the function's."""

    kind: ClassVar[str] = "function-url"

    alias: Ref
    function_name: str
    auth_type: str
    invoke_mode: str


@dataclass(frozen=True, kw_only=True)
class Permission(Record):
    """One statement of a function's resource policy, on its alias; `name` is the statement's id.

    `of_account` asks that the caller's resource is this account's, where its ARN does not say so: a bucket's.
    `url_auth_type` is that of the function's URL; `via_url` asks that a caller comes through it.
    """

    kind: ClassVar[str] = "permission"

    alias: Ref
    function_name: str
    alias_name: str
    action: str
    principal: str | Placed
    source: Ref | Arn | str | None = None  # the ARN of what may call
    of_account: bool = False
    url_auth_type: str | None = None
    via_url: bool = False

    @property
    def address(self) -> str:
        """Name function, alias and statement."""
        return f"{self.function_name}:{self.alias_name}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Rule(Record):
    """One rule of EventBridge, with a `pattern` or an `expression`, and the one target that it calls.

    With a `template` the target gets that instead of the event, and in it what `paths` find in the event.
    """

    kind: ClassVar[str] = "rule"

    bus: str  # its name or ARN
    pattern: Mapping[str, Any] | None = None
    expression: str | None = None
    description: str = ""
    enabled: bool = True
    target: Ref  # the alias
    template: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str]

    @property
    def address(self) -> str:
        """Name the bus first: two may have rules of one name."""
        return f"{self.bus}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class ScheduleGroup(Record):
    """The group of the stage's schedules of EventBridge Scheduler; it has tags, they have none."""

    kind: ClassVar[str] = "schedule-group"

    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Schedule(Record):
    """One schedule of EventBridge Scheduler. The event lacks the account, which the deploy knows."""

    kind: ClassVar[str] = "schedule"

    group: Ref  # to its name
    group_name: str
    expression: str
    tz: str
    description: str = ""
    enabled: bool = True
    target: Ref  # the alias
    role: Ref  # that Scheduler calls it as
    event: Mapping[str, Any]
    retries: int
    maximum_age: int  # s
    dead_letter_queue: str | None = None  # its ARN

    @property
    def address(self) -> str:
        """Name the group first: a schedule lives inside it."""
        return f"{self.group_name}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Subscription(Record):
    """What brings the notifications of a topic of SNS to a handler; `name` is the topic's."""

    kind: ClassVar[str] = "subscription"

    topic: Arn | str  # its ARN
    declared: str  # its name or ARN, as the handler has it
    function_name: str
    target: Ref  # the alias
    filter_policy: Mapping[str, Any] | None = None
    filter_scope: str

    @property
    def address(self) -> str:
        """Name function and topic."""
        return f"{self.function_name}/{self.declared}"


@dataclass(frozen=True, kw_only=True)
class LogSubscription(Record):
    """What sends the lines of a log group to a handler; `name` is the log group's.

    The subscription filter has the name of the function: AWS shows it in every event.
    """

    kind: ClassVar[str] = "log-subscription"

    declared: str  # its name or ARN, as the handler has it
    own: Ref | None = None  # the log group, where it is one of this plan
    function_name: str
    target: Ref  # the alias
    pattern: str  # which lines; empty: all

    @property
    def address(self) -> str:
        """Name function and log group."""
        return f"{self.function_name}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class BucketNotifications(Record):
    """What a bucket of S3 tells a handler of: by itself, or, `on_bus`, by way of EventBridge to a rule.

    `name` is the bucket's; of each of the `notifications` events, prefix and suffix are given.
    """

    kind: ClassVar[str] = "bucket-notifications"

    function_name: str
    target: Ref  # the alias
    notifications: tuple[tuple[tuple[str, ...], str, str], ...] = ()
    on_bus: bool = False

    @property
    def address(self) -> str:
        """Name function and bucket."""
        return f"{self.function_name}/{self.name}"


def _refs(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _refs(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _refs(one)
    elif isinstance(value, Authorizer):
        yield from _refs(value.target)
