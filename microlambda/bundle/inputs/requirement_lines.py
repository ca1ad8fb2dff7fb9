"""The lines of a requirements file, in pip's format.

https://pip.pypa.io/en/stable/reference/requirements-file-format/ is followed for comments, continued lines,
includes (`-r`, `-c`), options and hashes. Variables such as ${TOKEN} stay as they are: the resolver fills
them in, and nothing of ours prints or stores what they hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from microlambda.bundle.errors import RequirementsUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Stands for the runtime, whatever its extras and versions: what only our tools need never ships.
OURS = "microlambda"

_COMMENT = re.compile(r"(^|\s+)#.*$")
_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s'\"`<>]*@", re.IGNORECASE)
_PER_REQUIREMENT = re.compile(r"\s(--hash|--global-option|--config-settings?|--install-option)\b")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement(?:\s+|\s*=\s*))(.+)")
_CONSTRAINT = re.compile(r"(?:-c\s*|--constraint(?:\s+|\s*=\s*))(.+)")
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|\s*=\s*))(.+)")
_FIND_LINKS = re.compile(r"(?:-f\s*|--find-links(?:\s+|\s*=\s*))(.+)")
_VCS = re.compile(r"(git|hg|svn|bzr)\+", re.IGNORECASE)
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One requirement or option, standing by itself; `text` is what a resolver gets to read.

    `portable` is the same without the paths of this machine, where it has some: what a hash of the inputs may
    hold.
    """

    text: str
    portable: str = ""
    where: str
    requirement: Requirement | None = None  # None for an option
    local_file: Path | None = None
    is_constraint: bool = False

    @property
    def name(self) -> str | None:
        """Name the package in its normal spelling; None for an option."""
        return canonicalize_name(self.requirement.name) if self.requirement is not None else None


def mask(text: str) -> str:
    """Hide the user and the password of every URL in `text`."""
    return _USERINFO.sub(r"\1****@", text)


def read_lines(
    path: Path, *, is_constraint: bool = False, including: tuple[Path, ...] = ()
) -> Iterator[Line]:
    """Read a requirements file and what it includes."""
    path = path.resolve()
    if path in including:
        raise RequirementsUnreadable(f"{path.name} includes itself, by way of {including[-1].name}.")
    for number, text in _logical_lines(path):
        where = f"{path.name}:{number}"
        if match := _INCLUDE.fullmatch(text):
            yield from _included(match[1], path, where, is_constraint, including)
        elif match := _CONSTRAINT.fullmatch(text):
            yield from _included(match[1], path, where, True, including)
        else:
            yield _line(text, path.parent, where, is_constraint)


def _included(
    name: str, path: Path, where: str, is_constraint: bool, including: tuple[Path, ...]
) -> Iterator[Line]:
    name = _unquoted(name)
    if "://" in name:
        raise RequirementsUnreadable(
            f"{where} includes {mask(name)}: files of other machines are not read. "
            "Keep a copy in the project."
        )
    included = path.parent / name
    if not included.is_file():
        raise RequirementsUnreadable(f"{where} includes {name!r}, which is not there.")
    yield from read_lines(included, is_constraint=is_constraint, including=(*including, path))


def _logical_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Join continued lines and drop comments; the number is that of the first line joined."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequirementsUnreadable(f"{path.name} is not UTF-8 text: byte {exc.start}.") from exc
    start, pending = 1, ""
    for number, raw in enumerate([*text.splitlines(), ""], start=1):
        if not pending:
            start = number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            pending += raw[:-1].strip() + " "
            continue
        logical = _COMMENT.sub("", pending + raw.strip()).strip()
        pending = ""
        if logical:
            yield start, logical


def _line(text: str, folder: Path, where: str, is_constraint: bool) -> Line:
    if match := _EDITABLE.fullmatch(text):
        return _not_a_release(_unquoted(match[1]), folder, where)
    if match := _FIND_LINKS.fullmatch(text):
        return Line(text=f"--find-links {_anchored(_unquoted(match[1]), folder)}", portable=text, where=where)
    if text.startswith("-"):
        return Line(text=text, where=where)
    return _requirement(text, folder, where, is_constraint)


