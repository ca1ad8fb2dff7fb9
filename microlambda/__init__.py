"""What an `app.py` imports, each name loaded when it is first used (PEP 562)."""

from __future__ import annotations

try:
    from .runtime.app import App
except ImportError as exc:
    if "bad magic number" not in str(exc):
        raise
    # An archive has the runtime's bytecode for one Python only, named by the bytecode beside this source.
    import os
    import sys

    beside = f"{__path__[0]}/__pycache__"
    files = os.listdir(beside) if os.path.isdir(beside) else []  # noqa: PTH112, PTH208
    tags = {file.split(".")[1] for file in files} - {sys.implementation.cache_tag}
    there = " or ".join(f"python{tag[8]}.{tag[9:]}" for tag in sorted(tags)) or "another Python"
    here = "{}.{}".format(*sys.version_info)
    raise ImportError(
        f"this archive is packaged for {there} and runs under python{here}. Give the function the runtime "
        f'it is packaged for, or set python = "{here}" in the settings of microlambda and package it again.'
    ) from exc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .runtime.abort import abort
    from .runtime.blueprint import Blueprint
    from .runtime.context import current_app, g, request
    from .runtime.dispatch.after import after_this_request
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
    from .runtime.http.cors import CORS
    from .runtime.http.jsonify import jsonify
    from .runtime.http.redirect import redirect
    from .runtime.http.request import Request
    from .runtime.http.response import Response, make_response
    from .runtime.middleware import ConvertToMiddleware
    from .runtime.routing.captures import Converter
    from .runtime.urls import url_for

__all__ = [
    "CORS",
    "App",
    "BadRequest",
    "Blueprint",
    "Conflict",
    "ContentTooLarge",
    "ConvertToMiddleware",
    "Converter",
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
    "abort",
    "after_this_request",
    "current_app",
    "g",
    "jsonify",
    "make_response",
    "redirect",
    "request",
    "url_for",
]

#: Where a name stands that is no error.
_HOME = {
    "Blueprint": "blueprint",
    "CORS": "http.cors",
    "ConvertToMiddleware": "middleware",
    "Converter": "routing.captures",
    "Request": "http.request",
    "Response": "http.response",
    "abort": "abort",
    "after_this_request": "dispatch.after",
    "current_app": "context",
    "g": "context",
    "jsonify": "http.jsonify",
    "make_response": "http.response",
    "redirect": "http.redirect",
    "request": "context",
    "url_for": "urls",
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
