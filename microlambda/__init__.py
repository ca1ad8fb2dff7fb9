"""What an `app.py` imports, each name loaded when it is first used (PEP 562)."""

from __future__ import annotations

from .runtime.app import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .runtime.context import current_app, g, request
    from .runtime.errors import (
        BadRequest,
        Conflict,
        ContentTooLarge,
        Forbidden,
        Gone,
        HTTPException,
        InternalServerError,
        MethodNotAllowed,
        MicrolambdaError,
        NotAcceptable,
        NotFound,
        ServiceUnavailable,
        TooManyRequests,
        Unauthorized,
        UnprocessableEntity,
        UnsupportedMediaType,
    )
    from .runtime.http.request import Request
    from .runtime.http.response import Response, make_response

__all__ = [
    "App",
    "BadRequest",
    "Conflict",
    "ContentTooLarge",
    "Forbidden",
    "Gone",
    "HTTPException",
    "InternalServerError",
    "MethodNotAllowed",
    "MicrolambdaError",
    "NotAcceptable",
    "NotFound",
    "Request",
    "Response",
    "ServiceUnavailable",
    "TooManyRequests",
    "Unauthorized",
    "UnprocessableEntity",
    "UnsupportedMediaType",
    "current_app",
    "g",
    "make_response",
    "request",
]

_HOME = {
    "Request": "http.request",
    "Response": "http.response",
    "make_response": "http.response",
    "current_app": "context",
    "g": "context",
    "request": "context",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'microlambda' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.runtime.{_HOME.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
