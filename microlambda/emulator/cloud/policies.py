"""Resource policies of functions, by qualifier: who may invoke what. moto keeps one for all qualifiers.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.cloud.aws_request import AwsAnswer
from microlambda.emulator.cloud.deployed import FunctionName, FunctionNotFound
from microlambda.emulator.cloud.moto_adapter import function_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.cloud.aws_request import AwsRequest
    from microlambda.emulator.cloud.moto_adapter import Moto

    Statement = Mapping[str, Any]
    Key = tuple[str, str, str | None]

_INVOKE = "lambda:InvokeFunction"
_SOURCE, _ACCOUNT = "AWS:SourceArn", "AWS:SourceAccount"
_NO_CONTEXT: Mapping[str, str] = {}

# AddPermission's members that become conditions, with the operator and key that AWS writes for each.
_CONDITIONS = {
    "SourceArn": ("ArnLike", _SOURCE),
    "SourceAccount": ("StringEquals", _ACCOUNT),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}


class Policies:
    """GetPolicy, AddPermission and RemovePermission, and the question that they answer: `allows`."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto
        self._statements: dict[Key, list[Statement]] = {}
        self._revisions: dict[Key, str] = {}
        self._guard = threading.Lock()

    def answer(self, request: AwsRequest, name: str, statement_id: str | None) -> AwsAnswer:
        """Serve one call on `/functions/{name}/policy`."""
        wanted = FunctionName.parse(name, request.argument("Qualifier"))
        try:
            self._moto.function(request.region, wanted)
        except FunctionNotFound as missing:
            return function_not_found(missing)
        if request.method == "POST":
            return self._add(request, wanted)
        if request.method == "DELETE":
            return self._remove(request, wanted, statement_id or "")
        return self._get(request, wanted)

    def allows(
        self,
        region: str,
        wanted: FunctionName,
        *,
        principal: str,
        source_arn: str | None = None,
        action: str = _INVOKE,
        context: Mapping[str, str] = _NO_CONTEXT,
    ) -> bool:
        """Whether a service may invoke the function on behalf of `source_arn`, or an account's `:root`.

        The principal "*" is anybody.

        `context` has what else is known of the request, by the keys of conditions.
        """
        known = dict(context)
        if source_arn is not None:  # a bucket's ARN names no account: that comes with the context
            known = {_SOURCE: source_arn, _ACCOUNT: source_arn.split(":")[4], **known}
        with self._guard:
            statements = list(self._statements.get(_key(region, wanted), ()))
        return any(_allows(statement, principal, action, known) for statement in statements)

    def forget(self, region: str, name: str, qualifier: str | None = None) -> None:
        """Drop the policies of a function that was deleted, or of one alias or version."""
        with self._guard:
            for key in list(self._statements):
                if key[:2] == (region, name) and qualifier in (None, key[2]):
                    del self._statements[key]

    def _get(self, request: AwsRequest, wanted: FunctionName) -> AwsAnswer:
        key = _key(request.region, wanted)
        with self._guard:
            statements = list(self._statements.get(key, ()))
            revision = self._revisions.get(key, "")
        if not statements:
            return AwsAnswer.error(
                404, "ResourceNotFoundException", "The resource you requested does not exist."
            )
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return AwsAnswer.of_json({"Policy": json.dumps(policy), "RevisionId": revision})

    def _add(self, request: AwsRequest, wanted: FunctionName) -> AwsAnswer:
        asked = json.loads(request.body())
        statement = _statement(asked, function_arn(request.region, wanted))
        key = _key(request.region, wanted)
        with self._guard:
            statements = self._statements.setdefault(key, [])
            if any(known["Sid"] == statement["Sid"] for known in statements):
                return AwsAnswer.error(
                    409,
                    "ResourceConflictException",
                    f"The statement id ({statement['Sid']}) provided already exists. Please provide a new "
                    "statement id, or remove the existing statement.",
                )
            statements.append(statement)
            self._revisions[key] = str(uuid4())
        return AwsAnswer.of_json({"Statement": json.dumps(statement)}, status=201)

    def _remove(self, request: AwsRequest, wanted: FunctionName, statement_id: str) -> AwsAnswer:
        key = _key(request.region, wanted)
        with self._guard:
            statements = self._statements.get(key, [])
            kept = [statement for statement in statements if statement["Sid"] != statement_id]
            if len(kept) == len(statements):
                message = f"Statement {statement_id} is not found in resource policy."
                return AwsAnswer.error(404, "ResourceNotFoundException", message)
            self._statements[key] = kept
            self._revisions[key] = str(uuid4())
        return AwsAnswer(status=204)


def function_not_found(missing: FunctionNotFound) -> AwsAnswer:
    """Lambda's answer where there is no such function, version or alias."""
    return AwsAnswer.error(404, "ResourceNotFoundException", f"Function not found: {missing.arn}")


def _key(region: str, wanted: FunctionName) -> Key:
    return region, wanted.name, None if wanted.qualifier == "$LATEST" else wanted.qualifier


def _statement(asked: Mapping[str, Any], resource: str) -> Statement:
    conditions: dict[str, dict[str, str]] = {}
    for member, (operator, key) in _CONDITIONS.items():
        if (value := asked.get(member)) is not None:
            conditions.setdefault(operator, {})[key] = (
                str(value).lower() if isinstance(value, bool) else value
            )
    return {
        "Sid": asked["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(asked["Principal"]),
        "Action": asked["Action"],
        "Resource": resource,
        **({"Condition": conditions} if conditions else {}),
    }


def _principal(text: str) -> Any:
    if text.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return {"Service": text}
    if text == "*":
        return text
    return {"AWS": text if text.startswith("arn:") else f"arn:aws:iam::{text}:root"}


def _allows(statement: Statement, principal: str, action: str, known: Mapping[str, str]) -> bool:
    if statement["Principal"] not in ("*", {"Service": principal}, {"AWS": principal}):
        return False
    if statement["Action"] not in (action, "lambda:*", "*"):
        return False
    return all(
        _holds(operator, value, known.get(key))
        for operator, pairs in statement.get("Condition", {}).items()
        for key, value in pairs.items()
    )


def _holds(operator: str, value: str, actual: str | None) -> bool:
    """Whether one condition holds; of a request that says nothing of it, it does not."""
    if actual is None:
        return False
    return _arn_like(value, actual) if operator == "ArnLike" else value == actual


def _arn_like(pattern: str, arn: str) -> bool:
    """ArnLike: `*` and `?` match within each of the six parts that colons separate, slashes too."""
    ours, theirs = pattern.split(":", 5), arn.split(":", 5)
    return len(ours) == len(theirs) and all(
        re.fullmatch(re.escape(one).replace(r"\*", ".*").replace(r"\?", "."), other)
        for one, other in zip(ours, theirs, strict=True)
    )
