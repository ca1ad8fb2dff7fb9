"""The published versions of a function: they hold code and configuration as they were.

Not each of them has served: one that did not start was published, too. Those that have are on the alias
`live`, in the call that moves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from microlambda.deploy.explain import NOT_FOUND, error_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from microlambda.deploy.session import Aws

#: How many versions stay beside the one that serves: the way back.
KEPT = 5

_AFTER = re.compile(r", after (?P<served>\d+(?: \d+)*)$")


@dataclass(frozen=True, kw_only=True)
class PublishedVersion:
    """A version; `since` is when it was published, in UTC, `description` what it was built from."""

    number: int
    since: str
    description: str


def published(aws: Aws, function: str) -> list[PublishedVersion]:
    """List the versions of a function, the newest first."""
    pages = aws.client("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = [
        PublishedVersion(
            number=int(one["Version"]),
            since=one["LastModified"][:19].replace("T", " "),
            description=one.get("Description", ""),
        )
        for page in pages
        for one in page["Versions"]
        if one["Version"].isdigit()  # $LATEST is none
    ]
    return sorted(found, key=lambda one: -one.number)


def with_served(description: str, served: Iterable[int], live: int) -> str:
    """Write on the alias of the version `live` which versions have served before it."""
    before = sorted({number for number in served if number < live}, reverse=True)[:KEPT]
    return f"{description}, after {' '.join(map(str, before))}" if before else description


def read_served(description: str) -> tuple[str, tuple[int, ...]]:
    """Take apart what is written on an alias: the version's own description, and what has served before."""
    found = _AFTER.search(description)
    if found is None:
        return description, ()
    return description[: found.start()], tuple(map(int, found["served"].split()))


def prune(aws: Aws, function: str, live: int, served: Sequence[int]) -> None:
    """Delete the oldest versions beyond those kept, which are those that `served` before all others.

    One that another alias points at stays.

    https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
    """
    client = aws.client("lambda")
    older = [one for one in published(aws, function) if one.number < live]
    for version in sorted(older, key=lambda one: one.number not in served)[KEPT:]:
        try:
            client.delete_function(FunctionName=function, Qualifier=str(version.number))
        except ClientError as exc:
            if error_code(exc) not in {"ResourceConflictException", *NOT_FOUND}:
                raise
