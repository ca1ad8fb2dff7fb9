"""What reaches which function just now, all the way: judged from what the account holds, as AWS would.

A way from a source to a function counts where the source names the alias, the alias has a version, and the
function (or the role that calls it) lets this source in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.deploy.conftest import Cloud

Lead = tuple[str, str]  # a source, and the function that it reaches

INTERNET = "the internet"


def leads(cloud: Cloud) -> set[Lead]:
    """Name all that reaches a function, with the function."""
    doors = _doors(cloud)
    found = (
        _mappings,
        _rules,
        _schedules,
        _subscriptions,
        _log_lines,
        _buckets,
        _http_apis,
        _rest_apis,
        _urls,
    )
    return {lead for look in found for lead in look(cloud, doors)}


class Door:
    """An alias that has its version, and whom it lets in."""

    def __init__(self, name: str, arn: str, policy: list[dict[str, Any]]) -> None:
        self.name = name
        self.arn = arn
        self._policy = policy

    def lets_in(self, service: str, source: str) -> bool:
        return any(
            one["Principal"] == {"Service": service}
            and fnmatchcase(source, next(iter(one["Condition"]["ArnLike"].values())))
            for one in self._policy
        )

    def is_called_by(self, api: str) -> bool:
        """Tell whether an API of API Gateway may call it, whatever the path."""
        region, account = self.arn.split(":")[3:5]
        place = f"arn:aws:execute-api:{region}:{account}:{api}/stage/GET/"
        return self.lets_in("apigateway.amazonaws.com", place)

    def is_asked_by(self, api: str) -> bool:
        """Tell whether the authorizers of an API of API Gateway may call it."""
        region, account = self.arn.split(":")[3:5]
        place = f"arn:aws:execute-api:{region}:{account}:{api}/authorizers/a1b2c3"
        return self.lets_in("apigateway.amazonaws.com", place)

    def is_public(self) -> bool:
        """Since October 2025 a URL wants both: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html."""
        actions = {one["Action"] for one in self._policy if one["Principal"] in ("*", {"AWS": "*"})}
        return {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} <= actions


def _doors(cloud: Cloud) -> dict[str, Door]:
    lambda_ = cloud.client("lambda")
    found: dict[str, Door] = {}
    for function in lambda_.list_functions()["Functions"]:
        name = function["FunctionName"]
        versions = lambda_.list_versions_by_function(FunctionName=name)["Versions"]
        for alias in lambda_.list_aliases(FunctionName=name)["Aliases"]:
            if any(one["Version"] == alias["FunctionVersion"] for one in versions):
                found[alias["AliasArn"]] = Door(
                    name, alias["AliasArn"], _policy(lambda_, name, alias["Name"])
                )
    return found


def _policy(lambda_: Any, name: str, alias: str) -> list[dict[str, Any]]:
    try:
        told = json.loads(lambda_.get_policy(FunctionName=name, Qualifier=alias)["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        return []
    found: list[dict[str, Any]] = told["Statement"]
    return found


def _mappings(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    for one in cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        if one["FunctionArn"] in doors and one["State"] == "Enabled":
            yield one["EventSourceArn"], doors[one["FunctionArn"]].name


def _rules(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    events = cloud.client("events")
    for bus in events.list_event_buses()["EventBuses"]:
        for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
            what = rule.get("EventPattern") or rule.get("ScheduleExpression")
            place = {"Rule": rule["Name"], "EventBusName": bus["Name"]}
            for target in events.list_targets_by_rule(**place)["Targets"]:
                door = doors.get(target["Arn"])
                is_open = door is not None and door.lets_in("events.amazonaws.com", rule["Arn"])
                if door is not None and is_open and rule["State"] == "ENABLED":
                    yield f"{bus['Name']}: {what}", door.name


def _schedules(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    scheduler = cloud.client("scheduler")
    for group in scheduler.list_schedule_groups()["ScheduleGroups"]:
        for one in scheduler.list_schedules(GroupName=group["Name"])["Schedules"]:
            told = scheduler.get_schedule(GroupName=group["Name"], Name=one["Name"])
            target = told["Target"]
            if told["State"] == "ENABLED" and target["Arn"] in doors:
                if target["Arn"] not in _callable_by(cloud, target["RoleArn"]):
                    continue
                when = f"{told['ScheduleExpression']} in {told['ScheduleExpressionTimezone']}"
                yield when, doors[target["Arn"]].name


def _callable_by(cloud: Cloud, role: str) -> set[str]:
    """The functions that a role may call."""
    iam, name = cloud.client("iam"), role.rpartition("/")[2]
    try:
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    except iam.exceptions.NoSuchEntityException:
        return set()
    documents = (iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in policies)
    statements = (one for document in documents for one in document["Statement"])
    return {
        arn
        for one in statements
        if one["Action"] == "lambda:InvokeFunction"
        for arn in ([one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"])
    }


def _subscriptions(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    for one in cloud.client("sns").list_subscriptions()["Subscriptions"]:
        door = doors.get(one["Endpoint"])
        if door is not None and door.lets_in("sns.amazonaws.com", one["TopicArn"]):
            yield one["TopicArn"], door.name


def _log_lines(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    logs = cloud.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for one in logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"]:
            door = doors.get(one["destinationArn"])
            if door is not None and door.lets_in(
                "logs.amazonaws.com", f"{group['arn'].removesuffix(':*')}:*"
            ):
                yield name, door.name


def _buckets(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    s3 = cloud.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        arn = f"arn:aws:s3:::{bucket['Name']}"
        told = s3.get_bucket_notification_configuration(Bucket=bucket["Name"])
        for one in told.get("LambdaFunctionConfigurations", ()):
            door = doors.get(one["LambdaFunctionArn"])
            if door is not None and door.lets_in("s3.amazonaws.com", arn):
                yield arn, door.name


def _http_apis(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    gateway = cloud.client("apigatewayv2")
    for api in gateway.get_apis()["Items"]:
        place = {"ApiId": api["ApiId"]}
        uris = {
            one["IntegrationId"]: one["IntegrationUri"] for one in gateway.get_integrations(**place)["Items"]
        }
        stages = [one["StageName"] for one in gateway.get_stages(**place)["Items"]]
        for route in gateway.get_routes(**place)["Items"]:
            door = doors.get(uris.get(route["Target"].rpartition("/")[2], ""))
            if stages != ["$default"] or door is None or not door.is_called_by(api["ApiId"]):
                continue
            if route["RouteKey"] == "$default":
                yield INTERNET, door.name
            elif route["AuthorizationType"] == "CUSTOM":
                asked = gateway.get_authorizer(**place, AuthorizerId=route["AuthorizerId"])
                yield from _asked(api["ApiId"], asked["AuthorizerUri"], route["RouteKey"], door, doors)


def _asked(api: str, uri: str, route: str, door: Door, doors: dict[str, Door]) -> Iterator[Lead]:
    """Name a route whose authorizer may be called; what that is, may change."""
    decides = doors.get(_function(uri))
    if decides is not None and decides.is_asked_by(api):
        yield route, door.name


def _function(uri: str) -> str:
    return re.sub(r".*/functions/(.*)/invocations", r"\1", uri)


def _rest_apis(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    gateway = cloud.client("apigateway")
    for api in gateway.get_rest_apis()["items"]:
        place = {"restApiId": api["id"]}
        deployed = {one["id"] for one in gateway.get_deployments(**place)["items"]}
        if not any(one["deploymentId"] in deployed for one in gateway.get_stages(**place)["item"]):
            continue
        for resource in gateway.get_resources(**place, embed=["methods"])["items"]:
            for method in resource.get("resourceMethods", {}).values():
                door = doors.get(_function(method["methodIntegration"]["uri"]))
                if door is not None and door.is_called_by(api["id"]) and resource["path"] == "/{proxy+}":
                    yield INTERNET, door.name


def _urls(cloud: Cloud, doors: dict[str, Door]) -> Iterator[Lead]:
    lambda_ = cloud.client("lambda")
    for door in doors.values():
        try:
            told = lambda_.get_function_url_config(FunctionName=door.name, Qualifier="live")
        except lambda_.exceptions.ResourceNotFoundException:
            continue
        if told["AuthType"] == "NONE" and door.is_public():
            yield INTERNET, door.name
