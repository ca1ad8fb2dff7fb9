"""What a REST API serves: a stage, which names a deployment, which is the API as it was at one moment.

A deployment's description says what it was made of. So an API that was changed and not deployed, by a run
that was interrupted, is told from one that serves what it holds; and so are our deployments from others'.
Those of ours that no stage names any more are removed.
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import missing_tags
from microlambda.deploy.kinds.rest_methods import METHOD, integration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.deploy.kinds.authorizers import Wanted
    from microlambda.plan.records import RestApi

_OURS = "microlambda "


def content(record: RestApi, uri: str | None, authorizers: Wanted) -> str:
    """Describe a deployment of what is planned: two that serve the same are described alike.

    Another type of endpoint takes effect with the next deployment, and so does what an authorizer has become.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-api-migration.html
    https://github.com/aws/aws-cdk/issues/16554
    """
    planned = {
        "endpoint_type": record.endpoint_type,
        "methods": {path: [METHOD, integration(record, uri)] for path in record.resources},
        **_protection(record, authorizers),
        "binary_types": record.binary_types,
        "answers": record.answers,
    }
    text = json.dumps(planned, sort_keys=True, separators=(",", ":"))
    return f"{_OURS}{hashlib.sha256(text.encode()).hexdigest()}"


def _protection(record: RestApi, authorizers: Wanted) -> dict[str, Any]:
    """Describe what is asked of callers, as far as anything is."""
    guarded = [
        (path, method, guard) for path, some in record.resources.items() for method, guard in some.items()
    ]
    keyed: dict[str, list[str]] = {}
    for path, method, guard in guarded:
        if guard.api_key:
            keyed.setdefault(path, []).append(method)
    found = {
        "keyed": keyed,
        "asking": {
            f"{method} {path}": [guard.authorization, guard.authorizer, sorted(guard.scopes)]
            for path, method, guard in guarded
            if guard.authorization != "NONE"
        },
        "authorizers": {name: one.as_data() for name, one in authorizers.items()},
    }
    return {name: some for name, some in found.items() if some}


def read_stages(client: Any, api: str) -> dict[str, Any]:
    """List the API's stages and deployments."""
    pages = client.get_paginator("get_deployments").paginate(restApiId=api)
    answer = client.get_stages(restApiId=api)
    return {
        "stages": answer.get("item", []),
        "deployments": [one for page in pages for one in page["items"]],
        "answer": answer,
    }


def stage_reasons(state: Mapping[str, Any], record: RestApi, planned: str) -> list[str]:
    """Say what is missing of the stage, and whether it serves something else than what is `planned`."""
    stage = find_stage(state, record)
    if stage is None:
        return [f"stage {record.stage}"]
    return [
        *([] if _serves(state, stage, planned) else ["deployment"]),
        *([f"tags of the stage {record.stage}"] if missing_tags(record.tags, stage.get("tags")) else []),
        *(["left-over deployments"] if left_over(state) else []),
    ]


def put_stage(
    client: Any, api: str, arn: str, state: Mapping[str, Any], record: RestApi, planned: str
) -> None:
    """Deploy the API as it is now, unless the stage serves that; then remove what it has served before."""
    stage, where = find_stage(state, record), {"restApiId": api, "stageName": record.stage}
    serving = None if stage is None else stage.get("deploymentId")
    if stage is None or not _serves(state, stage, planned):
        serving = client.create_deployment(restApiId=api, description=planned)["id"]
        if stage is None:
            client.create_stage(**where, deploymentId=serving, tags=dict(record.tags))
        else:
            move = {"op": "replace", "path": "/deploymentId", "value": serving}
            client.update_stage(**where, patchOperations=[move])
    if stage is not None and (tags := missing_tags(record.tags, stage.get("tags"))):
        client.tag_resource(resourceArn=f"{arn}/stages/{record.stage}", tags=tags)
    for deployment in left_over(state, moved=record.stage):
        if deployment["id"] != serving:
            with suppress(client.exceptions.NotFoundException):
                client.delete_deployment(restApiId=api, deploymentId=deployment["id"])


def find_stage(state: Mapping[str, Any], record: RestApi) -> Mapping[str, Any] | None:
    """Find the planned stage, or None."""
    return next((one for one in state["stages"] if one["stageName"] == record.stage), None)


def left_over(state: Mapping[str, Any], *, moved: str = "") -> list[Mapping[str, Any]]:
    """List our deployments that no stage serves, but for the one that `moved`."""
    serving = {one.get("deploymentId") for one in state["stages"] if one["stageName"] != moved}
    serving |= {(one.get("canarySettings") or {}).get("deploymentId") for one in state["stages"]}
    ours = [one for one in state["deployments"] if one.get("description", "").startswith(_OURS)]
    return [one for one in ours if one["id"] not in serving]


def _serves(state: Mapping[str, Any], stage: Mapping[str, Any], planned: str) -> bool:
    described = {one["id"]: one.get("description") for one in state["deployments"]}
    return described.get(stage.get("deploymentId")) == planned
