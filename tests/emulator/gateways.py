"""A gateway with a function in this process: what it was sent, and what it answers."""

from __future__ import annotations

import json
from typing import Any

from microlambda.emulator.gateway import Gateway
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest, HttpResponse

HOST = ("Host", "api.example.com")


class Front:
    """A gateway before a recording function; `answers` is what the function returns."""

    def __init__(
        self, ingress: str, answers: Any = None, *, error: str | None = None, **options: Any
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.reasons: list[str] = []
        self.result = {"statusCode": 200, "body": "ok"} if answers is None else answers
        self.error = error
        self.timed_out = False
        self.gateway = Gateway(ingress, self.invoke, explain=self.reasons.append, **options)

    def invoke(self, payload: bytes) -> Invocation:
        self.events.append(json.loads(payload))
        result = self.result if isinstance(self.result, bytes) else json.dumps(self.result).encode()
        return Invocation(
            request_id="r-1", payload=result, function_error=self.error, timed_out=self.timed_out
        )

    def send(
        self,
        method: str = "GET",
        target: str = "/",
        *headers: tuple[str, str],
        body: bytes = b"",
        http_version: str = "HTTP/1.1",
    ) -> HttpResponse:
        fields = headers if any(name.lower() == "host" for name, _ in headers) else (HOST, *headers)
        request = HttpRequest(
            method=method,
            target=target,
            headers=fields,
            body=body,
            client_address="203.0.113.7",
            http_version=http_version,
        )
        return self.gateway.handle(request)

    def event(
        self, method: str = "GET", target: str = "/", *headers: tuple[str, str], body: bytes = b""
    ) -> Any:
        """The event that a request becomes."""
        answer = self.send(method, target, *headers, body=body)
        assert self.events, f"no event: {answer}"
        return self.events[-1]
