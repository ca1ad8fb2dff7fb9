"""The routes of an HTTP API, found by their keys: one for everything, and beside it those that are planned.

What is changed of them is live at once. So none is there for a moment without what it asks of callers, and
what keeps a view open comes before the route that would protect it, and goes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.plan.records import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.plan.records import HttpApi

    Route = Mapping[str, Any]  # as GetRoutes tells of it
    Ids = Mapping[str, str]  # of authorizers, by name

_OPEN = "NONE"


def planned_routes(record: HttpApi) -> dict[str, Guard]:
    """Give the planned routes by key, those that ask nothing first."""
    routes = {record.route: Guard(), **record.guarded}
    return dict(sorted(routes.items(), key=lambda one: one[1].authorization != _OPEN))


def target_of(integration: Mapping[str, Any] | None) -> str | None:
    """Write an integration as routes name it."""
    return None if integration is None else f"integrations/{integration['IntegrationId']}"


def route_reasons(routes: Iterable[Route], record: HttpApi, target: str | None, ids: Ids) -> list[str]:
    """Name the routes that are missing, lead elsewhere or ask something else than planned."""
    there = {route["RouteKey"]: route for route in routes}
    return [
        f"route {key}"
        for key, guard in planned_routes(record).items()
        if not _is_as_planned(there.get(key), target, guard, ids)
    ]


def left_over_routes(routes: Iterable[Route], record: HttpApi, target: str | None) -> list[Route]:
    """List the routes to our integration that are planned no longer, those that ask for something first."""
    planned = planned_routes(record)
    ours = [one for one in routes if one["RouteKey"] not in planned and one.get("Target") == target]
    return sorted(ours, key=lambda one: (_asks(one) == _OPEN, one["RouteKey"]))


def foreign_routes(routes: Iterable[Route], record: HttpApi, target: str | None) -> list[Route]:
    """List the routes that others have put into the API."""
    planned = planned_routes(record)
    return [one for one in routes if one["RouteKey"] not in planned and one.get("Target") != target]


def put_routes(
    client: Any, api: str, routes: Sequence[Route], record: HttpApi, target: str | None, ids: Ids
) -> None:
    """Make what differs as planned, each route in one call."""
    there = {route["RouteKey"]: route for route in routes}
    for key, guard in planned_routes(record).items():
        route = there.get(key)
        if _is_as_planned(route, target, guard, ids):
            continue
        asked = _request(guard, ids, route or {})
        if route is None:
            client.create_route(ApiId=api, RouteKey=key, Target=target, **asked)
        else:
            client.update_route(ApiId=api, RouteId=route["RouteId"], Target=target, **asked)


def remove_routes(client: Any, api: str, routes: Iterable[Route]) -> None:
    """Remove routes; that one has gone already is no failure."""
    for route in routes:
        try:
            client.delete_route(ApiId=api, RouteId=route["RouteId"])
        except client.exceptions.NotFoundException:
            continue


def unprotected(routes: Iterable[Route], record: HttpApi) -> list[str]:
    """Name the routes that ask who calls now, and will not."""
    planned = planned_routes(record)
    return sorted(
        one["RouteKey"]
        for one in routes
        if _asks(one) != _OPEN and planned.get(one["RouteKey"], Guard()).authorization == _OPEN
    )


def _asks(route: Route) -> str:
    return str(route.get("AuthorizationType") or _OPEN)


def _is_as_planned(route: Route | None, target: str | None, guard: Guard, ids: Ids) -> bool:
    if route is None or (route.get("Target"), _asks(route)) != (target, guard.authorization):
        return False
    if guard.authorizer is None:  # whatever is left of an earlier one means nothing
        return True
    scopes = set(route.get("AuthorizationScopes") or ())
    return route.get("AuthorizerId") == ids.get(guard.authorizer) and scopes == set(guard.scopes)


def _request(guard: Guard, ids: Ids, route: Route) -> dict[str, Any]:
    """Give what the route is to ask, as its calls take it.

    The type goes with the authorizer, and alone takes one away:
    https://github.com/hashicorp/terraform-provider-aws/pull/35821, https://github.com/aws/aws-cdk/issues/20695
    """
    asked: dict[str, Any] = {"AuthorizationType": guard.authorization}
    if guard.authorizer is None:
        return asked
    if guard.scopes or route.get("AuthorizationScopes"):
        asked["AuthorizationScopes"] = list(guard.scopes)
    return {**asked, "AuthorizerId": ids[guard.authorizer]}
