"""The one list of resource kinds, in the order in which they are created; removal goes backwards.

The design's order is role, log group, layer, function, version, alias, permission, trigger. An API comes
before its permission, because the permission names the API's id, which AWS chooses.
"""

from __future__ import annotations

from dataclasses import dataclass

from microlambda.plan.records import (
    Alias,
    ApiKey,
    BucketNotifications,
    EventSourceMapping,
    Function,
    FunctionUrl,
    HttpApi,
    InvokeConfig,
    Layer,
    LogGroup,
    LogSubscription,
    Permission,
    Record,
    RestApi,
    Role,
    Rule,
    Schedule,
    ScheduleGroup,
    Subscription,
    UsagePlan,
    Version,
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource: its record, what to call it, and the kind that it lives inside or is found by.

    `unmarked` says of one that it does not tell whose it is. Where its removal `loses` nothing, nobody is
    asked: nothing stops answering, and no event is dropped. One that is `alike` is called the same in every
    function, whose name its address begins with.
    """

    record: type[Record]
    title: str
    inside: str | None = None
    unmarked: str = "it has no tag {tag}"
    loses: str = "an answer or events"
    alike: bool = False

    @property
    def name(self) -> str:
        """Name the kind as references and backends do."""
        return self.record.kind


#: What closes the door goes first, and a usage plan before the API of its stage.
REMOVAL_ORDER = (
    "http-api",
    "usage-plan",
    "rest-api",
    "api-key",
    "function-url",
    "subscription",
    "log-subscription",
    "bucket-notifications",
    "schedule",
    "schedule-group",
    "rule",
    "event-source-mapping",
    "permission",
    "invoke-config",
    "alias",
    "version",
    "function",
    "layer",
    "log-group",
    "role",
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(record=Role, title="role"),
        Kind(record=LogGroup, title="log group"),
        Kind(
            record=Layer,
            title="layer",
            unmarked="its description does not name its {tag}",
            loses="nothing",  # it can be built again
        ),
        Kind(record=Function, title="function"),
        Kind(record=Version, title="version of", inside="function"),
        Kind(record=Alias, title="alias", inside="function", alike=True),
        Kind(record=EventSourceMapping, title="event source mapping", inside="function"),
        Kind(record=InvokeConfig, title="failed invocations of", inside="function", loses="nothing"),
        Kind(record=HttpApi, title="HTTP API"),
        Kind(record=RestApi, title="REST API"),
        Kind(record=ApiKey, title="API key"),
        Kind(record=UsagePlan, title="usage plan"),
        Kind(record=Permission, title="permission", inside="function", alike=True),
        Kind(record=FunctionUrl, title="URL of", inside="function"),
        Kind(record=Rule, title="rule", inside="function"),
        Kind(record=ScheduleGroup, title="schedule group"),
        Kind(record=Schedule, title="schedule", inside="schedule-group"),
        Kind(record=Subscription, title="subscription to", inside="function"),
        Kind(
            record=LogSubscription,
            title="subscription to the log group",
            inside="function",
            unmarked="it calls no function of this stage, as its {tag} would tell",
        ),
        Kind(record=BucketNotifications, title="notifications of the bucket", inside="function"),
    )
}
