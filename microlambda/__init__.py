"""What an `app.py` imports, each name loaded when it is first used (PEP 562)."""

from __future__ import annotations

try:
    from .runtime.app import App
except ImportError as exc:
    if "bad magic number" not in str(exc):
        raise
    # An archive has bytecode for one Python, named by the bytecode of this file.
    import os
    import sys

    beside = f"{__path__[0]}/__pycache__"
    files = os.listdir(beside) if os.path.isdir(beside) else []  # noqa: PTH112, PTH208
    tags = {file.split(".")[1] for file in files} - {sys.implementation.cache_tag}
    there = " or ".join(f"python{tag[8]}.{tag[9:]}" for tag in sorted(tags)) or "another Python"
    here = "{}.{}".format(*sys.version_info)
    raise ImportError(
        f"this archive is packaged for {there} and runs under python{here}. Give the function that runtime, "
        f'or set python = "{here}" in the settings and package it again.'
    ) from exc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .runtime.abort import abort
    from .runtime.auth.authorizers import (
        CognitoUserPoolAuthorizer,
        CustomAuthorizer,
        IAMAuthorizer,
        JWTAuthorizer,
    )
    from .runtime.auth.responses import AuthResponse, AuthRoute
    from .runtime.blueprint import Blueprint
    from .runtime.context import current_app, g, request
    from .runtime.dispatch.after import after_this_request
    from .runtime.errors import (
        BadRequest,
        Conflict,
        ContentTooLarge,
        EncodingError,
        Forbidden,
        Gone,
        HTTPException,
        InternalServerError,
        MessageTooLarge,
        MethodNotAllowed,
        MicrolambdaError,
        NotAcceptable,
        NotFound,
        OutsideRequest,
        RegistrationError,
        RouteConflict,
        ServiceUnavailable,
        TaskError,
        TooManyRequests,
        Unauthorized,
        UnknownEvent,
        UnprocessableEntity,
        UnsupportedMediaType,
        WebSocketDisconnected,
        WrongAnswer,
    )
    from .runtime.events.alarm import AlarmEvent
    from .runtime.events.authorizer import AuthRequest
    from .runtime.events.cognito import CognitoEvent
    from .runtime.events.custom import CustomEvent
    from .runtime.events.documentdb import DocumentDBEvent, DocumentDBRecord
    from .runtime.events.dynamodb import DynamoDBEvent, DynamoDBRecord
    from .runtime.events.email import EmailEvent, EmailRecord
    from .runtime.events.eventbridge import EventBridgeEvent
    from .runtime.events.firehose import FirehoseEvent, FirehoseRecord
    from .runtime.events.iot import IotEvent
    from .runtime.events.kafka import KafkaEvent, KafkaRecord
    from .runtime.events.kinesis import KinesisEvent, KinesisRecord
    from .runtime.events.logs import LogRecord, LogsEvent
    from .runtime.events.mq import MQEvent, MQRecord
    from .runtime.events.s3 import S3Event, S3Record
    from .runtime.events.schedule import ScheduleEvent
    from .runtime.events.sns import SNSEvent, SNSRecord
    from .runtime.events.sqs import SQSEvent, SQSRecord
    from .runtime.events.websocket import WebSocketEvent
    from .runtime.http.authorizer_result import AuthorizerResult
    from .runtime.http.cors import CORS
    from .runtime.http.jsonify import jsonify
    from .runtime.http.redirect import redirect
    from .runtime.http.request import Request
    from .runtime.http.response import Response, make_response
    from .runtime.middleware import ConvertToMiddleware
    from .runtime.routing.captures import Converter
    from .runtime.sessions import session
    from .runtime.tasks import Task
    from .runtime.triggers.expressions import At, Cron, Rate
    from .runtime.urls import url_for

