"""Reading what pip says where it fails."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import (
    DependencyConflict,
    DownloadDamaged,
    PackageNotFound,
    ResolutionFailed,
)
from microlambda.bundle.resolving.failures import failure, locked_out, unreached
from microlambda.bundle.resolving.pip_log import was_passed_over
from microlambda.bundle.resolving.request import Answer, Request, Unfit

_NOT_FOUND = re.compile(r"No matching distribution found for (.+?)(?: \(from [^)]*\))?$", re.MULTILINE)
_VERSIONS = re.compile(
    r"satisfies the requirement (.+?)(?: \(from (?!versions)[^)]*\))? \(from versions: (.*)\)"
)
_UNREACHED = re.compile(r"Could not fetch URL (\S+): connection error")
_LOCKED_OUT = re.compile(
    r"Could not fetch URL (\S+): (40[13] Client Error: \w+)|(40[13] Client Error: \w+) .{0,40}for url: (\S+)"
)
#: How it says that a file could not be had; before pip 26 with the parts of its address, if no answer came.
_NO_FILE = re.compile(
    r"(?:HTTP error \d+ while getting|Failed to connect to .{1,300}? while fetching|Unable to fetch) (\S+)"
)
_NO_ANSWER = re.compile(
    r"(?:an OSError|ReadTimeoutError): (HTTPS?)ConnectionPool\(host='([^']+)', port=(\d+)\):"
    r"(?: Max retries exceeded with url: (\S+))?"
)
_CONFLICT = re.compile(
    r"because these package versions have conflicting dependencies|ResolutionImpossible: for help"
)
_BECAUSE = re.compile(r"The conflict is caused by:\n((?:\s{4}\S.*\n?)+)")
#: The address of a file that is not the one that its hash stands for.
_HASH_MISMATCH = re.compile(
    r"DO NOT MATCH THE HASHES.*?\n\s+(?:\S+ )*?from (\S+?)(?:#\S*)?(?: \(from .*\))?:\n", re.DOTALL
)
_DAMAGED = re.compile(
    r"Wheel '[^']+' located at \S+?([^/\\\s]+\.whl) is invalid|(\S+\.whl) has an invalid wheel"
)
#: What ends it with a traceback, in which no file is named.
_BROKEN = re.compile(r"^(?:zlib\.error|zipfile\.BadZipFile|EOFError)\b", re.MULTILINE)
_INSTALLING = re.compile(r"^Installing collected packages: (.+)$", re.MULTILINE)


def read_answer(output: str, logged: str, request: Request) -> Answer:
    """Read the output and the log of an installation that failed."""
    if damaged := _damaged(output):
        return Answer(error=failure(DownloadDamaged, "pip", output, damaged))
    if locked := _LOCKED_OUT.search(f"{output}\n{logged}"):
        return Answer(error=locked_out("pip", locked[1] or locked[4], (locked[2] or locked[3])[:3]))
    if url := unreached_address(output, logged):
        return Answer(error=unreached("pip", url, output, request))
    if not_found := _NOT_FOUND.search(output):
        return _not_found(not_found[1].strip(), output, logged, request)
    if _CONFLICT.search(output):
        return Answer(error=_conflict(output))
    return Answer(error=failure(ResolutionFailed, "pip", output))


def unreached_address(output: str, logged: str) -> str | None:
    """Give the address that gave nothing, if there is one."""
    if page := _UNREACHED.search(logged):
        return page[1]
    flat = " ".join(output.split())
    if file := _NO_FILE.search(flat):
        return file[1]
    if silent := _NO_ANSWER.search(flat):
        scheme, host, port, path = silent.groups()
        return f"{scheme.lower()}://{host}:{port}{path or ''}"
    return None


def _damaged(output: str) -> str | None:
    if mismatch := _HASH_MISMATCH.search(output):
        return f"the file {mismatch[1].rpartition('/')[2]} is not the one that its hash stands for."
    if broken := _DAMAGED.search(output):
        return f"{broken[1] or broken[2]} is damaged: it cannot be unpacked."
    if _BROKEN.search(output) and (installing := _INSTALLING.search(output)):
        return f"a wheel is damaged and cannot be unpacked, that of one of: {installing[1]}."
    return None


def _conflict(output: str) -> ResolutionFailed:
    because = _BECAUSE.search(output)
    lines = because[1].splitlines() if because else []
    detail = "; ".join(line.strip() for line in lines if line.strip())
    fact = f"the dependencies exclude each other{': ' + detail if detail else ''}."
    return failure(DependencyConflict, "pip", output, fact)


def _not_found(asked: str, output: str, logged: str, request: Request) -> Answer:
    try:
        requirement = Requirement(asked)
    except InvalidRequirement:
        return Answer(error=failure(ResolutionFailed, "pip", output))
    name = canonicalize_name(requirement.name)
    asked_for = [str(one) for one in request.asked if canonicalize_name(one.name) == name and one.specifier]
    if len(asked_for) > 1 and not request.requirements.is_locked:
        fact = f"the dependencies exclude each other: {', '.join(asked_for)}."
        return Answer(error=failure(DependencyConflict, "pip", output, fact))
    if not was_passed_over(requirement, logged):
        return Answer(error=failure(PackageNotFound, "pip", output, f"the package index has no {asked}."))
    return Answer(unfit=(Unfit(name=name, requirement=asked, hint=_hint(output)),))


def _hint(output: str) -> str:
    match = _VERSIONS.search(output)
    if match is None or match[2] == "none":
        return ""
    versions = match[2].split(", ")
    return f"Versions that have one: {', '.join(versions[-8:])}."
