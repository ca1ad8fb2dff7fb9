"""moto's Lambda, made to remember what it is told, and to count on: where it differs from AWS's.

It leaves out some of a function's configuration, keeps the first invoke config for ever, and numbers a
version by how many there are, so that a number comes twice once one was deleted.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What moto forgets, of what CreateFunction and UpdateFunctionConfiguration take.
_FORGOTTEN = ("EphemeralStorage", "TracingConfig", "LoggingConfig", "DeadLetterConfig", "SnapStart")


def log_format(function: Any) -> str:
    """Tell in which format one of moto's functions logs: "Text" or "JSON"."""
    asked: dict[str, Any] = getattr(function, "asked", {}).get("LoggingConfig") or {}
    return str(asked.get("LogFormat", "Text"))


@contextmanager
def remembering() -> Iterator[None]:
    """Let functions tell all of their configuration, and versions have numbers of their own."""
    from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage

    publish = LambdaStorage.publish_version
    make, update = LambdaFunction.__init__, LambdaFunction.update_configuration
    tell, put = LambdaFunction.get_configuration, LambdaBackend.put_function_event_invoke_config

    def made(function: Any, **given: Any) -> None:
        function.asked = dict(given["spec"])
        make(function, **given)

    def updated(function: Any, asked: dict[str, Any]) -> Any:
        function.asked = {**function.asked, **asked}
        return update(function, asked)

    def told(function: Any, *args: Any, **named: Any) -> Any:
        answer = tell(function, *args, **named)
        return {**answer, **{name: function.asked[name] for name in _FORGOTTEN if name in function.asked}}

    def replaced(backend: Any, name: str, config: dict[str, Any]) -> Any:
        backend.get_function(name).event_invoke_config.clear()
        return put(backend, name, config)

    def published(storage: Any, name: str, *args: Any) -> Any:
        latest = storage.get_function_by_name_or_arn_forbid_qualifier(name)
        before = list(storage._functions[latest.function_name]["versions"])
        version = publish(storage, name, *args)
        if version is not None and all(version is not one for one in before):
            latest.last_number = getattr(latest, "last_number", 0) + 1
            storage._arns.pop(version.function_arn, None)
            version.set_version(latest.last_number)
            storage._arns |= {one.function_arn: one for one in (*before, version)}
        return version

    with (
        patch.object(LambdaFunction, "__init__", made),
        patch.object(LambdaFunction, "update_configuration", updated),
        patch.object(LambdaFunction, "get_configuration", told),
        patch.object(LambdaStorage, "publish_version", published),
        patch.object(LambdaBackend, "put_function_event_invoke_config", replaced),
    ):
        yield
