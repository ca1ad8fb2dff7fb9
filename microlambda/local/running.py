"""The `microlambda local` that runs for a project, as the other commands of the same user find it.

A file in the user's cache, for nobody else to read: the address and the token of `local.control`. It goes
with the server; one that a killed server has left leads nowhere, and is taken for none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from microlambda.bundle.cache import cache_folder, replace_file
from microlambda.bundle.errors import CacheUnusable
from microlambda.local.addresses import PREFIX, TOKEN
from microlambda.local.called import Called
from microlambda.local.errors import FunctionRaised, NotAnswered, UnknownFunction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Seconds in which a server that runs has taken a connection.
_PATIENCE = 2.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """Where a server is: its URL, its token, and the App that it was started with."""

    url: str
    token: str
    target: str | None = None

    def invoke(self, name: str, event: bytes) -> Called | None:
        """Call a function of its app; None where no server is there any more.

        `UnknownFunction` where the app has none of that name, `NotAnswered` where it was not called.
        """
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=_PATIENCE)
        try:
            connection.connect()
        except OSError:
            return None
        try:
            connection.sock.settimeout(None)  # as long as the function may take
            path = f"{PREFIX}invoke/{quote(name, safe='')}"
            connection.request("POST", path, body=event, headers={TOKEN: self.token})
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, HTTPException) as exc:
            raise NotAnswered(self.url, str(exc)) from exc
        finally:
            connection.close()
        if status == HTTPStatus.UNAUTHORIZED:  # another server has the port by now
            return None
        return _called(name, self.url, status, _read(self.url, body))


def _called(name: str, url: str, status: int, told: dict[str, Any]) -> Called:
    if status == HTTPStatus.NOT_FOUND:
        raise UnknownFunction.told(told["detail"])
    if status != HTTPStatus.OK:
        raise NotAnswered(url, told.get("detail", f"status {status}"))
    error = told["error"]
    return Called(
        function=name,
        payload=json.dumps(told["result"] if error is None else error).encode(),
        error=None if error is None else FunctionRaised(name, error),
        log="".join(f"{line}\n" for line in told["log"]),
        duration=told["duration"],
        max_memory=told["max_memory"],
    )


def _read(url: str, body: bytes) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(body)
    except ValueError as exc:
        raise NotAnswered(url, "its answer is no JSON") from exc
    return told


@contextmanager
def announced(root: Path, stage: str, running: Running) -> Iterator[None]:
    """Let other commands find the server for as long as the block runs; without a cache they do not."""
    place = _place(root, stage)
    with contextlib.suppress(OSError, CacheUnusable):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(place, json.dumps(asdict(running)).encode())  # for this user alone
    try:
        yield
    finally:
        if find(root, stage) == running:  # a second server for the same project has a file of its own by now
            with contextlib.suppress(OSError):
                place.unlink()


def find(root: Path, stage: str) -> Running | None:
    """Find the server that was started last for the project and the stage; it may have gone."""
    try:
        return Running(**json.loads(_place(root, stage).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _place(root: Path, stage: str) -> Path:
    named = hashlib.sha256(f"{root.resolve()}\n{stage}".encode()).hexdigest()[:16]
    return cache_folder().parent / "running" / f"{named}.json"
