"""One deploy of a stage at a time: an SSM parameter that only one can create.

It holds who and since when, and is renewed for as long as it is held. One that is older than 15 minutes was
left by a deploy that died, or that slept with its machine, and is taken over.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import secrets
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from microlambda.deploy.errors import LockHeld
from microlambda.deploy.explain import AWS_ERRORS, explained
from microlambda.plan.names import lock_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

STALE_AFTER = timedelta(minutes=15)

#: How often a lock that is held is renewed, in seconds: three times before it is stale.
RENEWED_EVERY = STALE_AFTER.total_seconds() / 4

# Seconds between tries to take a lock that is there and that nobody is seen to hold.
_PAUSES = (0.5, 1, 2)
# Seconds after which another that takes over the same lock has made itself known.
_TAKEN_OVER = 2


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lock; `since` is AWS's word, not that of a clock somewhere."""

    who: str
    since: datetime
    token: str

    @property
    def moment(self) -> str:
        """Write since when."""
        return self.since.astimezone(UTC).isoformat(timespec="seconds")


class Lock:
    """The lock of one stage."""

    def __init__(
        self, aws: Aws, scope: Scope, *, say: Callable[[str], None], now: Callable[[], datetime] = _now
    ) -> None:
        self._ssm = aws.client("ssm")
        self._sleep = aws.sleep
        self._name = lock_name(scope.app, scope.stage)
        self._stage = scope.stage
        self._say = say
        self._now = now
        self._token = secrets.token_hex(8)
        self._over = threading.Event()
        self._lost = False
        self._kept = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for as long as the block runs; `LockHeld` says who has it."""
        renewal = threading.Thread(target=self._keep_young, name="microlambda-lock", daemon=True)
        try:
            with explained(f"taking the lock of stage {self._stage!r}"):
                self._take()
            renewal.start()
            yield
            self._end(renewal)
            with explained(f"releasing the lock of stage {self._stage!r}"):
                self._release()
        except BaseException:  # Ctrl-C too, and from the moment when the parameter may be there
            self._end(renewal)
            with contextlib.suppress(*AWS_ERRORS):  # what went wrong first is what matters
                self._release()
            raise

    def check(self) -> None:
        """Make sure that the lock has not been lost meanwhile: `LockHeld` says to whom."""
        if self._lost:
            holder = self._holder()
            raise self._was_removed() if holder is None else self._refusal(holder)

    def keep(self) -> None:
        """Leave the lock where it is at the end of the block: something may go on that nobody waits for."""
        self._kept = True

    def give_up(self) -> None:
        """Let the lock be released at the end of the block after all: nothing goes on any more."""
        self._kept = False

    def renew(self) -> None:
        """Make the lock young again, or find out that it is another's by now."""
        if not self._is_ours():
            self._lost = True
            return
        self._ssm.put_parameter(Name=self._name, Value=self._value(), Type="String", Overwrite=True)

    def _keep_young(self) -> None:
        while not self._lost and not self._over.wait(RENEWED_EVERY):
            with contextlib.suppress(*AWS_ERRORS):  # there are several tries before it is stale
                self.renew()

    def _end(self, renewal: threading.Thread) -> None:
        """End the renewal, and wait for one that is on its way: it would bring a released lock back."""
        self._over.set()
        if renewal.ident is not None:
            renewal.join()

    def _take(self) -> None:
        holder = None
        for pause in _PAUSES:
            if self._create():
                return
            holder = self._holder()
            if holder is not None:
                break
            self._sleep(pause)  # it has just been released, or is not to be read everywhere yet
        if holder is None or not self._is_stale(holder):
            raise self._refusal(holder)
        self._take_over(holder)

    def _take_over(self, left: Holder) -> None:
        """Replace a lock that was left; of several that try to, at most one goes on."""
        if (found := self._holder()) != left:
            raise self._refusal(found)
        self._say(f"Taking over the lock that {left.who} left at {left.moment}.")
        self._delete()
        if not self._create():
            raise self._refusal(self._holder())
        # Another may have read the old lock before it was gone, and have deleted ours in its place.
        self._sleep(_TAKEN_OVER)
        if not self._is_ours():
            raise self._refusal(self._holder())

    def _refusal(self, holder: Holder | None) -> LockHeld:
        if holder is None:
            fact = f"another deploy of stage {self._stage!r} has just started"
        else:
            fact = f"{holder.who} is deploying stage {self._stage!r} since {holder.moment}"
        return LockHeld(
            f"{fact}: it holds the SSM parameter {self._name!r}. Wait until it is through; a lock older than "
            f"{_minutes(STALE_AFTER)} minutes is taken over."
        )

    def _was_removed(self) -> LockHeld:
        return LockHeld(
            f"the lock of this deploy has gone: somebody has removed the SSM parameter {self._name!r}, and "
            "another deploy may run. Run the same command again."
        )

    def _value(self) -> str:
        value = {
            "host": socket.gethostname(),
            "user": _user(),
            "since": self._now().isoformat(timespec="seconds"),
            "token": self._token,
        }
        return json.dumps(value)

    def _create(self) -> bool:
        try:
            self._ssm.put_parameter(Name=self._name, Value=self._value(), Type="String", Overwrite=False)
        except self._ssm.exceptions.ParameterAlreadyExists:
            # The answer to our own first try may have been lost, and the SDK has tried again.
            return self._is_ours()
        return True

    def _holder(self) -> Holder | None:
        try:
            parameter = self._ssm.get_parameter(Name=self._name)["Parameter"]
        except self._ssm.exceptions.ParameterNotFound:
            return None
        since, value = parameter["LastModifiedDate"], parameter["Value"]
        try:
            told = json.loads(value)
            return Holder(
                who=f"{told.get('user', 'someone')}@{told['host']}", since=since, token=told["token"]
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            return Holder(who="someone", since=since, token=value)

    def _is_stale(self, holder: Holder) -> bool:
        return self._now() - holder.since > STALE_AFTER

    def _is_ours(self) -> bool:
        holder = self._holder()
        return holder is not None and holder.token == self._token

    def _release(self) -> None:
        if self._kept:
            self._say(
                f"The lock of stage {self._stage!r} is left, as a change may still be on its way: the SSM "
                f"parameter {self._name!r}. The next deploy can begin in {_minutes(STALE_AFTER)} minutes."
            )
        elif self._is_ours():
            self._delete()

    def _delete(self) -> None:
        with contextlib.suppress(self._ssm.exceptions.ParameterNotFound):
            self._ssm.delete_parameter(Name=self._name)


def _minutes(span: timedelta) -> int:
    return span.seconds // 60


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"
