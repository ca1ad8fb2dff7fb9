"""The published versions of a function: they hold code and configuration as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from microlambda.deploy.explain import NOT_FOUND, error_code

if TYPE_CHECKING:
    from microlambda.deploy.session import Aws

#: How many versions stay beside the one that serves: the way back.
KEPT = 5


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


def prune(aws: Aws, function: str, live: str) -> None:
    """Delete the oldest versions beyond those kept; one that another alias points at stays.

    https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
    """
    client = aws.client("lambda")
    older = [one for one in published(aws, function) if one.number < int(live)]
    for version in older[KEPT:]:
        try:
            client.delete_function(FunctionName=function, Qualifier=str(version.number))
        except ClientError as exc:
            if error_code(exc) not in {"ResourceConflictException", *NOT_FOUND}:
                raise
