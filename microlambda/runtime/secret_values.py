"""`app.secret`: parameters of SSM and secrets of Secrets Manager, fetched when they are first asked for.

Off AWS, and wherever it is set, a variable of the environment stands for one: SECRET_SMS_TOKEN for
"sms/token".
"""

from __future__ import annotations

import os
import re
import threading
import time

from .errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger

_PREFIXES = {"ssm:": "ssm", "secret:": "secret"}
# Seconds until a value that could not be fetched anew is asked for again.
_AGAIN = 60.0

#: What was fetched, when that was, and when AWS was asked last, by kind and name.
_kept: dict[tuple[str, str], tuple[str, float, float]] = {}
_guard = threading.Lock()


def secret_value(name: str, ttl: float, logger: Logger) -> str:
    """The value, no older than `ttl` seconds unless it cannot be fetched anew, which the log tells then.

    ConfigurationError where it cannot be had at all.
    """
    if type(name) is not str or not name.strip("/"):
        raise TypeError(f"app.secret() got {name!r}: it takes the name of a parameter or a secret, a str.")
    if type(ttl) not in (int, float) or not ttl >= 0:
        raise TypeError(f"app.secret({name!r}, ttl={ttl!r}): it takes a number of seconds.")
    given = os.environ.get(variable_of(name))
    if given is not None:
        return given
    where = _place(name)
    with _guard:  # one request fetches for all that wait
        # The monotonic clock stands still while an environment is frozen, or a snapshot waits to be restored.
        kept, now = _kept.get(where), time.time()
        if kept is not None and (0 <= now - kept[1] < ttl or 0 <= now - kept[2] < min(ttl, _AGAIN)):
            return kept[0]
        value = _fetched(name, where)
        if isinstance(value, ConfigurationError):
            if kept is None:
                raise value
            logger.warning("%s The value of before is used.", value)
            _kept[where] = kept[0], kept[1], time.time()
            return kept[0]
        _kept[where] = value, time.time(), time.time()
        return value


def variable_of(name: str) -> str:
    """The variable of the environment that stands for a secret."""
    return f"SECRET_{re.sub('[^A-Z0-9]+', '_', name.upper()).strip('_')}"


def _place(name: str) -> tuple[str, str]:
    """`/path` and SSM's ARNs are parameters, everything else is a secret, unless it says what it is."""
    for prefix, kind in _PREFIXES.items():
        if name.startswith(prefix):
            return kind, name[len(prefix) :]
    return ("ssm" if name.startswith("/") or ":ssm:" in name else "secret"), name


def _fetched(name: str, where: tuple[str, str]) -> str | ConfigurationError:
    """What AWS has, or why it cannot be had."""
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return ConfigurationError(
            f"app.secret({name!r}) is asked for outside of Lambda, where no AWS is asked: set "
            f"{variable_of(name)} in the environment."
        )
    from .references import fetched

    try:
        return fetched({where: f"app.secret({name!r})"})[where]
    except ConfigurationError as exc:
        return exc
