"""`@app.on_kafka_record`.

https://docs.aws.amazon.com/lambda/latest/dg/services-kafka-parameters.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
"""

from __future__ import annotations

import re

from ..errors import RegistrationError
from ..events.kafka import KafkaEvent, KafkaRecord
from .base import FIRST, RAISE, checked_choice, checked_flag, checked_int, checked_texts, refuse
from .mapping import MappingTrigger, checked_filters, checked_window, described, stream_retries
from .names import checked_arn
from .stream import checked_destination, checked_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any

_DECORATOR = "on_kafka_record"
_TOPIC = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{1,248}"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_SERVER = rf"({_LABEL}\.)*{_LABEL}:[0-9]{{1,5}}"
_ACCESS_VALUE = r"[ a-zA-Z0-9/*:_+=.@-]{1,200}"
_TO_TOPIC = "kafka://"

#: `SourceAccessConfiguration.Type`, those of Kafka; the last two name nothing.
#: https://docs.aws.amazon.com/lambda/latest/api/API_SourceAccessConfiguration.html
_OF_EACH = ("SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH")
_WITHOUT_VALUE = ("IAM_AUTH", "IAM_OAUTHBEARER_AUTH")
_OF_OWN_CLUSTERS = (
    *_OF_EACH,
    "BASIC_AUTH",
    "SASL_SCRAM_256_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
    "VPC_SUBNET",
    "VPC_SECURITY_GROUP",
    "OAUTHBEARER_AUTH",
    "OAUTHBEARER_SCOPE",
    "OAUTHBEARER_AUDIENCE",
    "OAUTHBEARER_LOGICAL_CLUSTER",
    "OAUTHBEARER_IDENTITY_POOL",
    *_WITHOUT_VALUE,
)


class KafkaTrigger(MappingTrigger):
    """A topic, of the MSK cluster of that ARN or of the cluster behind `bootstrap_servers`.

    `source_access` is kept as pairs of a type and what it names: of subnets there may be several.
    """

    decorator = _DECORATOR
    source = "kafka"
    event_class = KafkaEvent
    record_class = KafkaRecord

    def __init__(
        self,
        *,
        topic: str,
        cluster: str | None = None,
        bootstrap_servers: Iterable[str] | None = None,
        consumer_group: str | None = None,
        batch_size: int = 100,
        starting_position: str = "LATEST",
        starting_position_timestamp: datetime | None = None,
        maximum_batching_window_in_seconds: int = 0,
        provisioned_pollers: tuple[int, int] | None = None,
        bisect_batch_on_error: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        on_failure: str | None = None,
        filters: Any = None,
        source_access: Mapping[str, str | Iterable[str]] | None = None,
    ) -> None:
        self.topic = _checked_topic("topic", topic)
        self.cluster, self.bootstrap_servers = _checked_cluster(cluster, bootstrap_servers)
        self.consumer_group = _checked_group(consumer_group)
        self.batch_size = checked_int(_DECORATOR, "batch_size", batch_size, 1, 10_000, "records")
        self.starting_position = checked_start(_DECORATOR, starting_position, starting_position_timestamp)
        self.starting_position_timestamp = starting_position_timestamp
        self.maximum_batching_window_in_seconds = checked_window(
            _DECORATOR, maximum_batching_window_in_seconds
        )
        self.provisioned_pollers = _checked_pollers(provisioned_pollers)
        self.bisect_batch_on_error = checked_flag(_DECORATOR, "bisect_batch_on_error", bisect_batch_on_error)
        stream_retries(_DECORATOR, retries, maximum_age)
        self.retries = retries
        self.maximum_age = maximum_age
        self._check_provisioned()
        self.on_failure = self._checked_destination(on_failure)
        self.filters = checked_filters(_DECORATOR, filters, "value")
        allowed = _OF_OWN_CLUSTERS if self.cluster is None else _OF_EACH
        self.source_access = _checked_access(source_access, allowed)

    def _check_provisioned(self) -> None:
        """Retries, ages and bisecting are there in provisioned mode only."""
        if self.provisioned_pollers is not None:
            return
        for keyword in ("bisect_batch_on_error", "retries", "maximum_age"):
            value = getattr(self, keyword)
            if value is not False and value is not None:
                why = "AWS takes that in provisioned mode only: provisioned_pollers=(1, 2)."
                raise refuse(_DECORATOR, keyword, value, why)

    def _checked_destination(self, on_failure: object) -> str | None:
        """Where failures go: an ARN, or `kafka://` and another topic of the same cluster.

        https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
        """
        if not isinstance(on_failure, str) or not on_failure.startswith(_TO_TOPIC):
            return checked_destination(_DECORATOR, on_failure)
        topic = on_failure.removeprefix(_TO_TOPIC)
        if not re.fullmatch(_TOPIC, topic):
            raise refuse(_DECORATOR, "on_failure", on_failure, f"{topic!r} is no topic's name.")
        if topic == self.topic:
            raise refuse(_DECORATOR, "on_failure", on_failure, "that is the topic itself: name another.")
        return on_failure

    @property
    def reports_failures(self) -> bool:
        """In provisioned mode Lambda does."""
        return self.provisioned_pollers is not None

    def failure_mode(self, event: Any) -> str:  # noqa: ARG002  # it is the same for all events
        """Of each partition the first, where Lambda reads that; else a failure is the batch's."""
        return FIRST if self.reports_failures else RAISE

    def order_of(self, record: KafkaRecord) -> str:
        """Topic and partition: a partition keeps its order."""
        return f"{record.topic}-{record.partition}"

    def fits(self, event: dict[str, Any]) -> bool:
        """By the topic of the first record and the cluster's ARN, which one of your own does not have."""
        if event["eventSource"] == "aws:kafka":
            if event["eventSourceArn"] != self.cluster:
                return False
        elif self.cluster is not None:
            return False
        first = next(iter(KafkaEvent(event)), None)
        return first is None or first.topic == self.topic

    def shared_with(self, other: KafkaTrigger) -> str | None:
        """The same topic of the same cluster: each of the two would do all of its records."""
        if self.topic != other.topic or self.cluster != other.cluster:
            return None
        if self.cluster is None and not set(self.bootstrap_servers) & set(other.bootstrap_servers):
            return None
        return f"the records of the topic {self.topic!r}"

    def declared(self) -> str:
        """With the topic and the cluster."""
        servers = list(self.bootstrap_servers)
        words = {"topic": self.topic, "cluster": self.cluster, "bootstrap_servers": servers}
        return described(_DECORATOR, words)


