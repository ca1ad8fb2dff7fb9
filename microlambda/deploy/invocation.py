"""Calling a deployed function: the alias `live`, once, with its answer, its error and the end of its log."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from microlambda.deploy.errors import NotDeployed, deploy_first
from microlambda.deploy.explain import error_code, explained
from microlambda.deploy.kinds.function import look_at
from microlambda.deploy.ownership import check_ours
from microlambda.plan.compile import LIVE
from microlambda.plan.records import Function
from microlambda.project.limits import TIMEOUT

if TYPE_CHECKING:
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a function answered; `error` is AWS's word for its failure ("Unhandled"), `log` its last 4 KB."""

    payload: bytes
    version: str
    error: str | None
    log: str


def invoke(aws: Aws, scope: Scope, function: str, payload: bytes, *, log: bool = False) -> Answer:
    """Call the live version of a function of the stage and wait for its answer."""
    with explained(f"calling the function {function!r}"):
        try:
            check_ours(Function.kind, function, look_at(aws, function).tags or {}, scope, remedy="")
            answer = aws.client_for_invoke(TIMEOUT[1]).invoke(
                FunctionName=function, Qualifier=LIVE, Payload=payload, LogType="Tail" if log else "None"
            )
        except ClientError as exc:
            if error_code(exc) == "ResourceNotFoundException":
                raise NotDeployed(
                    f"there is no function {function!r} in {aws.region}. {deploy_first(scope.stage)}"
                ) from exc
            raise
        return Answer(
            payload=answer["Payload"].read(),
            version=answer.get("ExecutedVersion", ""),
            error=answer.get("FunctionError"),
            log=base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"),
        )
