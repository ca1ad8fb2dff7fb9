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

#: What was fetched, and until when it is good, by kind and name.
_kept: dict[tuple[str, str], tuple[str, float]] = {}
_guard = threading.Lock()


def secret_value(name: str, ttl: float, logger: Logger) -> str:
    """The value, no older than `ttl` seconds unless it cannot be fetched anew, which the log tells then.

    ConfigurationError where it cannot be had at all.
    """
    if type(name) is not str or not name.strip("/"):
        raise TypeError(f"app.secret() got {name!r}: it takes the name of a parameter or a secret, a str.")
    given = os.environ.get(variable_of(name))
    if given is not None:
        return given
    where = _place(name)
    with _guard:  # one request fetches for all that wait
        value, until = _kept.get(where, (None, 0.0))
        if value is None or time.monotonic() >= until:
            value, lasts = _fetched(name, where, value, ttl, logger)
            _kept[where] = value, time.monotonic() + lasts
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


def _fetched(
    name: str, where: tuple[str, str], old: str | None, ttl: float, logger: Logger
) -> tuple[str, float]:
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        raise ConfigurationError(
            f"app.secret({name!r}) is asked for outside of Lambda, where no AWS is asked: set "
            f"{variable_of(name)} in the environment."
        )
    from .references import fetched

    try:
        return fetched({where: f"app.secret({name!r})"})[where], ttl
    except ConfigurationError as exc:
        if old is None:
            raise
        logger.warning("%s The value of before is used.", exc)
        return old, min(ttl, _AGAIN)
