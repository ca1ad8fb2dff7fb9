"""Names and ARNs of the resources that decorators name."""

from __future__ import annotations

import re

from ..events.arns import is_arn
from .base import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import RegistrationError


def checked_name(
    decorator: str, keyword: str, value: object, *, service: str, pattern: str, rule: str, example: str
) -> str:
    """A resource's name or ARN; `pattern` is that of a name and `rule` says it in words.

    A URL is refused by name: consoles show one beside most resources.
    """
    if not isinstance(value, str) or not value:
        raise refuse(decorator, keyword, value, f"write its name or its ARN: {keyword}={example!r}.")
    if "://" in value:
        raise _url(decorator, keyword, value)
    if value.startswith("arn:"):
        return checked_arn(decorator, keyword, value, service=service)
    if not re.fullmatch(pattern, value):
        raise refuse(decorator, keyword, value, f"{rule} An ARN works, too.")
    return value


def checked_arn(decorator: str, keyword: str, value: object, *, service: str | tuple[str, ...]) -> str:
    """An ARN of one of these services, `sqs` or `kafka` for example."""
    services = (service,) if isinstance(service, str) else service
    if not isinstance(value, str) or not is_arn(value):
        if isinstance(value, str) and "://" in value:
            raise _url(decorator, keyword, value)
        form = f"arn:aws:{services[0]}:REGION:ACCOUNT:..."
        raise refuse(decorator, keyword, value, f"that is no ARN, which looks like {form}.")
    found = value.split(":")[2]
    if found not in services:
        raise refuse(decorator, keyword, value, f"that is an ARN of {found}, not of {' or '.join(services)}.")
    return value


def _url(decorator: str, keyword: str, value: str) -> RegistrationError:
    name = value.rstrip("/").rpartition("/")[2]
    return refuse(decorator, keyword, value, f"that is a URL. Write the name, {name!r}, or the ARN.")
