"""What the tests of every part share."""

from __future__ import annotations

import copy
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from microlambda import App

# A shell starts what runs in its background with SIGINT ignored; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does something else besides is no failure of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# No test may fetch an interpreter.
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

EVENTS = Path(__file__).parent / "runtime" / "events"


class LambdaContext:
    """What AWS's runtime client hands to a handler beside the event."""

    aws_request_id = "8f507cfc-test"
    function_name = "sms-shooter-dev-http"
    function_version = "1"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:sms-shooter-dev-http:live"
    memory_limit_in_mb = "256"
    log_group_name = "/aws/lambda/sms-shooter-dev-http"
    log_stream_name = "2026/11/20/[1]0"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@pytest.fixture
def app() -> App:
    return App("shop")


@pytest.fixture
def lambda_context() -> LambdaContext:
    return LambdaContext()


@pytest.fixture
def load_event() -> Callable[[str], dict[str, Any]]:
    """A recorded event by its ingress's name, a fresh copy each time."""

    def load(name: str) -> dict[str, Any]:
        event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        return copy.deepcopy(event)

    return load
