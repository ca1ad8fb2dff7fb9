"""The published versions of a function: they hold code and configuration as they were.

Not each of them has served: one that did not start was published, too. Which have, and since when the present
one does, is written on the alias `live`, in the call that moves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from microlambda.deploy.explain import NOT_FOUND, error_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from microlambda.deploy.session import Aws

#: How many versions stay beside the one that serves: the way back.
KEPT = 5

_LABEL = re.compile(
    r"(?P<description>.*?)"
    r"(?:, since (?P<since>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d))?"
    r"(?:, after (?P<served>\d+(?: \d+)*))?"
)


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


@dataclass(frozen=True, kw_only=True)
class Label:
    """What is written on the alias: what the version that serves was built from, and the alias's history.

    `since` is when it was moved to that version, in UTC, empty where nobody wrote it; `served` are the
    versions that have served before.
    """

    description: str
    since: str = ""
    served: tuple[int, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """Take apart the description of an alias."""
        found = _LABEL.fullmatch(text)
        if found is None:  # of several lines: another's
            return cls(description=text)
        served = tuple(map(int, (found["served"] or "").split()))
        return cls(description=found["description"], since=found["since"] or "", served=served)

    @classmethod
    def of_moving(cls, description: str, live: int, served: Sequence[int] = ()) -> Self:
        """Describe an alias that moves now to the version `live`, with the last that have `served`."""
        before = sorted({number for number in served if number < live}, reverse=True)[:KEPT]
        now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")[:19]
        return cls(description=description, since=now, served=tuple(before))

    def __str__(self) -> str:
        """Write it as the description of the alias, which AWS takes up to 256 characters of."""
        since = f", since {self.since}" if self.since else ""
        served = f", after {' '.join(map(str, self.served))}" if self.served else ""
        return f"{self.description}{since}{served}"


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