__all__ = [
    "CORS",
    "AlarmEvent",
    "App",
    "At",
    "AuthRequest",
    "AuthResponse",
    "AuthRoute",
    "AuthorizerResult",
    "BadRequest",
    "Blueprint",
    "CognitoEvent",
    "CognitoUserPoolAuthorizer",
    "Conflict",
    "ContentTooLarge",
    "ConvertToMiddleware",
    "Converter",
    "Cron",
    "CustomAuthorizer",
    "CustomEvent",
    "DocumentDBEvent",
    "DocumentDBRecord",
    "DynamoDBEvent",
    "DynamoDBRecord",
    "EmailEvent",
    "EmailRecord",
    "EncodingError",
    "EventBridgeEvent",
    "FirehoseEvent",
    "FirehoseRecord",
    "Forbidden",
    "Gone",
    "HTTPException",
    "IAMAuthorizer",
    "InternalServerError",
    "IotEvent",
    "JWTAuthorizer",
    "KafkaEvent",
    "KafkaRecord",
    "KinesisEvent",
    "KinesisRecord",
    "LogRecord",
    "LogsEvent",
    "MQEvent",
    "MQRecord",
    "MessageTooLarge",
    "MethodNotAllowed",
    "MicrolambdaError",
    "NotAcceptable",
    "NotFound",
    "OutsideRequest",
    "Rate",
    "RegistrationError",
    "Request",
    "Response",
    "RouteConflict",
    "S3Event",
    "S3Record",
    "SNSEvent",
    "SNSRecord",
    "SQSEvent",
    "SQSRecord",
    "ScheduleEvent",
    "ServiceUnavailable",
    "Task",
    "TaskError",
    "TooManyRequests",
    "Unauthorized",
    "UnknownEvent",
    "UnprocessableEntity",
    "UnsupportedMediaType",
    "WebSocketDisconnected",
    "WebSocketEvent",
    "WrongAnswer",
    "abort",
    "after_this_request",
    "current_app",
    "g",
    "jsonify",
    "make_response",
    "redirect",
    "request",
    "session",
    "url_for",
]

#: Where a name stands that is no error.
_HOME = {
    "AuthRequest": "events.authorizer",
    "AuthorizerResult": "http.authorizer_result",
    "AuthRoute": "auth.responses",
    "AuthResponse": "auth.responses",
    "JWTAuthorizer": "auth.authorizers",
    "IAMAuthorizer": "auth.authorizers",
    "CustomAuthorizer": "auth.authorizers",
    "CognitoUserPoolAuthorizer": "auth.authorizers",
    "AlarmEvent": "events.alarm",
    "CognitoEvent": "events.cognito",
    "CustomEvent": "events.custom",
    "DocumentDBEvent": "events.documentdb",
    "DocumentDBRecord": "events.documentdb",
    "DynamoDBEvent": "events.dynamodb",
    "DynamoDBRecord": "events.dynamodb",
    "EmailEvent": "events.email",
    "EmailRecord": "events.email",
    "EventBridgeEvent": "events.eventbridge",
    "FirehoseEvent": "events.firehose",
    "FirehoseRecord": "events.firehose",
    "IotEvent": "events.iot",
    "KafkaEvent": "events.kafka",
    "KafkaRecord": "events.kafka",
    "KinesisEvent": "events.kinesis",
    "KinesisRecord": "events.kinesis",
    "LogRecord": "events.logs",
    "LogsEvent": "events.logs",
    "MQEvent": "events.mq",
    "MQRecord": "events.mq",
    "S3Event": "events.s3",
    "S3Record": "events.s3",
    "ScheduleEvent": "events.schedule",
    "SNSEvent": "events.sns",
    "SNSRecord": "events.sns",
    "SQSEvent": "events.sqs",
    "SQSRecord": "events.sqs",
    "WebSocketEvent": "events.websocket",
    "At": "triggers.expressions",
    "Cron": "triggers.expressions",
    "Rate": "triggers.expressions",
    "Task": "tasks",
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
    "session": "sessions",
    "url_for": "urls",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'microlambda' has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"{__name__}.runtime.{_HOME.get(name, 'errors')}")
    except ImportError as exc:
        from .runtime.missing import explain

        explain(exc, f"microlambda.{name}")
        raise
    globals()[name] = value = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
