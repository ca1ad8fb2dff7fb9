"""Every key that the settings may hold: where it may stand, and which values it takes.

A check takes a value and answers what is wrong with it ("must be text"), or None. It never prints what an
environment variable or a tag holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from microlambda.project import limits
from microlambda.project.environment import name_problem

Check = Callable[[object], "str | None"]

TOP, STAGE, FUNCTION = "top", "stage", "function"


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: its check, the levels where it may stand, and whether this version deploys it."""

    check: Check
    levels: tuple[str, ...] = (TOP, STAGE)
    deployed: bool = True


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value else "must be text, and not empty"


def _matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: object) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else f"must be {what}"

    return check


def _choice(*values: str) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, str) and value in values:
            return None
        return f"must be one of {', '.join(repr(one) for one in values)} (text, in quotes)"

    return check


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _between(limits: tuple[int, int], unit: str) -> Check:
    low, high = limits

    def check(value: object) -> str | None:
        if _whole(value) and low <= value <= high:  # type: ignore[operator]  # _whole has just told it is an int
            return None
        return f"must be a whole number from {low} to {high} ({unit})"

    return check


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _texts(value: object) -> str | None:
    good = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    return None if good else "must be a list of texts"


def _text_or_texts(value: object) -> str | None:
    return None if _text(value) is None else _texts(value) and "must be text or a list of texts"


def _sdk(value: object) -> str | None:
    if value in ("runtime", "bundle") or (_texts(value) is None and value != []):
        return None
    return "must be 'runtime', 'bundle', or a list of services, such as ['s3', 'sqs']"


def _retention(value: object) -> str | None:
    if value == "forever" or (_whole(value) and value in limits.LOG_RETENTIONS):
        return None
    days = ", ".join(map(str, limits.LOG_RETENTIONS))
    return f"must be 'forever' or a number of days that CloudWatch Logs has: {days}"


def _environment(value: object) -> str | None:
    if not isinstance(value, dict):
        return "must be a table of names and texts"
    for name, text in value.items():
        if problem := name_problem(name):
            return f"cannot hold {name!r}: {problem}"
        if not isinstance(text, str):
            return f"takes texts only; put the value of {name} in quotes"
    return None


def _tags(value: object) -> str | None:
    if not isinstance(value, dict):
        return "must be a table of names and texts"
    for name, text in value.items():
        if not isinstance(text, str) or len(text) > limits.TAG_VALUE_LENGTH:
            return f"takes texts of up to {limits.TAG_VALUE_LENGTH} characters; the one of {name!r} is none"
        if not name or len(name) > limits.TAG_KEY_LENGTH:
            return f"takes names of 1 to {limits.TAG_KEY_LENGTH} characters; {name!r} is none"
        if name.lower().startswith(("aws:", "microlambda:")):
            return f"cannot hold {name!r}: names that start with aws: or microlambda: are taken"
    return None


def _anything(_value: object) -> str | None:
    return None


_ANY_LEVEL = (TOP, STAGE, FUNCTION)
_LATER = Key(check=_anything, levels=_ANY_LEVEL, deployed=False)

KEYS: dict[str, Key] = {
    "id": Key(check=_matching(r"[a-z0-9]{6,32}", "6 to 32 letters a-z and digits"), levels=(TOP,)),
    "name": Key(check=_text, levels=(TOP,)),
    "app": Key(check=_matching(r"[\w.]+(:\w+)?", "'module:attribute', such as 'app:app'"), levels=(TOP,)),
    "account": Key(check=_matching(r"\d{12}", "an AWS account's 12 digits, in quotes")),
    "region": Key(check=_matching(r"[a-z]+(-[a-z]+)+-\d+", "an AWS region, such as 'eu-west-1'")),
    "python": Key(check=_choice(*limits.PYTHONS)),
    "architecture": Key(check=_choice(*limits.ARCHITECTURES)),
    "ingress": Key(check=_choice(*limits.INGRESS_TIMEOUTS)),
    "endpoint_type": Key(check=_choice(*limits.ENDPOINT_TYPES)),
    "memory": Key(check=_between(limits.MEMORY, "MB"), levels=_ANY_LEVEL),
    "timeout": Key(check=_between(limits.TIMEOUT, "seconds"), levels=_ANY_LEVEL),
    "environment": Key(check=_environment, levels=_ANY_LEVEL),
    "log_retention": Key(check=_retention, levels=_ANY_LEVEL),
    "tags": Key(check=_tags, levels=_ANY_LEVEL),
    "include": Key(check=_texts),
    "exclude": Key(check=_texts),
    "requirements": Key(check=_text_or_texts),
    "groups": Key(check=_texts, levels=_ANY_LEVEL),
    "extras": Key(check=_texts, levels=_ANY_LEVEL),
    "keep": Key(check=_texts),
    "strip": Key(check=_flag),
    "sdk": Key(check=_sdk),
    "single_archive": Key(check=_flag),
    "single_function": Key(check=_flag, deployed=False),
    "base_path": Key(check=_text, deployed=False),
    "ephemeral_storage": Key(check=_between(limits.EPHEMERAL_STORAGE, "MB"), levels=_ANY_LEVEL),
    "tracing": Key(check=_flag, levels=_ANY_LEVEL),
    "log_format": Key(check=_choice("text", "json"), levels=_ANY_LEVEL),
    "reserved_concurrency": Key(check=_between(limits.CONCURRENCY, "invocations at once"), levels=_ANY_LEVEL),
    "vpc": _LATER,
    "layers": _LATER,
    "snap_start": _LATER,
    "policies": _LATER,
    "iam_role_arn": _LATER,
}

#: Tables of tables: they hold settings of their own, at the next level.
NESTED: dict[str, tuple[str, ...]] = {"functions": (TOP, STAGE), "stages": (TOP,)}


def known_at(level: str) -> set[str]:
    """Name the keys that may stand at this level."""
    plain = {name for name, key in KEYS.items() if level in key.levels}
    return plain | {name for name, levels in NESTED.items() if level in levels}
