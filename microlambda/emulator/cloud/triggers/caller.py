"""Functions as triggers call them: by an ARN that is looked up at each call, if their policy allows it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from microlambda.emulator.cloud.deployed import FunctionName, FunctionNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.policies import Policies
    from microlambda.emulator.invocation import Invocation


class Caller:
    """Calls functions, and explains, once for each, why one is not called."""

    def __init__(
        self, moto: Moto, functions: Functions, policies: Policies, explain: Callable[[str], None]
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._policies = policies
        self._explain = explain
        self._explained: set[str] = set()
        self._guard = threading.Lock()

    def function(self, arn: str) -> DeployedFunction | None:
        """Look a function up, through the alias or version that the ARN names; None where it is not there."""
        try:
            found = self._moto.function(arn.split(":")[3], FunctionName.parse(arn))
        except FunctionNotFound:
            return None
        self._forget(_missing(arn))
        return found

    def invoke(self, arn: str, payload: bytes, request_id: str) -> tuple[DeployedFunction, Invocation] | None:
        """Run one event; None where there is no such function."""
        function = self.function(arn)
        if function is None:
            self.explain_missing(arn)
            return None
        return function, self._functions.invoke(function, payload, request_id=request_id)[0]

    def may_call(self, arn: str, *, principal: str, source_arn: str, account: str) -> bool:
        """Whether the function's resource policy lets a service call it; if not, it is explained."""
        allowed = self._policies.allows(
            arn.split(":")[3],
            FunctionName.parse(arn),
            principal=principal,
            source_arn=source_arn,
            context={"AWS:SourceAccount": account},
        )
        refusal = (
            f"{source_arn} may not call {arn}: no statement of the function's policy allows {principal} "
            "lambda:InvokeFunction for it. Add one: aws lambda add-permission"
        )
        if allowed:
            self._forget(refusal)
        else:
            self.explain(refusal)
        return allowed

    def explain_missing(self, arn: str) -> None:
        """Tell that there is no such function."""
        self.explain(_missing(arn))

    def explain(self, text: str) -> None:
        """Tell something once, until it is forgotten."""
        with self._guard:
            is_new = text not in self._explained
            self._explained.add(text)
        if is_new:
            self._explain(text)

    def _forget(self, text: str) -> None:
        with self._guard:
            self._explained.discard(text)


def _missing(arn: str) -> str:
    return f"a trigger calls {arn}, and there is no such function, version or alias"