def _checked_topic(keyword: str, topic: object) -> str:
    if not isinstance(topic, str) or not re.fullmatch(_TOPIC, topic):
        why = "a topic's name has 2 to 249 letters, digits, '-', '_' and '.', with no '.' in front."
        raise refuse(_DECORATOR, keyword, topic, why)
    return topic


def _checked_cluster(cluster: object, servers: object) -> tuple[str | None, tuple[str, ...]]:
    """The ARN, or the servers: one of the two."""
    if (cluster is None) == (servers is None):
        raise RegistrationError(
            f"{_DECORATOR}() takes either cluster='arn:aws:kafka:...', the ARN of an MSK cluster, or "
            "bootstrap_servers=['host:9092'] of one of your own."
        )
    if cluster is not None:
        arn = checked_arn(_DECORATOR, "cluster", cluster, service="kafka")
        if not re.fullmatch(r"(cluster|vpc-connection/[0-9]+)/[^/]+/[^/]+", arn.split(":", 5)[5]):
            form = "arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/ID"
            raise refuse(_DECORATOR, "cluster", cluster, f"that is not the ARN of a cluster, {form}.")
        return arn, ()
    return None, _checked_servers(servers)


def _checked_servers(servers: object) -> tuple[str, ...]:
    checked = checked_texts(_DECORATOR, "bootstrap_servers", servers)
    if len(checked) > 10:  # EndpointLists of CreateEventSourceMapping
        raise refuse(_DECORATOR, "bootstrap_servers", servers, "AWS takes at most 10.")
    for server in checked:
        port = server.rpartition(":")[2]
        if len(server) > 300 or not re.fullmatch(_SERVER, server) or not 0 < int(port) < 65_536:
            why = f"{server!r} is no host:port, such as 'broker-1.example.com:9092'."
            raise refuse(_DECORATOR, "bootstrap_servers", servers, why)
    return checked


def _checked_access(given: object, allowed: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Pairs of a type and what it names, which is empty for those that name nothing."""
    if given is None:
        return ()
    if not isinstance(given, dict) or not given:
        why = "write a dict of types of access: {'SASL_SCRAM_512_AUTH': 'arn:...'}."
        raise refuse(_DECORATOR, "source_access", given, why)
    pairs = []
    for kind, value in given.items():
        checked_choice(_DECORATOR, "source_access", kind, allowed)
        for one in checked_texts(_DECORATOR, "source_access", value):
            if not re.fullmatch(_ACCESS_VALUE, one) and not (kind in _WITHOUT_VALUE and not one):
                why = f"{kind} names an ARN or an id, of up to 200 characters."
                raise refuse(_DECORATOR, "source_access", {kind: value}, why)
            pairs.append((kind, one))
    return tuple(pairs)


def _checked_group(group: object) -> str | None:
    if group is not None and not (isinstance(group, str) and re.fullmatch(_ACCESS_VALUE, group)):
        why = "a consumer group's id has up to 200 letters, digits, spaces and any of '/*:_+=.@-'."
        raise refuse(_DECORATOR, "consumer_group", group, why)
    return group


def _checked_pollers(pollers: object) -> tuple[int, int] | None:
    """The least, 1 to 200, and the most, 1 to 2,000.

    https://docs.aws.amazon.com/lambda/latest/api/API_ProvisionedPollerConfig.html
    """
    if pollers is None:
        return None
    if not isinstance(pollers, (tuple, list)) or len(pollers) != 2:
        raise refuse(_DECORATOR, "provisioned_pollers", pollers, "write the least and the most: (1, 10).")
    least, most = pollers
    if not (type(least) is int and type(most) is int and 1 <= least <= 200 and least <= most <= 2_000):
        why = "AWS takes 1 to 200 for the least, and up to 2,000 and no fewer for the most."
        raise refuse(_DECORATOR, "provisioned_pollers", pollers, why)
    return least, most
