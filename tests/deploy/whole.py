"""The fullest app that moto can hold, what it needs to be there, and all that an account holds of it."""

from __future__ import annotations

import json
from typing import Any

from microlambda.local.sources import make_sources
from tests.deploy.conftest import ACCOUNT, REGION, Cloud, account, without_numbers, zipped

_OF_ONE_MAPPING = ("UUID", "EventSourceMappingArn", "LastModified")


#: What functions may have beside their code.
_OF_ALL = f"""
python = "3.13"
architecture = "x86_64"
layers = ["arn:aws:lambda:{REGION}:{ACCOUNT}:layer:fonts:1"]
log_format = "json"
log_retention = 30
snap_start = true
environment = {{ TABLE = "orders" }}
tags = {{ team = "sales" }}

[functions.http]
policies = ["arn:aws:iam::{ACCOUNT}:policy/one", "arn:aws:iam::{ACCOUNT}:policy/two"]
"""

_TRACED = """
[functions.%s]
tracing = true
reserved_concurrency = 3
"""

_IN_A_NETWORK = """
[functions.%s]
vpc = { subnets = ["subnet-0a1b2c3d"], security_groups = ["sg-0a1b2c3d"] }
"""


def settings_of(*, traced: str | None = "take_orders", connected: str | None = "count") -> str:
    """Give settings in which what costs calls of its own is asked for by one function."""
    return _OF_ALL + (_TRACED % traced if traced else "") + (_IN_A_NETWORK % connected if connected else "")


def make_what_is_read(cloud: Cloud, plan: Any) -> None:
    """Make the queues, tables, topics and buckets that the app's handlers name, and where failures go."""
    make_sources(cloud.client, plan, ACCOUNT)
    cloud.client("sqs").create_queue(QueueName="failed")


def make_what_is_attached(cloud: Cloud) -> None:
    """Make what the settings name: policies, and a layer."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for name in ("one", "two", "three"):
        cloud.client("iam").create_policy(PolicyName=name, PolicyDocument=document)
    content = {"ZipFile": zipped({"fonts/a.ttf": "a"})}
    cloud.client("lambda").publish_layer_version(LayerName="fonts", Content=content)


def whole(cloud: Cloud) -> dict[str, Any]:
    """Everything that the account holds of ours, as the next deploy should leave it, without numbers."""
    held = without_numbers(account(cloud))
    return {
        # the log groups that handlers read are others'
        **{name: one for name, one in held.items() if not name.startswith("log-group /shop/")},
        **_mappings(cloud),
        **_rules(cloud),
        **_schedules(cloud),
        **_subscriptions(cloud),
        **_log_subscriptions(cloud),
        **_buckets(cloud),
    }


def _mappings(cloud: Cloud) -> dict[str, Any]:
    """List the mappings; those of one pair under one name, so that a doubled one shows."""
    found: dict[str, Any] = {}
    for one in cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        kept = {name: value for name, value in one.items() if name not in _OF_ONE_MAPPING}
        found.setdefault(f"mapping {one['FunctionArn']} {one['EventSourceArn']}", []).append(kept)
    return found


def _rules(cloud: Cloud) -> dict[str, Any]:
    events = cloud.client("events")
    return {
        f"rule {bus['Name']}/{rule['Name']}": {
            **rule,
            "targets": events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus["Name"])["Targets"],
        }
        for bus in events.list_event_buses()["EventBuses"]
        for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]
    }


def _schedules(cloud: Cloud) -> dict[str, Any]:
    scheduler = cloud.client("scheduler")
    found: dict[str, Any] = {}
    for group in scheduler.list_schedule_groups()["ScheduleGroups"]:
        name = group["Name"]
        for one in scheduler.list_schedules(GroupName=name)["Schedules"]:
            told = scheduler.get_schedule(GroupName=name, Name=one["Name"])
            kept = ("ScheduleExpression", "ScheduleExpressionTimezone", "State", "Target")
            found[f"schedule {name}/{one['Name']}"] = {key: told[key] for key in kept}
        if name != "default":
            found[f"schedule group {name}"] = group["State"]
    return found


def _subscriptions(cloud: Cloud) -> dict[str, Any]:
    sns = cloud.client("sns")
    found: dict[str, Any] = {}
    for one in sns.list_subscriptions()["Subscriptions"]:
        told = sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
        kept = {name: told.get(name) for name in ("FilterPolicy", "FilterPolicyScope", "Protocol")}
        found.setdefault(f"subscription {one['TopicArn']} {one['Endpoint']}", []).append(kept)
    return found


def _log_subscriptions(cloud: Cloud) -> dict[str, Any]:
    logs = cloud.client("logs")
    found: dict[str, Any] = {}
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for one in logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"]:
            kept = {key: one[key] for key in ("filterName", "filterPattern")}
            found.setdefault(f"lines of {name} {one['destinationArn']}", []).append(kept)
    return found


def _buckets(cloud: Cloud) -> dict[str, Any]:
    s3 = cloud.client("s3")
    found: dict[str, Any] = {}
    for bucket in s3.list_buckets()["Buckets"]:
        told = s3.get_bucket_notification_configuration(Bucket=bucket["Name"])
        told.pop("ResponseMetadata")
        told.pop("EventBridgeConfiguration", None)  # stays on: others may listen, too
        if told:
            found[f"notifications {bucket['Name']}"] = told
    return found
