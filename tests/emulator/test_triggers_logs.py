"""Log groups of the embedded cloud call functions, through boto3."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent

from .accounts import REGION
from .traces import Shop, open_shop

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def group(shop: Shop, name: str) -> str:
    shop.cloud.client("logs").create_log_group(logGroupName=name)
    shop.cloud.client("logs").create_log_stream(logGroupName=name, logStreamName="one")
    return f"arn:aws:logs:{REGION}:{shop.cloud.account}:log-group:{name}:*"


def subscribe(shop: Shop, name: str, log_group: str, pattern: str = "", filter_name: str = "ours") -> None:
    shop.cloud.client("logs").put_subscription_filter(
        logGroupName=log_group, filterName=filter_name, filterPattern=pattern, destinationArn=shop.arn(name)
    )


def write(shop: Shop, log_group: str, *lines: str) -> int:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines]
    shop.cloud.client("logs").put_log_events(logGroupName=log_group, logStreamName="one", logEvents=events)
    return now


def test_lines_reach_the_function_as_cloudwatch_packs_them(shop: Shop) -> None:
    name = shop.tracing()
    shop.allow(name, "logs", group(shop, "/web"))
    subscribe(shop, name, "/web")

    written = write(shop, "/web", "first", "zwölf")

    told = CloudWatchLogsEvent(shop.traces.next(name)).parse_logs_data()
    assert (told.log_group, told.log_stream, told.owner) == ("/web", "one", shop.cloud.account)
    assert (told.message_type, told.subscription_filters) == ("DATA_MESSAGE", ["ours"])
    assert [(one.message, one.timestamp) for one in told.log_events] == [
        ("first", written),
        ("zwölf", written),
    ]
    assert len({one.get_id for one in told.log_events}) == 2
    assert {len(one.get_id) for one in told.log_events} == {56}


def test_only_lines_that_match_are_sent(shop: Shop) -> None:
    name = shop.tracing()
    shop.allow(name, "logs", group(shop, "/mail"))
    subscribe(shop, name, "/mail", "?ERROR ?WARN")

    write(shop, "/mail", "INFO fine")
    write(shop, "/mail", "WARN hm", "INFO fine", "ERROR no")

    told = CloudWatchLogsEvent(shop.traces.next(name)).parse_logs_data()
    assert [one.message for one in told.log_events] == ["WARN hm", "ERROR no"]
    assert shop.traces.left(name) == []


def test_a_filter_is_refused_where_logs_may_not_call_the_function(shop: Shop) -> None:
    name = shop.tracing()
    group(shop, "/closed")
    logs = shop.cloud.client("logs")

    with pytest.raises(logs.exceptions.InvalidParameterException, match="Could not execute the lambda"):
        subscribe(shop, name, "/closed")

    assert logs.describe_subscription_filters(logGroupName="/closed")["subscriptionFilters"] == []


def test_a_pattern_that_is_none_is_refused(shop: Shop) -> None:
    name = shop.tracing()
    shop.allow(name, "logs", group(shop, "/odd"))
    logs = shop.cloud.client("logs")

    with pytest.raises(logs.exceptions.InvalidParameterException, match="Invalid filter pattern"):
        subscribe(shop, name, "/odd", "{ $.a = }")
    write(shop, "/odd", "a line")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Invalid filter pattern"):
        logs.filter_log_events(logGroupName="/odd", filterPattern="{ $.a = }")


def test_one_of_two_filters_can_be_changed_and_a_third_is_refused(shop: Shop) -> None:
    name = shop.tracing()
    shop.allow(name, "logs", group(shop, "/two"))
    logs = shop.cloud.client("logs")
    for number in ("1", "2"):
        subscribe(shop, name, "/two", f"old{number}", number)

    subscribe(shop, name, "/two", "new", "2")

    found = logs.describe_subscription_filters(logGroupName="/two")["subscriptionFilters"]
    assert [one["filterPattern"] for one in found] == ["old1", "new"]
    with pytest.raises(logs.exceptions.LimitExceededException):
        subscribe(shop, name, "/two", "", "3")


def test_what_a_function_prints_reaches_another(shop: Shop) -> None:
    talking = shop.function("def handler(event, context): print('said', event['word'])\n")
    listening = shop.tracing()
    shop.cloud.client("logs").create_log_group(logGroupName=f"/aws/lambda/{talking}")
    source = f"arn:aws:logs:{REGION}:{shop.cloud.account}:log-group:/aws/lambda/{talking}:*"
    shop.allow(listening, "logs", source)
    subscribe(shop, listening, f"/aws/lambda/{talking}", "said")

    shop.lambdas.invoke(FunctionName=talking, Payload=b'{"word": "hello"}')

    told = CloudWatchLogsEvent(shop.traces.next(listening)).parse_logs_data()
    assert [one.message.strip() for one in told.log_events] == ["said hello"]


def test_lines_are_looked_for_by_their_patterns(shop: Shop) -> None:
    group(shop, "/search")
    write(shop, "/search", '{"level": 40}', '{"level": 20}', "plain")

    found = shop.cloud.client("logs").filter_log_events(
        logGroupName="/search", filterPattern="{ $.level >= 30 }"
    )

    assert [one["message"] for one in found["events"]] == ['{"level": 40}']
