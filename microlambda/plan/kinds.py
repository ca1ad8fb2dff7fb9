"""The one list of resource kinds, in the order in which they are created; removal goes backwards.

The design's order is role, log group, layer, function, version, alias, permission, trigger. An HTTP API comes
before its permission, because the permission names the API's id, which AWS chooses.
"""

from __future__ import annotations

from dataclasses import dataclass

from microlambda.plan.records import (
    Alias,
    Function,
    HttpApi,
    Layer,
    LogGroup,
    Permission,
    Record,
    Role,
    Version,
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource: its record, what to call it, and the kind that it lives inside, if any.

    `unmarked` says of one that it does not tell whose it is.
    """

    record: type[Record]
    title: str
    inside: str | None = None
    unmarked: str = "it has no tag {tag}"

    @property
    def name(self) -> str:
        """Name the kind as references and backends do."""
        return self.record.kind


#: What closes the door goes first.
REMOVAL_ORDER = ("http-api", "permission", "alias", "version", "function", "layer", "log-group", "role")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(record=Role, title="role"),
        Kind(record=LogGroup, title="log group"),
        Kind(record=Layer, title="layer", unmarked="its description does not name its {tag}"),
        Kind(record=Function, title="function"),
        Kind(record=Version, title="version of", inside="function"),
        Kind(record=Alias, title="alias", inside="function"),
        Kind(record=HttpApi, title="HTTP API"),
        Kind(record=Permission, title="permission", inside="function"),
    )
}
