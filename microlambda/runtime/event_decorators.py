"""The decorators of event handlers, which App and Blueprint share; loaded when an app uses the first of them.

Each makes a trigger (`triggers/`) and registers the function under its name. Keywords are AWS's or
Chalice's. Of events that Lambda queues itself: `retries` 0 to 2, `maximum_age` in seconds, and where one goes
that failed to the end, the ARNs `dead_letter_queue` and `on_failure`.
"""

from __future__ import annotations

import re
from functools import update_wrapper

from .awaiting import named
from .errors import RegistrationError
from .registration import EVENT_DECORATORS
from .registration_options import parameter_annotation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from typing import Any, ParamSpec, Protocol, TypeVar, overload

    from .tasks import Task
    from .triggers.base import Trigger
    from .triggers.expressions import At, Cron, Rate

    Function = TypeVar("Function", bound=Callable[..., Any])
    P = ParamSpec("P")
    R = TypeVar("R")
    Expression = str | Rate | Cron | At

    class Decorator(Protocol):
        """Registers the function and gives it back."""

        def __call__(self, function: Function, /) -> Function:
            """Register it."""


class EventDecorators:
    """`@app.on_sqs_message` and its kin."""

    if TYPE_CHECKING:

        def _add_handler(
            self, kind: str, function: Callable[..., Any], name: str | None, trigger: Trigger
        ) -> None:
            """Take a handler of events."""

    def _on(self, kind: type[Trigger], given: dict[str, Any]) -> Decorator:
        """The decorator for a trigger of that kind; `given` are the locals of a method below: its words."""
        other = ("self", "name", "per_record", kind.__name__)
        words = {name: value for name, value in given.items() if name not in other}
        return self._registering(kind(**words), given["name"], given.get("per_record", False))

    def _registering(self, trigger: Trigger, name: str | None, per_record: bool = False) -> Decorator:
        """The decorator that registers a function for a trigger."""
        _check_name(trigger.decorator, name)

        def register(function: Function) -> Function:
            trigger.is_per_record = _takes_record(trigger, function, per_record)
            self._add_handler(trigger.decorator, function, name, trigger)
            return function

        return register

    def schedule(
        self,
        expression: Expression | Iterable[Expression],
        *,
        name: str | None = None,
        description: str = "",
        tz: str | None = None,
        enabled: bool = True,
        input: Any = None,  # AWS's word
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function by the clock; it gets a `ScheduleEvent`.

        `expression` is "rate(10 minutes)", AWS's six-field "cron(0 18 ? * MON-FRI *)", a crontab's five
        fields ("0 18 * * 1-5"), a `Rate`, `Cron` or `At`, or a list of them. Times are those of `tz`, an IANA
        name; UTC by default. `input` (JSON) is handed over as `event.input`. With `enabled=False` it is
        deployed and rests.
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        """
        from .triggers.schedule import ScheduleTrigger

        return self._on(ScheduleTrigger, locals())

    def on_s3_event(
        self,
        bucket: str,
        events: str | Iterable[str] = ("s3:ObjectCreated:*",),
        prefix: str | Iterable[str] = "",
        suffix: str | Iterable[str] = "",
        *,
        through: str = "notifications",
        name: str | None = None,
        per_record: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function for objects of a bucket (its name or ARN); it gets an `S3Event` of `S3Record`.

        `events` are S3's types ("s3:ObjectCreated:*"), without their "s3:" too; keys begin with one of
        `prefix` and end with one of `suffix`. `through` is "notifications", S3's own, or "eventbridge", where
        the bucket sends its events to EventBridge.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
        """
        from .triggers.s3 import S3Trigger

        return self._on(S3Trigger, locals())

    def on_sqs_message(
        self,
        queue: str | None = None,
        batch_size: int = 10,
        *,
        queue_arn: str | None = None,
        maximum_batching_window_in_seconds: int = 0,
        maximum_concurrency: int | None = None,
        filters: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        name: str | None = None,
        per_record: bool = False,
    ) -> Decorator:
        """Run the function for messages of a queue (its name or ARN); it gets an `SQSEvent` of `SQSRecord`.

        A batch has up to `batch_size` messages (10,000; of a FIFO queue 10), which over 10 needs a batching
        window (to 300 s). `maximum_concurrency` is 2 to 1,000. `filters` are up to five patterns for
        messages.
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        from .triggers.sqs import SqsTrigger

        return self._on(SqsTrigger, locals())

    def on_sns_message(
        self,
        topic: str,
        *,
        filter_policy: Mapping[str, Any] | None = None,
        filter_scope: str = "MessageAttributes",
        name: str | None = None,
        per_record: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function for notifications of a topic (its name or ARN); it gets an `SNSEvent`.

        `filter_policy` lets pass what matches, by its attributes or, with `filter_scope="MessageBody"`, its
        body.
        https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
        """
        from .triggers.sns import SnsTrigger

        return self._on(SnsTrigger, locals())

    def on_dynamodb_record(
        self,
        table: str | None = None,
        *,
        stream_arn: str | None = None,
        batch_size: int = 100,
        starting_position: str = "LATEST",
        maximum_batching_window_in_seconds: int = 0,
        parallelization_factor: int = 1,
        bisect_batch_on_error: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        on_failure: str | None = None,
        filters: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        name: str | None = None,
        per_record: bool = False,
    ) -> Decorator:
        """Run the function for changes of a table (name, ARN or its stream's ARN); it gets a `DynamoDBEvent`.

        `starting_position` is "LATEST" or "TRIM_HORIZON". `retries` (-1 for no end, to 10,000) and
        `maximum_age` (seconds, -1 or 60 to 604,800) end the attempts at a batch, which then goes to
        `on_failure` (an ARN of SQS, SNS or S3).
        https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
        """
        from .triggers.dynamodb import DynamoDBTrigger

        return self._on(DynamoDBTrigger, locals())

    def on_kinesis_record(
        self,
        stream: str,
        *,
        batch_size: int = 100,
        starting_position: str = "LATEST",
        starting_position_timestamp: datetime | None = None,
        maximum_batching_window_in_seconds: int = 0,
        parallelization_factor: int = 1,
        bisect_batch_on_error: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        on_failure: str | None = None,
        filters: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        name: str | None = None,
        per_record: bool = False,
    ) -> Decorator:
        """Run the function for records of a stream (name, ARN or a consumer's ARN); it gets a `KinesisEvent`.

        `starting_position` is "LATEST", "TRIM_HORIZON" or "AT_TIMESTAMP" with the aware
        `starting_position_timestamp`; the rest is as for `on_dynamodb_record`.
        https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
        """
        from .triggers.kinesis import KinesisTrigger

        return self._on(KinesisTrigger, locals())

    def on_event(
        self,
        event_pattern: Mapping[str, Any],
        *,
        bus: str = "default",
        description: str = "",
        name: str | None = None,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function for events of an EventBridge bus (name or ARN) that match the pattern.

        It gets an `EventBridgeEvent`.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
        """
        from .triggers.eventbridge import EventBridgeTrigger

        return self._on(EventBridgeTrigger, locals())

    def on_cw_event(
        self,
        event_pattern: Mapping[str, Any],
        *,
        bus: str = "default",
        description: str = "",
        name: str | None = None,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Chalice's name for `on_event`."""
        from .triggers.eventbridge import EventBridgeTrigger

        decorator = "on_cw_event"
        return self._on(EventBridgeTrigger, locals())

    def on_kafka_record(
        self,
        topic: str,
        *,
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
        filters: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        source_access: Mapping[str, str | Iterable[str]] | None = None,
        name: str | None = None,
        per_record: bool = False,
    ) -> Decorator:
        """Run the function for records of a topic; it gets a `KafkaEvent` of `KafkaRecord`.

        `cluster` is the ARN of an MSK cluster, `bootstrap_servers` are `host:port` of one of your own.
        `source_access` are AWS's types of access and what each names (`{"SASL_SCRAM_512_AUTH": "arn:..."}`).
        With `provisioned_pollers` (least, most) Lambda takes partial failures, retries, ages and bisecting;
        without, a record that fails fails its batch.
        https://docs.aws.amazon.com/lambda/latest/dg/services-kafka-parameters.html
        """
        from .triggers.kafka import KafkaTrigger

        return self._on(KafkaTrigger, locals())

    def on_mq_message(
        self,
        queue: str,
        *,
        broker: str,
        credentials: str | None = None,
        virtual_host: str | None = None,
        batch_size: int = 100,
        maximum_batching_window_in_seconds: int = 0,
        filters: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        name: str | None = None,
        per_record: bool = False,
    ) -> Decorator:
        """Run the function for messages of an Amazon MQ queue (ActiveMQ or RabbitMQ); it gets an `MQEvent`.

        `broker` is the broker's ARN, `credentials` the ARN of the secret with user and password,
        `virtual_host` RabbitMQ's. There are no partial failures: a message that fails fails its batch.
        https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
        """
        from .triggers.mq import MqTrigger

        return self._on(MqTrigger, locals())

    def on_documentdb_change(
        self,
        database: str,
        collection: str | None = None,
        *,
        cluster: str,
        credentials: str | None = None,
        full_document: str = "Default",
        batch_size: int = 100,
        starting_position: str = "LATEST",
        starting_position_timestamp: datetime | None = None,
        maximum_batching_window_in_seconds: int = 0,
        name: str | None = None,
        per_record: bool = False,
    ) -> Decorator:
        """Run the function for changes of a DocumentDB database or collection; it gets a `DocumentDBEvent`.

        `cluster` is the cluster's ARN, `credentials` the ARN of the secret, `full_document` "Default" or
        "UpdateLookup". There are no partial failures and no filters.
        https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
        """
        from .triggers.documentdb import DocumentDBTrigger

        return self._on(DocumentDBTrigger, locals())

    def on_log_events(
        self,
        log_group: str,
        *,
        filter_pattern: str = "",
        name: str | None = None,
        per_record: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function for lines of a CloudWatch log group that match; it gets a `LogsEvent`.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
        """
        from .triggers.logs import LogsTrigger

        return self._on(LogsTrigger, locals())

    def on_alarm(
        self,
        alarm: str | Iterable[str],
        *,
        name: str | None = None,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function when a CloudWatch alarm (name or ARN; or several) turns; it gets an `AlarmEvent`.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
        """
        from .triggers.alarm import AlarmTrigger

        return self._on(AlarmTrigger, locals())

    def on_email(
        self,
        recipients: str | Iterable[str] | None = None,
        *,
        rule_set: str | None = None,
        name: str | None = None,
        per_record: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function for mail that SES receives; it gets an `EmailEvent` of `EmailRecord`.

        `recipients` are addresses, domains, or `.domain` for the subdomains; None for all mail. `rule_set` is
        the receipt rule set that the rule goes into, None for the active one.
        https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
        """
        from .triggers.email import EmailTrigger

        return self._on(EmailTrigger, locals())

    def on_cognito(self, trigger: str, *, user_pool: str | None = None, name: str | None = None) -> Decorator:
        """Run the function at a moment of a user pool's flows; it gets a `CognitoEvent` and answers it.

        `trigger` is AWS's name of the moment ("PreSignUp", "pre_sign_up"), `user_pool` the pool's id or ARN.
        https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
        """
        from .triggers.cognito import CognitoTrigger

        return self._on(CognitoTrigger, locals())

    def on_iot_message(
        self,
        topic: str | None = None,
        *,
        sql: str | None = None,
        name: str | None = None,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Run the function for messages of an MQTT topic filter (`sensors/+/heat`); it gets an `IotEvent`.

        `sql` is a rule's whole statement instead, whose result has whatever shape it says.
        https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html
        """
        from .triggers.iot import IotTrigger

        return self._on(IotTrigger, locals())

    def on_firehose_records(
        self, stream: str, *, name: str | None = None, per_record: bool = False
    ) -> Decorator:
        """Transform the records of a Firehose stream (its name or ARN); it gets a `FirehoseEvent`.

        It answers `record.ok(data)`, `record.dropped()` or `record.failed()` for every record; with one
        record at a time its new data alone will do.
        https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
        """
        from .triggers.firehose import FirehoseTrigger

        return self._on(FirehoseTrigger, locals())

    def on_ws_connect(self, *, authorizer: Any = None, name: str | None = None) -> Decorator:
        """Run the function for each new connection of the WebSocket API; it gets a `WebSocketEvent`.

        What it answers is the answer to the handshake, as a view's would be: None lets the client in, a
        status of 400 or more does not. `authorizer` decides before: a function under `@app.authorizer`, an
        IAMAuthorizer or a CustomAuthorizer.
        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
        """
        from .triggers.websocket import WebSocketTrigger

        return self._registering(WebSocketTrigger("on_ws_connect", ("$connect",), authorizer), name)

    def on_ws_message(self, route_key: str = "$default", *, name: str | None = None) -> Decorator:
        """Run the function for messages of that route key, `$default` for those of no other.

        It gets a `WebSocketEvent`.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
        """
        from .triggers.websocket import WebSocketTrigger

        return self._registering(WebSocketTrigger("on_ws_message", (route_key,)), name)

    def on_ws_disconnect(self, *, name: str | None = None) -> Decorator:
        """Run the function for each connection that ended; it gets a `WebSocketEvent`."""
        from .triggers.websocket import WebSocketTrigger

        return self._registering(WebSocketTrigger("on_ws_disconnect", ("$disconnect",)), name)

    def on(self, predicate: Callable[[dict[str, Any]], object], *, name: str | None = None) -> Decorator:
        """Run the function for every event of no other handler for which `predicate(event)` is true.

        Both get the raw event, the predicate as a dict and the function in a `CustomEvent`. The first that is
        true wins.
        """
        from .triggers.custom import CustomTrigger

        return self._on(CustomTrigger, locals())

    def authorizer(
        self,
        name: str | None = None,
        *,
        identity_sources: str | Iterable[str] = ("header.Authorization",),
        ttl: int = 300,
        ttl_seconds: int | None = None,
        type: str = "request",  # AWS's word
        simple: bool = False,
    ) -> Decorator:
        """Let the function decide about the callers of routes that name it: `authorizer=`.

        It gets an `AuthRequest` and answers an `AuthResponse`, or True or False. Callers need all of
        `identity_sources` ("header.Authorization", "query.token", "context.identity.sourceIp"), and an answer
        is kept for those with the same ones for `ttl` seconds (0 to 3,600). With `type="token"` a REST API
        hands over the one header alone; `simple` answers of HTTP APIs say yes or no.
        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
        """
        from .triggers.authorizer import AuthorizerTrigger

        return self._on(AuthorizerTrigger, locals())

    def lambda_function(
        self,
        name: str | None = None,
        *,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> Decorator:
        """Make the function `(event, context)` a Lambda function of its own, without a trigger."""
        from .triggers.function import FunctionTrigger

        return self._on(FunctionTrigger, locals())

    if TYPE_CHECKING:

        @overload
        def task(self, function: Callable[P, R], /) -> Task[P, R]: ...

        @overload
        def task(
            self,
            function: None = None,
            /,
            *,
            name: str | None = None,
            retries: int | None = None,
            maximum_age: int | None = None,
            dead_letter_queue: str | None = None,
            on_failure: str | None = None,
        ) -> Callable[[Callable[P, R]], Task[P, R]]: ...

        def task(self, *args: Any, **options: Any) -> Any:
            """Make the function a task: `function.delay(...)` runs it later, in a function of its own."""

    else:

        def task(  # noqa: D102  # its docstring stands above
            self,
            function=None,
            /,
            *,
            name=None,
            retries=None,
            maximum_age=None,
            dead_letter_queue=None,
            on_failure=None,
        ):
            from .tasks import task_decorator

            _check_name("task", name)
            decorator = task_decorator(
                self,
                name,
                retries=retries,
                maximum_age=maximum_age,
                dead_letter_queue=dead_letter_queue,
                on_failure=on_failure,
            )
            return decorator if function is None else decorator(function)


def _check_name(decorator: str, name: object) -> None:
    if name is not None and (not isinstance(name, str) or not name):
        raise RegistrationError(f"{decorator}(name={name!r}): a handler's name is a str.")


def _takes_record(trigger: Trigger, function: Any, per_record: object) -> bool:
    """Does the function take one record? By the keyword, or by the annotation of its parameter."""
    if type(per_record) is not bool:
        raise RegistrationError(f"{trigger.decorator}(per_record={per_record!r}): write True or False.")
    annotated = parameter_annotation(function)
    record_class = trigger.record_class
    own = {kind.__name__ for kind in (trigger.event_class, record_class) if kind is not None}
    others = [name for name in annotated - own if re.fullmatch(_VIEWS, name)]
    if others and not annotated & own:
        raise RegistrationError(
            f"{named(function)} takes a {others[0]}, and {trigger.decorator} hands over "
            f"{' or '.join(sorted(own))}."
        )
    if record_class is None:
        return False
    if trigger.event_class.__name__ in annotated and per_record:
        raise RegistrationError(
            f"{named(function)} takes a {trigger.event_class.__name__} and is declared with per_record=True. "
            f"Annotate it with {record_class.__name__}, or leave per_record out."
        )
    return per_record or record_class.__name__ in annotated


#: The classes that handlers get, by their names.
_VIEWS = (
    "(S3|SQS|SNS|DynamoDB|Kinesis|EventBridge|Kafka|MQ|DocumentDB|Logs?|Alarm|Email|Cognito|Iot|Firehose"
    "|WebSocket|Schedule|Custom)(Event|Record)|AuthRequest"
)


def _strict(decorator: str, method: Any) -> Any:
    """The method, telling of an unknown keyword which one was meant, and of missing parentheses."""
    code = method.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    def checked(self: Any, *args: Any, **options: Any) -> Any:
        for option in options:
            if option not in known:
                from .routing.problems import nearest

                raise TypeError(f"{decorator}() takes no {option!r}. {nearest(option, known)}")
        if args and callable(args[0]) and decorator not in ("on", "task"):
            raise RegistrationError(f"write @app.{decorator}(...) with its parentheses.")
        if not args and not options and decorator in _NEEDING_ONE.split():
            raise RegistrationError(
                f"{decorator}() takes {known[0]!r}: write @app.{decorator}({known[0]}=...)."
            )
        try:
            return method(self, *args, **options)
        except ImportError as exc:
            from .missing import explain

            explain(exc, f"app.{decorator}")
            raise

    return update_wrapper(checked, method)


#: The decorators that nothing could be declared with where they are given nothing.
_NEEDING_ONE = (
    "schedule on_s3_event on_sns_message on_kinesis_record on_event on_cw_event on_kafka_record "
    "on_mq_message on_documentdb_change on_log_events on_alarm on_cognito on_firehose_records on"
)

for _name, _method in list(vars(EventDecorators).items()):
    if _name in EVENT_DECORATORS.split():
        setattr(EventDecorators, _name, _strict(_name, _method))
