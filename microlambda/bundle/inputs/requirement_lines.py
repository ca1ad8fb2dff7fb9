"""The lines of a requirements file, in pip's format.

https://pip.pypa.io/en/stable/reference/requirements-file-format/ is followed for comments, continued lines,
includes (`-r`, `-c`), options and hashes. Variables such as ${TOKEN} stay as they are: the resolver fills
them in, and nothing of ours prints or stores what they hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.local_sources import (
    file_source,
    folder_source,
    is_archive,
    is_repository,
    relative,
    repository_source,
    url_source,
)
from microlambda.bundle.inputs.masking import mask
from microlambda.bundle.inputs.names import OURS, bracketed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda.bundle.inputs.required import SourceRequirement

__all__ = ["OURS", "Line", "declared_line", "local_wheel", "mask", "read_lines"]

_COMMENT = re.compile(r"(^|\s+)#.*$")
_PER_REQUIREMENT = re.compile(r"\s(--hash|--global-option|--config-settings?|--install-option)\b")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement(?:\s+|\s*=\s*))(.+)")
_CONSTRAINT = re.compile(r"(?:-c\s*|--constraint(?:\s+|\s*=\s*))(.+)")
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|\s*=\s*))(.+)")
_FIND_LINKS = re.compile(r"(?:-f\s*|--find-links(?:\s+|\s*=\s*))(.+)")
_HASH = re.compile(r"--hash(?:\s+|\s*=\s*)(\S+)")
_EXTRAS = re.compile(r"(.*?)\s*\[([A-Za-z0-9._, -]*)\]")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One requirement or option, standing by itself; `text` is what a resolver gets to read.

    `portable` is the same without the paths of this machine, where it has some: what a hash of the inputs may
    hold. A line with a `source` has no text, and `marker` says where it counts; one that `is_project` stands
    for the project itself, with `extras`.
    """

    text: str
    portable: str = ""
    where: str
    requirement: Requirement | None = None  # None for an option and for a source
    local_file: Path | None = None
    is_constraint: bool = False
    source: SourceRequirement | None = None
    marker: str = ""
    is_project: bool = False
    extras: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """Name the package in its normal spelling; None for an option."""
        if self.source is not None:
            return self.source.name
        return canonicalize_name(self.requirement.name) if self.requirement is not None else None


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a line stands: paths in it start at `folder`, and `root` is the project's."""

    folder: Path
    root: Path
    where: str
    is_constraint: bool = False


def read_lines(
    path: Path, root: Path, *, is_constraint: bool = False, including: tuple[Path, ...] = ()
) -> Iterator[Line]:
    """Read a requirements file of the project in `root`, and what it includes."""
    path = path.resolve()
    if path in including:
        raise RequirementsUnreadable(f"{path.name} includes itself, by way of {including[-1].name}.")
    for number, text in _logical_lines(path):
        place = _Place(
            folder=path.parent, root=root, where=f"{path.name}:{number}", is_constraint=is_constraint
        )
        if match := _INCLUDE.fullmatch(text):
            yield from _included(match[1], path, place, including)
        elif match := _CONSTRAINT.fullmatch(text):
            yield from _included(match[1], path, replace(place, is_constraint=True), including)
        else:
            yield _line(text, place)


def _included(name: str, path: Path, place: _Place, including: tuple[Path, ...]) -> Iterator[Line]:
    name = _unquoted(name)
    if "://" in name:
        raise RequirementsUnreadable(
            f"{place.where} includes {mask(name)}: files of other machines are not read. "
            "Keep a copy in the project."
        )
    included = path.parent / name
    if not included.is_file():
        raise RequirementsUnreadable(f"{place.where} includes {name!r}, which is not there.")
    yield from read_lines(
        included, place.root, is_constraint=place.is_constraint, including=(*including, path)
    )


def _logical_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Join continued lines and drop comments; the number is that of the first line joined."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequirementsUnreadable(
            f"{path.name} is not UTF-8 text: byte {exc.start}. Save it as UTF-8."
        ) from exc
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


def _line(text: str, place: _Place) -> Line:
    if match := _EDITABLE.fullmatch(text):
        return _unnamed(_unquoted(match[1]), "", place)
    if match := _FIND_LINKS.fullmatch(text):
        location = _anchored(_unquoted(match[1]), place.folder)
        return Line(text=f"--find-links {location}", portable=text, where=place.where)
    if text.startswith("-"):
        return Line(text=text, where=place.where)
    return _requirement(text, place)


def _requirement(text: str, place: _Place) -> Line:
    options = _PER_REQUIREMENT.search(text)
    specification = text[: options.start()].strip() if options else text
    hashes = text[options.start() :] if options else ""
    try:
        requirement = Requirement(specification)
    except InvalidRequirement as exc:
        if _is_location(specification, place):
            return _unnamed(specification, hashes, place)
        raise RequirementsUnreadable(
            f"{place.where}: {mask(specification)!r} is not a requirement: {exc}."
        ) from exc
    if requirement.url:
        return _at_url(requirement, hashes, place)
    return Line(text=text, where=place.where, requirement=requirement, is_constraint=place.is_constraint)


def _is_location(text: str, place: _Place) -> bool:
    """Tell what pip takes beside names: a wheel, an archive, a folder, a repository, by URL or path."""
    path = _without_marker(text)[0]
    ends = urlsplit(path).path.endswith(".whl") or is_archive(path)
    folder = place.folder / _without_extras(path)[0]
    return is_repository(path) or ends or path.startswith(".") or "/" in path or folder.is_dir()


