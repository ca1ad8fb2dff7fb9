"""moto's event source mappings, made to answer what was asked for, and left to our pollers to carry out.

moto stores the version that an alias points at, finds mappings by the very text that they were made with,
makes a second one of a pair, knows no consumers of streams, and forgets the time that a stream is read from.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.cloud.deployed import FunctionName
from microlambda.emulator.cloud.moto_adapter import ACCOUNT, function_arn
from microlambda.runtime.errors import RegistrationError
from microlambda.runtime.triggers.patterns import check_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_CONSUMER = "/consumer/"
_REPORTS = "ReportBatchItemFailures"


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """An event source mapping as it is at a moment; None is what nobody asked for, and -1 no limit."""

    id: str
    region: str
    function_arn: str
    source_arn: str
    is_enabled: bool
    batch_size: int
    window: float
    filters: tuple[str, ...]
    reports_failures: bool
    maximum_concurrency: int | None
    starting_position: str
    starting_timestamp: float | None
    bisects: bool
    retries: int
    maximum_age: int
    on_failure: str | None

    @property
    def service(self) -> str:
        """The service that is polled."""
        return self.source_arn.split(":")[2]

    @property
    def feed_arn(self) -> str:
        """The queue or stream; of a consumer the stream that it is one of."""
        return self.source_arn.partition(_CONSUMER)[0]


def mappings(region: str | None = None) -> list[Mapping]:
    """List all mappings, of one region or of all."""
    from moto.awslambda.models import lambda_backends

    regions = [region] if region is not None else list(lambda_backends[ACCOUNT])
    return [
        _read(stored)
        for one in regions
        for stored in list(lambda_backends[ACCOUNT][one]._event_source_mappings.values())
    ]


def mapping(region: str, name: str) -> Mapping | None:
    """Look at a mapping; None where there is none any more."""
    from moto.awslambda.models import lambda_backends

    stored = lambda_backends[ACCOUNT][region]._event_source_mappings.get(name)
    return None if stored is None else _read(stored)


@contextmanager
def telling_of_mappings(changed: Callable[[Mapping], None]) -> Iterator[None]:
    """Call back with each mapping that was made, changed or deleted, before the caller has the answer."""
    from moto.awslambda.models import EventSourceMapping, LambdaBackend

    update, delete = LambdaBackend.update_event_source_mapping, LambdaBackend.delete_event_source_mapping
    tell = EventSourceMapping.get_configuration

    def made(backend: Any, spec: dict[str, Any]) -> Any:
        stored = _make(backend, spec)
        backend._event_source_mappings[stored.uuid] = stored
        changed(_read(stored))
        return stored

    def updated(backend: Any, uuid: str, spec: dict[str, Any]) -> Any:
        _check_filters(spec)
        stored = update(backend, uuid, spec)
        if stored is not None:
            if name := spec.get("FunctionName"):
                stored.function_arn = stored.function_name = _qualified(backend, name)
            changed(_read(stored))
        return stored

    def deleted(backend: Any, uuid: str) -> Any:
        stored = delete(backend, uuid)
        if stored is not None:
            changed(_read(stored))
        return stored

    def listed(backend: Any, event_source_arn: str, function_name: str) -> Sequence[Any]:
        function = function_name and function_arn(backend.region_name, FunctionName.parse(function_name))
        return [
            one
            for one in list(backend._event_source_mappings.values())
            if event_source_arn in (None, "", one.event_source_arn)
            and function in (None, "", one.function_arn)
        ]

    def told(stored: Any) -> Any:
        start = stored.starting_position_timestamp
        return {**tell(stored), **({} if start is None else {"StartingPositionTimestamp": start})}

    with (
        patch.object(LambdaBackend, "create_event_source_mapping", made),
        patch.object(LambdaBackend, "update_event_source_mapping", updated),
        patch.object(LambdaBackend, "delete_event_source_mapping", deleted),
        patch.object(LambdaBackend, "list_event_source_mappings", listed),
        patch.object(EventSourceMapping, "get_configuration", told),
    ):
        yield


def _make(backend: Any, spec: dict[str, Any]) -> Any:
    """Make a mapping that the source does not know of: moto would call functions from within the sender."""
    from moto.awslambda import models
    from moto.awslambda.exceptions import LambdaClientError
    from moto.core.exceptions import JsonRESTError

    source, name = spec.get("EventSourceArn"), spec.get("FunctionName")
    if not source or not name:
        missing = "FunctionName" if source else "EventSourceArn"
        raise JsonRESTError("InvalidParameterValueException", f"Missing {missing}")
    _check_filters(spec)
    backend.get_function(name)  # raises where there is none
    # what another account has cannot be looked at from here, and sends nothing
    if source.split(":")[4] == ACCOUNT and not _exists(backend, source.partition(_CONSUMER)[0]):
        raise JsonRESTError("ResourceNotFoundException", "Invalid EventSourceArn")
    arn = _qualified(backend, name)
    for one in backend._event_source_mappings.values():
        if (one.function_arn, one.event_source_arn) == (arn, source):
            raise LambdaClientError(
                "ResourceConflictException",
                f'The event source arn (" {source} ") and function (" {arn} ") provided mapping already '
                f"exists. Please update or delete the existing mapping with UUID {one.uuid}",
            )
    place = {"RegionName": backend.region_name, "AccountId": backend.account_id}
    mapping_type: Any = models.EventSourceMapping
    return mapping_type({**spec, **place, "FunctionName": arn, "FunctionArn": arn})


def _check_filters(spec: dict[str, Any]) -> None:
    """Refuse patterns that could not be matched with, as Lambda does."""
    from moto.awslambda.exceptions import LambdaClientError

    for one in (spec.get("FilterCriteria") or {}).get("Filters") or ():
        try:
            pattern = json.loads(one.get("Pattern") or "{}")
            if pattern != {}:
                check_pattern("Filters", "Pattern", pattern)
        except (ValueError, RegistrationError) as exc:
            why = f"Invalid filter pattern definition. {exc}"
            raise LambdaClientError("InvalidParameterValueException", why) from exc


def _exists(backend: Any, source: str) -> bool:
    from moto.dynamodbstreams.models import dynamodbstreams_backends
    from moto.kinesis.models import kinesis_backends
    from moto.sqs.models import sqs_backends

    account, region = backend.account_id, backend.region_name
    queues = (one.queue_arn for one in sqs_backends[account][region].queues.values())
    streams = (one.arn for one in kinesis_backends[account][region].streams.values())
    tables = (one["StreamArn"] for one in dynamodbstreams_backends[account][region].list_streams())
    return any(source in arns for arns in (list(queues), list(streams), list(tables)))


def _qualified(backend: Any, name: str) -> str:
    return function_arn(backend.region_name, FunctionName.parse(name))


def _read(stored: Any) -> Mapping:
    destination = ((stored.destination_config or {}).get("OnFailure") or {}).get("Destination")
    filters = (stored.filter_criteria or {}).get("Filters") or []
    return Mapping(
        id=stored.uuid,
        region=stored.region,
        function_arn=stored.function_arn,
        source_arn=stored.event_source_arn,
        is_enabled=bool(stored.enabled),
        batch_size=int(stored.batch_size),
        window=float(stored.max_batch_window or 0),
        filters=tuple(one.get("Pattern") or "{}" for one in filters),
        reports_failures=_REPORTS in (stored.function_response_types or ()),
        maximum_concurrency=(stored.scaling_config or {}).get("MaximumConcurrency"),
        starting_position=stored.starting_position or "TRIM_HORIZON",
        starting_timestamp=stored.starting_position_timestamp,
        bisects=bool(stored.bisect_on_error),
        retries=_limit(stored.max_retry_attempts),
        maximum_age=_limit(stored.max_record_age),
        on_failure=destination or None,
    )


def _limit(asked: int | None) -> int:
    return -1 if asked is None else int(asked)
