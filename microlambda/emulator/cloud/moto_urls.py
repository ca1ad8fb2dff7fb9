"""moto's function URLs, made those of aliases: moto keeps one for a function, whatever was asked for.

It also leaves a URL's conditions beside a statement instead of in it, and an account its id, where AWS names
its root; it cannot take CORS away, and calls the mode of invocation by another word. Here, as in
`moto_adapter`, moto's own state is read.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import unquote

from microlambda.emulator.cloud.deployed import DeployedUrl, FunctionName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: AddPermission's members of URLs, with the operator and key of the condition that AWS makes of each.
_CONDITIONS = {
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}

_ACCOUNT = re.compile(r"\d{12}")


def _on_aws(_url_id: str, host: str) -> str:
    return f"https://{host}"


@contextmanager
def urls_of_aliases(where: Callable[[str, str], str] = _on_aws) -> Iterator[None]:
    """Let a function and each of its aliases have a URL of its own, with the permissions that it asks for.

    `where` says at what URL, without a slash at its end, the one of this id and host answers.
    """
    from moto.awslambda.models import FunctionUrlConfig, LambdaStorage
    from moto.awslambda.policy import Policy
    from moto.awslambda.responses import LambdaResponse

    with (
        patch.object(LambdaResponse, "create_function_url_config", _created),
        patch.object(LambdaResponse, "get_function_url_config", _got),
        patch.object(LambdaResponse, "update_function_url_config", _updated),
        patch.object(LambdaResponse, "delete_function_url_config", _deleted),
        patch.object(LambdaStorage, "delete_alias", _with_its_url(LambdaStorage.delete_alias)),
        patch.object(FunctionUrlConfig, "to_dict", _telling(where)),
        patch.object(Policy, "decode_policy", _conditional(Policy.decode_policy)),
    ):
        yield


def find_url(account: str, url_id: str) -> DeployedUrl | None:
    """Look a function URL up, in whatever region it is."""
    from moto.awslambda.models import lambda_backends

    for region, backend in list(lambda_backends[account].items()):
        groups = list(backend._lambdas._functions.values())
        for function in [group["latest"] for group in groups if group["latest"] is not None]:
            for qualifier, config in list(_urls(function).items()):
                if _host(config).startswith(f"{url_id}."):
                    return DeployedUrl(
                        url_id=url_id,
                        region=region,
                        account_id=account,
                        function=FunctionName(name=function.function_name, qualifier=qualifier or None),
                        auth_type=config.config["AuthType"],
                    )
    return None


def _host(config: Any) -> str:
    return str(config.url).removeprefix("https://")


def _created(response: Any) -> Any:
    from moto.awslambda.exceptions import LambdaClientError
    from moto.awslambda.models import FunctionUrlConfig

    function, qualifier = _place(response)
    if qualifier in _urls(function):
        conflict = LambdaClientError(
            "ResourceConflictException",
            f"Failed to create function url config for [functionArn = {_arn(function, qualifier)}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function",
        )
        conflict.code = 409
        raise conflict
    config: Any = FunctionUrlConfig(function=function, config=dict(response.json_body))
    config.qualifier = qualifier
    _urls(function)[qualifier] = config
    return 201, {"status": 201}, json.dumps(config.to_dict())


def _got(response: Any) -> Any:
    return 200, {"status": 200}, json.dumps(_config(response).to_dict())


def _updated(response: Any) -> Any:
    config = _config(response)
    config.config = {**config.config, **response.json_body}
    return 200, {"status": 200}, json.dumps(config.to_dict())


def _deleted(response: Any) -> Any:
    function, qualifier = _place(response)
    _config(response)
    del _urls(function)[qualifier]
    return 204, {"status": 204}, ""


def _telling(where: Callable[[str, str], str]) -> Any:
    def told(config: Any) -> dict[str, Any]:
        host = _host(config)
        return {"FunctionUrl": f"{where(host.partition('.')[0], host)}/", **_described(config)}

    return told


def _described(config: Any) -> dict[str, Any]:
    cors = config.config.get("Cors")
    return {
        "FunctionArn": _arn(config.function, config.qualifier),
        "AuthType": config.config["AuthType"],
        **({"Cors": cors} if cors else {}),
        "CreationTime": config.created,
        "LastModifiedTime": config.last_modified,
        "InvokeMode": config.config.get("InvokeMode", "BUFFERED"),
    }


def _with_its_url(delete: Callable[[Any, str, str], None]) -> Any:
    def deleted(storage: Any, name: str, function_name: str) -> None:
        _urls(storage.get_function_by_name_or_arn_with_qualifier(function_name)).pop(name, None)
        delete(storage, name, function_name)

    return deleted


def _conditional(decode: Callable[[Any, dict[str, Any]], Any]) -> Any:
    def decoded(policy: Any, asked: dict[str, Any]) -> Any:
        made = decode(policy, asked)
        for member, (operator, key) in _CONDITIONS.items():
            if member in asked:
                value = asked.pop(member)
                text = str(value).lower() if isinstance(value, bool) else value
                asked.setdefault("Condition", {}).setdefault(operator, {})[key] = text
        if _ACCOUNT.fullmatch(str(asked.get("Principal"))):
            partition = policy.parent.function_arn.split(":")[1]
            asked["Principal"] = {"AWS": f"arn:{partition}:iam::{asked['Principal']}:root"}
        return made

    return decoded


def _place(response: Any) -> tuple[Any, str]:
    """Find the function that a call is about, and the qualifier; "" is the function itself."""
    wanted = FunctionName.parse(
        unquote(response.path.rstrip("/").split("/")[-2]), response._get_param("Qualifier")
    )
    storage = response.backend._lambdas
    if wanted.qualifier:
        storage.get_function_by_name_or_arn_with_qualifier(wanted.name, wanted.qualifier)  # or it is a 404
    return storage.get_function_by_name_or_arn_with_qualifier(wanted.name), wanted.qualifier or ""


def _config(response: Any) -> Any:
    from moto.awslambda.exceptions import GenericResourcNotFound

    function, qualifier = _place(response)
    if qualifier not in _urls(function):
        raise GenericResourcNotFound
    return _urls(function)[qualifier]


def _urls(function: Any) -> dict[str, Any]:
    """Give the URLs of a function by qualifier; they live and go with it, through all its versions."""
    urls: dict[str, Any] = vars(function).setdefault("urls_by_qualifier", {})
    return urls


def _arn(function: Any, qualifier: str) -> str:
    arn = function.function_arn.removesuffix(":$LATEST")
    return f"{arn}:{qualifier}" if qualifier else arn
