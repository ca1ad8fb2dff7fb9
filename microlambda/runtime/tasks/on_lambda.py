"""Handing a task to Lambda: an asynchronous invocation of its function.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import os

from ..context import CURRENT
from ..errors import TaskError
from ..naming import LIVE, function_name
from . import encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App

_clients: list[Any] = []


def invoke(app: App, event: dict[str, Any]) -> str:
    """Hand it over, and answer the id of the invocation, which is the task's request id."""
    name: str = event["microlambda"]["task"]
    payload = encoded(app, event)
    function, qualifier = _function(name)
    qualified = {"Qualifier": qualifier} if qualifier else {}
    try:
        answer = _client().invoke(FunctionName=function, InvocationType="Event", Payload=payload, **qualified)
    except Exception as exc:
        target = f"{function}:{qualifier}" if qualifier else function
        raise TaskError(f"the task {name!r} was not handed over: {_reason(exc, target)}") from exc
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def _function(name: str) -> tuple[str, str | None]:
    """The function that runs the task, and its qualifier; without our deployer, the one that runs here."""
    service = os.environ.get("MICROLAMBDA_SERVICE")
    if service:
        return function_name(service, name), LIVE
    scope = CURRENT.get(None)
    arn = getattr(scope.lambda_context, "invoked_function_arn", None) if scope is not None else None
    parts = arn.split(":") if isinstance(arn, str) else []
    return os.environ["AWS_LAMBDA_FUNCTION_NAME"], parts[7] if len(parts) > 7 else None


def _client() -> Any:
    """One for the environment's life: making it costs more than a call."""
    if _clients:
        return _clients[0]
    from boto3.session import Session
    from botocore.config import Config

    # Short: whoever calls .delay is answering somebody.
    config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    # A session of its own: making a client of the default one is not safe across threads.
    client = Session().client("lambda", region_name=os.environ.get("AWS_REGION"), config=config)
    _clients.append(client)
    return _clients[0]


def _reason(error: Exception, function: str) -> str:
    """What AWS, or the way there, refused, and what to do."""
    if isinstance(error, ImportError):
        return f"{error}. Name boto3 in the project's requirements: this runtime does not bring it."
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if code in ("AccessDeniedException", "AccessDenied"):
        return (
            f"the role of this function may not call {function}. `microlambda deploy` allows it; for another "
            "deployer's function, allow lambda:InvokeFunction on it."
        )
    if code == "ResourceNotFoundException":
        return f"there is no function {function}. `microlambda deploy` makes one for each task."
    return f"{type(error).__name__}: {error}"
