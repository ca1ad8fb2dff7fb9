"""A function that answers in pieces, and a gate that it waits at."""

from __future__ import annotations

import socket

from microlambda.emulator.invocation import Invocation, StreamedInvocation

#: The event, or the path of an HTTP event, names what the body consists of.
FUNCTION = '''
import os
import socket


class Result(dict):
    """An answer whose `chunks` are its body."""


def wait():
    with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as connection:
        connection.recv(1)


def halves():
    yield b"a"
    wait()
    yield b"b"


def pid():
    yield str(os.getpid()).encode()


def large():
    yield b""
    yield bytes(range(256)) * 20_000
    yield b""
    yield b"end"


def early_error():
    raise KeyError("early")
    yield b"a"


def late_error():
    yield b"a"
    raise KeyError("half-way")


class endless:
    """No generator, which would clean up when it is forgotten: this must be closed."""

    def __iter__(self):
        return self

    def __next__(self):
        return b"x" * 1000

    def close(self):
        with open(os.environ["LIFE"], "a") as file:
            file.write("clean-up ")


def hanging():
    yield str(os.getpid()).encode()
    wait()


def exiting():
    yield b"a"
    wait()
    os._exit(3)


def late():
    wait()
    yield from endless()


RESULTS = {
    "no-body": {"statusCode": 204},
    "odd": {"statusCode": 999},
    "cookies-2.0": {"statusCode": 201, "cookies": ["a=1", "b=2"]},
    "cookies-1.0": {"statusCode": 201, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}},
}
BODIES = {"no-body": endless, "odd": endless, "cookies-2.0": pid, "cookies-1.0": pid}


def handler(event, context):
    name = event if isinstance(event, str) else (event.get("rawPath") or event["path"]).strip("/")
    if name == "whole":
        return os.getpid()
    headers = {"content-type": "text/plain", "content-length": "3"}
    result = Result(RESULTS.get(name, {"statusCode": 200, "headers": headers}))
    result.chunks = BODIES[name]() if name in BODIES else globals()[name.replace("-", "_")]()
    return result
'''


class Gate:
    """Lets a function that waits go on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)

    @property
    def environment(self) -> dict[str, str]:
        return {"GATE": str(self._listener.getsockname()[1])}

    def open(self) -> None:
        connection, _ = self._listener.accept()
        connection.close()

    def close(self) -> None:
        self._listener.close()


def streamed(invocation: Invocation) -> StreamedInvocation:
    """The invocation, if its body still comes."""
    assert isinstance(invocation, StreamedInvocation), invocation
    return invocation


def over(invocation: StreamedInvocation) -> Invocation:
    """What came of an invocation whose body has ended."""
    ended: list[Invocation] = []
    invocation.body.when_over(ended.append)
    return ended[0]
