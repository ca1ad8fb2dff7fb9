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
from microlambda.project.errors import nearest
from microlambda.project.policies import place_problem, policies_problem

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


def _key_names(value: object) -> str | None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return "must be a list of names, such as ['partner-a', 'partner-b']"
    for name in value:
        if not re.fullmatch(r"[\w-]{1,64}", name, re.ASCII):
            return f"holds {name!r}; the name of an API key has 1 to 64 letters, digits, - and _"
        if value.count(name) > 1:
            return f"holds {name!r} more than once"
    return None


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


# The pattern of LayerVersionArn in Lambda's service model, without its number.
_LAYER = re.compile(
    r"arn:(?:aws[\w-]*|\$\{partition\}):lambda:(?:[a-z0-9-]+|\$\{region\}):(?:\d{12}|\$\{account\}):layer:"
    r"[\w-]+",
    re.ASCII,
)
# IAM is global: names of a region each end in it.
_ROLE = re.compile(
    r"arn:(?:aws[\w-]*|\$\{partition\}):iam::(?:\d{12}|\$\{account\}):"
    r"role/(?:[\w+=,.@/-]|\$\{(?:region|account)\})+",
    re.ASCII,
)


def _layers(value: object) -> str | None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return "must be a list of ARNs of layer versions"
    layers = [one.rpartition(":")[0] for one in value]
    for arn, layer in zip(value, layers, strict=True):
        if problem := place_problem(arn):
            return problem
        if _LAYER.fullmatch(arn):
            return f"holds {arn!r}, a layer without its version. Write '{arn}:1', or the number that you mean"
        if not _LAYER.fullmatch(layer) or not re.fullmatch(r"[1-9]\d*", arn[len(layer) + 1 :], re.ASCII):
            return (
                f"holds {arn!r}, which is no ARN of a layer version, such as "
                "'arn:aws:lambda:eu-west-1:123456789012:layer:fonts:3'"
            )
        if layers.count(layer) > 1:
            return f"holds {layer!r} more than once, and Lambda takes one version of a layer"
    return None


_NO_ROLE = (
    "must be the ARN of a role, such as 'arn:aws:iam::123456789012:role/mine', or '' for a role of its own"
)


def _role(value: object) -> str | None:
    if isinstance(value, str) and (problem := place_problem(value)):
        return problem
    good = isinstance(value, str) and (not value or _ROLE.fullmatch(value))
    return None if good else _NO_ROLE


# https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
_SEGMENT = r"[A-Za-z0-9$._+!*'()~-]+"

_NETWORK = {
    "subnets": (re.compile(r"subnet-[0-9a-f]{8,17}"), limits.SUBNETS, "subnet-0a1b2c3d"),
    "security_groups": (re.compile(r"sg-[0-9a-f]{8,17}"), limits.SECURITY_GROUPS, "sg-0a1b2c3d"),
}


def _vpc(value: object) -> str | None:
    if not isinstance(value, dict):
        return "must be a table: { subnets = ['subnet-0a1b2c3d'], security_groups = ['sg-0a1b2c3d'] }"
    for name, ids in value.items():
        if name not in _NETWORK:
            hint = nearest(name, _NETWORK) or f" Known are {' and '.join(_NETWORK)}."
            return f"has no key {name!r}.{hint}"
        form, most, example = _NETWORK[name]
        if not isinstance(ids, list):
            return f"takes a list for {name}, such as ['{example}']"
        if wrong := [one for one in ids if not isinstance(one, str) or not form.fullmatch(one)]:
            return f"holds {wrong[0]!r} in {name}, which is no id such as '{example}'"
        if len(set(ids)) > most:
            return f"holds {len(set(ids))} {name}; Lambda takes {most}"
    return None


_ANY_LEVEL = (TOP, STAGE, FUNCTION)

KEYS: dict[str, Key] = {
    "id": Key(check=_matching(r"[a-z0-9]{6,32}", "6 to 32 letters a-z and digits"), levels=(TOP,)),
    "name": Key(check=_text, levels=(TOP,)),
    "app": Key(check=_matching(r"[\w.]+(:\w+)?", "'module:attribute', such as 'app:app'"), levels=(TOP,)),
    "account": Key(check=_matching(r"\d{12}", "an AWS account's 12 digits, in quotes")),
    "region": Key(check=_matching(r"[a-z]+(-[a-z]+)+-\d+", "an AWS region, such as 'eu-west-1'")),
    "python": Key(check=_choice(*limits.PYTHONS)),
    "architecture": Key(check=_choice(*limits.ARCHITECTURES)),
    "ingress": Key(check=_choice(*limits.INGRESS_TIMEOUTS)),
    "base_path": Key(check=_matching(rf"{_SEGMENT}(/{_SEGMENT})*", "segments of a path, such as 'v1'")),
    "endpoint_type": Key(check=_choice(*limits.ENDPOINT_TYPES)),
    "api_keys": Key(check=_key_names),
    "jwks": Key(check=_text),
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
    "ephemeral_storage": Key(check=_between(limits.EPHEMERAL_STORAGE, "MB"), levels=_ANY_LEVEL),
    "tracing": Key(check=_flag, levels=_ANY_LEVEL),
    "log_format": Key(check=_choice("text", "json"), levels=_ANY_LEVEL),
    "reserved_concurrency": Key(check=_between(limits.CONCURRENCY, "invocations at once"), levels=_ANY_LEVEL),
    "vpc": Key(check=_vpc, levels=_ANY_LEVEL),
    "layers": Key(check=_layers, levels=_ANY_LEVEL),
    "snap_start": Key(check=_flag, levels=_ANY_LEVEL),
    "policies": Key(check=policies_problem, levels=_ANY_LEVEL),
    "iam_role_arn": Key(check=_role, levels=_ANY_LEVEL),
}

#: Tables of tables: they hold settings of their own, at the next level.
NESTED: dict[str, tuple[str, ...]] = {"functions": (TOP, STAGE), "stages": (TOP,)}


def known_at(level: str) -> set[str]:
    """Name the keys that may stand at this level."""
    plain = {name for name, key in KEYS.items() if level in key.levels}
    return plain | {name for name, levels in NESTED.items() if level in levels}
