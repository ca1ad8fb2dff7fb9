"""moto's API keys and usage plans, made to behave as API Gateway's, and whom they let in.

moto removes a usage plan that has stages, lets a key into a plan twice, keeps it there when it is gone, and
breaks where a stage is taken out of a plan that it is not in.
"""

from __future__ import annotations

from typing import Any


def usage_plans(backend: Any) -> dict[str, Any]:
    """Give the methods of moto's API Gateway that are to take the place of its own."""
    return {**_keys(backend), **_plans(backend)}


def _keys(backend: Any) -> dict[str, Any]:
    from moto.apigateway.exceptions import ConflictException, UsagePlanNotFoundException

    create_key, delete_key, delete_api_key = (
        backend.create_usage_plan_key,
        backend.delete_usage_plan_key,
        backend.delete_api_key,
    )

    def key_added(self: Any, plan: str, payload: dict[str, Any]) -> Any:
        self.get_usage_plan(plan)
        if payload["keyId"] in self.usage_plan_keys.get(plan, {}):
            raise ConflictException("Usage plan key already exists")
        return create_key(self, plan, payload)

    def key_taken_out(self: Any, plan: str, key: str) -> Any:
        if key not in self.usage_plan_keys.get(plan, {}):
            raise UsagePlanNotFoundException
        return delete_key(self, plan, key)

    def key_deleted(self: Any, key: str) -> Any:
        delete_api_key(self, key)
        for keys in self.usage_plan_keys.values():
            keys.pop(key, None)

    return {
        "create_usage_plan_key": key_added,
        "delete_usage_plan_key": key_taken_out,
        "delete_api_key": key_deleted,
    }


def _plans(backend: Any) -> dict[str, Any]:
    from moto.apigateway.exceptions import BadRequestException, NotFoundException

    delete_plan, update_plan = backend.delete_usage_plan, backend.update_usage_plan

    def plan_updated(self: Any, plan: str, patches: list[dict[str, str]]) -> Any:
        there = {f"{one['apiId']}:{one['stage']}" for one in self.get_usage_plan(plan).api_stages}
        for one in patches:
            if (one["op"], one["path"]) == ("remove", "/apiStages") and one["value"] not in there:
                raise NotFoundException(f"API Stage not found: {one['value']}")
        return update_plan(self, plan, patches)

    def plan_deleted(self: Any, plan: str) -> Any:
        if stages := self.get_usage_plan(plan).api_stages:
            raise BadRequestException(
                f"Cannot delete Usage Plan {plan} because there are API Stages associated with it, including "
                f"{stages[0]['apiId']}:{stages[0]['stage']}"
            )
        self.usage_plan_keys.pop(plan, None)
        return delete_plan(self, plan)

    return {"update_usage_plan": plan_updated, "delete_usage_plan": plan_deleted}


def key_of(account: str, region: str, api: str, stage: str, value: str) -> str | None:
    """Find the id of the API key of this value, if it is on and a usage plan lets it call the stage."""
    from moto.apigateway.models import apigateway_backends

    backend = apigateway_backends[account][region]
    key = next((one for one in list(backend.keys.values()) if one.value == value and one.enabled), None)
    plans = [one.id for one in list(backend.usage_plans.values()) if _is_of(one, api, stage)]
    is_in = key is not None and any(key.id in backend.usage_plan_keys.get(plan, ()) for plan in plans)
    return str(key.id) if key is not None and is_in else None


def _is_of(plan: Any, api: str, stage: str) -> bool:
    return any((one["apiId"], one["stage"]) == (api, stage) for one in plan.api_stages)