def _requirement(text: str, folder: Path, where: str, is_constraint: bool) -> Line:
    options = _PER_REQUIREMENT.search(text)
    specification = text[: options.start()].strip() if options else text
    hashes = text[options.start() :] if options else ""
    try:
        requirement = Requirement(specification)
    except InvalidRequirement as exc:
        return _unnamed(specification, hashes, folder, where, exc)
    if requirement.url:
        return _at_url(requirement, hashes, where, is_constraint)
    return Line(text=text, where=where, requirement=requirement, is_constraint=is_constraint)


def _at_url(requirement: Requirement, hashes: str, where: str, is_constraint: bool) -> Line:
    url = requirement.url or ""
    if canonicalize_name(requirement.name) == OURS:
        return Line(text="", where=where, requirement=requirement, is_constraint=is_constraint)
    if not urlsplit(url).path.endswith(".whl"):
        raise _no_source(f"{requirement.name} @ {url}", where)
    if urlsplit(url).scheme == "file":
        return _wheel(Path(unquote(urlsplit(url).path)), str(requirement.marker or ""), hashes, where)
    text = f"{requirement}{hashes}"
    return Line(text=text, where=where, requirement=requirement, is_constraint=is_constraint)


def _unnamed(text: str, hashes: str, folder: Path, where: str, exc: InvalidRequirement) -> Line:
    """Read what pip takes beside names: the URL or the path of a wheel, a folder, a repository."""
    path, _, marker = text.partition(";")
    path = path.strip()
    if _VCS.match(path) or (folder / path.partition("[")[0]).is_dir():
        return _not_a_release(path, folder, where)
    if not urlsplit(path).path.endswith(".whl"):
        if "://" in path or path.endswith((".tar.gz", ".zip")):
            raise _no_source(path, where)
        raise RequirementsUnreadable(f"{where}: {mask(text)!r} is not a requirement: {exc}.") from exc
    if urlsplit(path).scheme in {"http", "https"}:
        name = _wheel_name(unquote(urlsplit(path).path.rpartition("/")[2]), where)
        return Line(text=text + hashes, where=where, requirement=Requirement(f"{name} @ {path}"))
    local = unquote(urlsplit(path).path) if path.startswith("file:") else path
    return _wheel(folder / local, marker.strip(), hashes, where)


def _wheel(path: Path, marker: str, hashes: str, where: str) -> Line:
    path = path.resolve()
    name = _wheel_name(path.name, where)
    if not path.is_file() and name != OURS:
        raise RequirementsUnreadable(f"{where} names the wheel {path.name!r}, which is not there.")
    requirement = Requirement(f"{name} @ {path.as_uri()}" + (f" ; {marker}" if marker else ""))
    return Line(
        text=f"{requirement}{hashes}",
        portable=f"{path.name} ; {marker}",
        where=where,
        requirement=requirement,
        local_file=path,
    )


def _wheel_name(filename: str, where: str) -> str:
    try:
        return parse_wheel_filename(filename)[0]
    except InvalidWheelFilename as exc:
        raise RequirementsUnreadable(f"{where}: {filename!r} is not the name of a wheel: {exc}.") from exc


def _not_a_release(written: str, folder: Path, where: str) -> Line:
    """Drop a folder or a repository that is microlambda itself; refuse any other."""
    egg = _EGG.search(written)
    name = egg[1] if egg else _project_name(folder / written.partition("[")[0])
    if name is not None and canonicalize_name(name) == OURS:
        return Line(text="", where=where, requirement=Requirement(OURS))
    raise _no_source(written, where)


def _project_name(folder: Path) -> str | None:
    """Read a project's name out of its pyproject.toml, where that says it."""
    import tomllib

    try:
        table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        name = table["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def _no_source(written: str, where: str) -> RequirementsUnreadable:
    return RequirementsUnreadable(
        f"{where}: {mask(written)!r} is a source, and this version bundles only what comes from an index or "
        "as a wheel. Build one (pip wheel --no-deps -w wheels/ ...) and name its file: ./wheels/NAME.whl"
    )


def _anchored(location: str, folder: Path) -> str:
    """Make the path of a folder of wheels absolute; a URL stays."""
    if "://" in location or "$" in location:
        return location
    return (folder / location).resolve().as_uri()


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
