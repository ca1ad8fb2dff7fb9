"""The errors of a resolution: the fact, and what to do; no credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from microlambda.bundle.errors import (
    DependencyConflict,
    DownloadDamaged,
    IndexUnreachable,
    NoFittingWheel,
    PackageNotFound,
    ResolutionFailed,
    WheelUnreachable,
)
from microlambda.bundle.inputs.masking import mask
from microlambda.bundle.resolving.running import tail

if TYPE_CHECKING:
    from microlambda.bundle.resolving.request import BuildFailed, Request, Unfit

#: Why an address gave nothing, in the words of pip and of uv: an HTTP status, or what the system says.
_STATUS = re.compile(
    r"HTTP (?:error|status \w+ error) \(?([45]\d\d)|\b(4\d\d) (?:Client Error|Unauthorized|Forbidden)"
)
_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")\n]+)|([A-Z][a-z ]+) \(os error \d+\)")

_REMEDIES = {
    PackageNotFound: "Check its spelling and the index that it is published on.",
    DependencyConflict: "Loosen or pin one of them.",
    IndexUnreachable: "Check the connection, the proxy and the index's address, then run it again.",
    WheelUnreachable: "Check the address, the connection and the proxy, then run it again.",
    DownloadDamaged: (
        "Nothing of it is kept. Run it again; if that does not help, the index has it damaged, or the hash "
        "that the requirements give is another file's."
    ),
}

_ELSEWHERE = (
    "change python or architecture in the settings, put it into a Lambda layer, or ship a container image."
)


def failure(kind: type[ResolutionFailed], resolver: str, output: str, fact: str = "") -> ResolutionFailed:
    """Make the error of a failed run: the fact, or the tail of what the resolver said."""
    text = fact or f"{resolver} could not resolve the dependencies. It says:\n{tail(output)}"
    remedy = _REMEDIES.get(kind, "")
    return kind(mask(f"{text}{' ' + remedy if remedy and fact else ''}"))


def no_fitting_wheel(unfit: Unfit, request: Request, problem: BuildFailed | None = None) -> NoFittingWheel:
    """Name the dependency, what it lacks and what to do; a build's log comes last."""
    details = " ".join(part for part in (unfit.hint, problem.why if problem else "") if part)
    locked = f", as {request.requirements.label} has it," if request.requirements.is_locked else ""
    remedy = "Pin a version that has one" if not locked else "Ask for a version that has one and lock again"
    return NoFittingWheel(
        f"{unfit.requirement}{locked} has no wheel for {request.target}"
        f"{f': {mask(details)}' if details else '.'} "
        f"{remedy}, {_ELSEWHERE}{said_by(problem)}"
    )


def said_by(problem: BuildFailed | None) -> str:
    """Give the log of a build as an error ends with it; empty where there is none."""
    return f"\nThe build said:\n{mask(problem.log)}" if problem and problem.log else ""


def unreached(resolver: str, url: str, output: str, request: Request) -> ResolutionFailed:
    """Make the error of an address that gave nothing: that of a wheel which is named, or the index's."""
    named = next((one for one in request.asked if one.url and _place(one.url) == _place(url)), None)
    if named is None:
        fact = f"{resolver} could not reach the package index{f': {url}' if url else ''}."
        return failure(IndexUnreachable, resolver, output, fact)
    fact = f"the wheel of {named.name} could not be had from {named.url}{why_unreached(output)}."
    return failure(WheelUnreachable, resolver, output, fact)


def locked_out(resolver: str, url: str, status: str) -> IndexUnreachable:
    """Make the error of an index that wants to know who asks."""
    given = (
        "does not accept the credentials that it got"
        if "@" in urlsplit(url).netloc
        else "asks for credentials"
    )
    return IndexUnreachable(
        mask(
            f"the package index {url} {given}: it answered {resolver} with {status}. "
            f"Put them where {resolver} finds them: into its variables for the index, or into ~/.netrc."
        )
    )


def _place(url: str) -> tuple[str | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path


def why_unreached(output: str) -> str:
    """Say why an address gave nothing, as the end of a sentence: an HTTP status, or the system's reason."""
    if status := _STATUS.search(output):
        return f": it answered {status[1] or status[2]}"
    reasons = [first or second for first, second in _REASON.findall(output)]
    return f": {reasons[-1].strip()}" if reasons else ""
