"""Reading what uv says where it fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import (
    DependencyConflict,
    DownloadDamaged,
    PackageNotFound,
    ResolutionFailed,
)
from microlambda.bundle.resolving.failures import failure, locked_out, unreached
from microlambda.bundle.resolving.request import Answer, Request, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
#: How uv says that a package has files, but none that may be used here. A version may follow the name.
NO_WHEEL = re.compile(rf"\b({_NAME})(?:\[[^\]]*\])?(?:[<>=!~]\S*)? (?:has|have) no (?:usable )?wheels\b")
_NO_WHEEL_HINT = re.compile(rf"Wheels are required for `({_NAME})`")
_UNKNOWN = re.compile(
    rf"\b({_NAME}) was not found in the (?:package registry|provided package locations)"
    rf"|there (?:is|are) no versions? of ({_NAME}(?:\[[^\]]*\])?(?:[<>=!~]\S*)?)"
)
#: How it says that an address gave nothing.
NETWORK = re.compile(
    r"Failed to fetch|error sending request|Request failed after|dns error|Network connectivity is disabled"
    r"|tcp connect error|operation timed out|HTTP status (?:client|server) error",
    re.IGNORECASE,
)
_URL = re.compile(r"[Ff]ailed to fetch:? `?([^\s`]+)")
_LOCKED_OUT = re.compile(
    r"index URL \((\S+?)\) (?:could not be queried due to|returned) a?.{0,60}?\((40[13] \w+)\)"
)
_CONFLICT = re.compile(r"requirements are unsatisfiable|Requirements contain conflicting")
#: The name and the version of a file that is not the one that its hash stands for.
_HASH_MISMATCH = re.compile(r"Hash mismatch for `([^`]+)`")
#: A file that cannot be unpacked: in the words for all of it, and for the part that is read first.
_DAMAGED = re.compile(
    r"Failed to (?:extract archive:?|unzip wheel:?|read zip archive:?) (?:`?([^\s`]+\.whl))?"
    rf"|The structure of `({_NAME})` \(v?([^)]+)\) was invalid"
    rf"|Failed to (?:download|extract|read) `({_NAME}==[^`]+)` cause: .{{0,80}}(?:zip|archive|extract)"
)


def read_answer(output: str, request: Request) -> Answer:
    """Read the output of an installation that failed."""
    flat = " ".join(output.split())  # uv wraps its sentences
    if locked := _LOCKED_OUT.search(flat):
        return Answer(error=locked_out("uv", locked[1], locked[2]))
    if damaged := _damaged(flat):
        return Answer(error=failure(DownloadDamaged, "uv", output, damaged))
    if NETWORK.search(flat):
        url = _URL.search(flat)
        return Answer(error=unreached("uv", url[1] if url else "", output, request))
    names = dict.fromkeys([*_matches(NO_WHEEL, flat), *_matches(_NO_WHEEL_HINT, flat)])
    if names:
        return Answer(unfit=tuple(_unfit(name, request, output) for name in names))
    return Answer(error=_error(flat, output))


def _damaged(flat: str) -> str | None:
    if mismatch := _HASH_MISMATCH.search(flat):
        return f"the file of {mismatch[1]} is not the one that its hash stands for."
    if broken := _DAMAGED.search(flat):
        file = broken[1] or broken[4] or f"{broken[2]}=={broken[3]}"
        return f"{file} is damaged: it cannot be unpacked."
    return None


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        yield str(canonicalize_name(match[1]))


def _unfit(name: str, request: Request, output: str) -> Unfit:
    hints = [
        " ".join(paragraph.removeprefix("hint:").split())
        for paragraph in re.split(r"\n\s*\n", output)
        if paragraph.startswith("hint:")
        and f"`{name}`" in paragraph
        and "Wheels are required" not in paragraph
    ]
    hint = _sentence(hints[0] if hints else "")
    return Unfit(name=name, requirement=request.requirement_of(name), hint=hint)


def _sentence(text: str) -> str:
    return text.replace("`", "") + "." if text and not text.endswith(".") else text.replace("`", "")


def _error(flat: str, output: str) -> ResolutionFailed:
    if unknown := _UNKNOWN.search(flat):
        name = unknown[1] or unknown[2]
        return failure(PackageNotFound, "uv", output, f"the package index has no {name}.")
    if _CONFLICT.search(flat):
        because = flat.partition("Because ")[2].partition(", we can conclude that your requirements")[0]
        because = because.partition(" hint:")[0]
        return failure(DependencyConflict, "uv", output, f"the dependencies exclude each other: {because}.")
    return failure(ResolutionFailed, "uv", output)
