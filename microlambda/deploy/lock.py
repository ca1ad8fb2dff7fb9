"""One deploy of a stage at a time: an SSM parameter that only one can create.

It holds who and since when. One that is older than 15 minutes was left by a deploy that died, and is taken
over.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import secrets
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import LockHeld
from microlambda.deploy.explain import AWS_ERRORS, explained
from microlambda.plan.names import lock_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

STALE_AFTER = timedelta(minutes=15)


def _now() -> datetime:
    return datetime.now(UTC)


class Lock:
    """The lock of one stage."""

    def __init__(
        self, aws: Aws, scope: Scope, *, say: Callable[[str], None], now: Callable[[], datetime] = _now
    ) -> None:
        self._ssm = aws.client("ssm")
        self._name = lock_name(scope.app, scope.stage)
        self._stage = scope.stage
        self._say = say
        self._now = now
        self._token = secrets.token_hex(8)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for as long as the block runs; `LockHeld` says who has it."""
        with explained(f"taking the lock of stage {self._stage!r}"):
            self._take()
        try:
            yield
        except BaseException:
            with contextlib.suppress(*AWS_ERRORS):  # what went wrong first is what matters
                self._release()
            raise
        with explained(f"releasing the lock of stage {self._stage!r}"):
            self._release()

    def _take(self) -> None:
        if self._create():
            return
        holder = self._holder()
        if holder is not None and not self._is_stale(holder):
            raise LockHeld(
                f"{_who(holder)} is deploying stage {self._stage!r} since {holder['since']}. Wait until it "
                "is "
                f"through; a lock older than {STALE_AFTER.seconds // 60} minutes is taken over."
            )
        if holder is not None:
            self._say(f"Taking over the lock that {_who(holder)} left at {holder['since']}.")
            self._delete()
        if not self._create():
            raise LockHeld(
                f"another deploy of stage {self._stage!r} has just started. Wait until it is through."
            )

    def _create(self) -> bool:
        value = {
            "host": socket.gethostname(),
            "user": _user(),
            "since": self._now().isoformat(timespec="seconds"),
            "token": self._token,
        }
        try:
            self._ssm.put_parameter(Name=self._name, Value=json.dumps(value), Type="String", Overwrite=False)
        except self._ssm.exceptions.ParameterAlreadyExists:
            # The answer to our own first try may have been lost, and the SDK has tried again.
            return (self._holder() or {}).get("token") == self._token
        return True

    def _holder(self) -> dict[str, Any] | None:
        try:
            value = self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except self._ssm.exceptions.ParameterNotFound:
            return None
        try:
            holder = json.loads(value)
            datetime.fromisoformat(holder["since"])
        except (ValueError, TypeError, KeyError):
            return {"host": "someone", "since": "1970-01-01T00:00:00+00:00"}
        return dict(holder)

    def _is_stale(self, holder: dict[str, Any]) -> bool:
        return self._now() - datetime.fromisoformat(holder["since"]) > STALE_AFTER

    def _release(self) -> None:
        if (self._holder() or {}).get("token") == self._token:
            self._delete()

    def _delete(self) -> None:
        with contextlib.suppress(self._ssm.exceptions.ParameterNotFound):
            self._ssm.delete_parameter(Name=self._name)


def _who(holder: dict[str, Any]) -> str:
    return f"{holder.get('user', 'someone')}@{holder['host']}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"
