"""What functions name and this cloud does not have: layers of others, managed policies, roles.

A layer that is not here is left out and named, a policy is made without content, since IAM is not enforced,
and any role will do.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STAND_IN = "elsewhere"
_NOTHING = '{"Version": "2012-10-17", "Statement": []}'


@contextmanager
def standing_in(say: Callable[[str], None]) -> Iterator[None]:
    """Let functions name what is elsewhere; `say` is told of each layer that is missing, once."""
    from moto.awslambda.models import LambdaFunction, LambdaStorage
    from moto.iam.models import IAMBackend

    attach, put, told = IAMBackend.attach_role_policy, LambdaStorage.put_function, set[str]()

    def layers(function: Any, arns: list[str]) -> list[dict[str, Any]]:
        backend = _lambda_backend(function)
        found = [(arn, backend.layers_versions_by_arn(arn)) for arn in arns]
        for arn, layer in found:
            if layer is None and arn not in told:
                told.add(arn)
                say(f"The layer {arn} is not here: what it holds is missing from the functions on it.")
        return [{"Arn": arn, "CodeSize": layer.code_size if layer else 0} for arn, layer in found]

    def attached(backend: Any, policy_arn: str, role_name: str) -> None:
        if all(policy.arn != policy_arn for policy in backend.managed_policies.values()):
            _make_policy(backend, policy_arn)
        attach(backend, policy_arn, role_name)

    def stored(storage: Any, function: Any) -> None:
        with _any_role(function, storage.account_id):
            put(storage, function)

    with (
        patch.object(LambdaStorage, "put_function", stored),
        patch.object(LambdaFunction, "_get_layers_data", layers),
        patch.object(IAMBackend, "attach_role_policy", attached),
    ):
        yield


@contextmanager
def _any_role(function: Any, account: str) -> Iterator[None]:
    """Let moto find the function's role for the length of the block, whosever it is."""
    from moto.iam.models import iam_backends

    backend: Any = iam_backends[account][function.partition]
    roles = backend.roles
    role = function.role
    if any(one.arn == role for one in roles.values()) or ":role/" not in role:
        yield
        return
    function.role = f"arn:{function.partition}:iam::{account}:role/{_STAND_IN}"
    roles[_STAND_IN] = SimpleNamespace(arn=function.role)
    try:
        yield
    finally:
        del roles[_STAND_IN]
        function.role = role


def _lambda_backend(function: Any) -> Any:
    from moto.awslambda.models import lambda_backends

    return lambda_backends[function.account_id][function.region]


def _make_policy(backend: Any, arn: str) -> None:
    from moto.iam import models

    policy: Any = models.ManagedPolicy
    # its ARN is made of its account, which may be "aws", its path and its name
    _, partition, _, _, account, resource = arn.split(":")
    folder, _, name = resource.removeprefix("policy").rpartition("/")
    made = policy(name, account_id=account, region=backend.region_name, document=_NOTHING, path=f"{folder}/")
    made.partition = partition
    backend.managed_policies[arn] = made