def declared_line(requirement: Requirement, folder: Path, root: Path, where: str) -> Line:
    """Make a line of a requirement that stands elsewhere than in a requirements file."""
    if requirement.url:
        return _at_url(requirement, "", _Place(folder=folder, root=root, where=where))
    return Line(text=str(requirement), where=where, requirement=requirement)


def _at_url(requirement: Requirement, hashes: str, place: _Place) -> Line:
    url = requirement.url or ""
    marker = str(requirement.marker or "")
    if canonicalize_name(requirement.name) == OURS:
        return _ours(place)
    extras = tuple(sorted(requirement.extras))
    if is_repository(url):
        source = repository_source(url, where=place.where, name=requirement.name, extras=extras)
        return Line(text="", where=place.where, source=source, marker=marker)
    if urlsplit(url).scheme in {"file", ""}:
        path = place.folder / unquote(urlsplit(url).path)
        return _local(path, marker, hashes, place, name=requirement.name, extras=extras)
    if not urlsplit(url).path.endswith(".whl"):
        source = url_source(
            url, where=place.where, name=requirement.name, extras=extras, hashes=_hashes(hashes)
        )
        return Line(text="", where=place.where, source=source, marker=marker)
    text = f"{requirement}{hashes}"
    return Line(text=text, where=place.where, requirement=requirement, is_constraint=place.is_constraint)


def _unnamed(text: str, hashes: str, place: _Place) -> Line:
    written, marker = _without_marker(text)
    if is_repository(written):
        source = repository_source(written, where=place.where)
        return (
            _ours(place)
            if source.name == OURS
            else Line(text="", where=place.where, source=source, marker=marker)
        )
    location, extras = _without_extras(written)
    if urlsplit(location).scheme in {"http", "https"}:
        return _unnamed_url(location, marker, extras, hashes, place)
    local = unquote(urlsplit(location).path) if location.startswith("file:") else location
    return _local(place.folder / local, marker, hashes, place, extras=extras)


def _unnamed_url(url: str, marker: str, extras: tuple[str, ...], hashes: str, place: _Place) -> Line:
    path = urlsplit(url).path
    if not path.endswith(".whl"):
        source = url_source(url, where=place.where, extras=extras, hashes=_hashes(hashes))
        return Line(text="", where=place.where, source=source, marker=marker)
    name = _wheel_name(unquote(path.rpartition("/")[2]), place.where)
    requirement = _at(name, extras, url, marker)
    return Line(text=f"{requirement}{hashes}", where=place.where, requirement=requirement)


def _local(
    path: Path,
    marker: str,
    hashes: str,
    place: _Place,
    *,
    name: str | None = None,
    extras: tuple[str, ...] = (),
) -> Line:
    """Read the path of a wheel, a source archive, a folder; of the project itself too."""
    if path.name.endswith(".whl"):
        return local_wheel(path, place.root, marker, hashes, place.where, extras=extras)
    if is_archive(path.name) and not path.is_dir():
        source = file_source(
            path, root=place.root, where=place.where, name=name, extras=extras, hashes=_hashes(hashes)
        )
        local_file = path.resolve()
        return Line(text="", where=place.where, source=source, marker=marker, local_file=local_file)
    source = folder_source(path, root=place.root, where=place.where, name=name, extras=extras)
    if source.name == OURS:
        return _ours(place)
    if source.folder == place.root.resolve():
        return Line(text="", where=place.where, is_project=True, extras=extras, marker=marker)
    return Line(text="", where=place.where, source=source, marker=marker)


def local_wheel(
    path: Path, root: Path, marker: str, hashes: str, where: str, *, extras: tuple[str, ...] = ()
) -> Line:
    """Ask for a wheel of this machine, which has to be there."""
    path = path.resolve()
    name = _wheel_name(path.name, where)
    if not path.is_file() and name != OURS:
        raise RequirementsUnreadable(f"{where} names the wheel {path.name!r}, which is not there.")
    requirement = _at(name, extras, path.as_uri(), marker)
    return Line(
        text=f"{requirement}{hashes}",
        portable=str(_at(name, extras, relative(path, root), marker)),
        where=where,
        requirement=requirement,
        local_file=path,
    )


def _at(name: str, extras: tuple[str, ...], url: str, marker: str) -> Requirement:
    chosen = bracketed(extras)
    return Requirement(f"{name}{chosen} @ {url}" + (f" ; {marker}" if marker else ""))


def _wheel_name(filename: str, where: str) -> str:
    try:
        return parse_wheel_filename(filename)[0]
    except InvalidWheelFilename as exc:
        raise RequirementsUnreadable(f"{where}: {filename!r} is not the name of a wheel: {exc}.") from exc


def _ours(place: _Place) -> Line:
    return Line(text="", where=place.where, requirement=Requirement(OURS))


def _without_marker(text: str) -> tuple[str, str]:
    location, _, marker = text.partition(";")
    return location.strip(), marker.strip()


def _without_extras(location: str) -> tuple[str, tuple[str, ...]]:
    match = _EXTRAS.fullmatch(location)
    if match is None:
        return location, ()
    return match[1], tuple(sorted(one.strip() for one in match[2].split(",") if one.strip()))


def _hashes(options: str) -> tuple[str, ...]:
    return tuple(_HASH.findall(options))


def _anchored(location: str, folder: Path) -> str:
    """Make the path of a folder of wheels absolute; a URL stays."""
    if "://" in location or "$" in location:
        return location
    return (folder / location).resolve().as_uri()


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
