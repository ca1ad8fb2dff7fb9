"""Requirements as the build of an image installs them: files for its context, and a command for pip.

What lies on this machine (wheels, folders of them, sources) comes into the context. No credential does: one
that is written out is refused, and ${VARIABLES} stay what they are, filled in from Docker's build secrets.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from microlambda.bundle.code.build_input import left_behind
from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.names import bracketed
from microlambda.bundle.inputs.requirement_lines import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from microlambda.bundle.inputs.requirements import Requirements, SourceRequirement

#: Where the build stage has the context's files.
_PLACE = PurePosixPath("/build")

#: The id of the build secret that takes the place of the user's pip configuration.
PIP_CONFIGURATION = "pip.conf"

#: What pip fills in from its environment. https://pip.pypa.io/en/stable/reference/requirements-file-format/
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")

#: The values of a URL's query.
_QUERY = re.compile(r"://[^\s?#'\"]*\?(?:[^\s#'\"=]*=)?([^\s#'\"&]+)", re.IGNORECASE)

_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*)://([^/\s'\"]*)@", re.IGNORECASE)
_FIND_LINKS = re.compile(r"--find-links (file:\S+)")
_DISTRIBUTIONS = ("*.whl", "*.tar.gz", "*.zip")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What a build stage installs: `texts` and `copies` are by names in the context.

    `secrets` are the variables that the requirements name, which the build is to be given.
    """

    texts: Mapping[str, str]
    copies: Mapping[str, Path]
    secrets: tuple[str, ...] = ()
    is_hashed: bool = False
    is_locked: bool = False
    place: str = str(_PLACE)

    def command(self, into: str) -> str:
        """Write the command that installs everything into a folder, for a RUN of a Dockerfile."""
        mounts = [f"--mount=type=secret,id={PIP_CONFIGURATION},target=/etc/pip.conf"]
        mounts += [f"--mount=type=secret,id={name},required=true" for name in self.secrets]
        read = [f'{name}="$(cat /run/secrets/{name})" && export {name}' for name in self.secrets]
        installs = [
            self._pip(into, file) for file in ("requirements.txt", "sources.txt") if file in self.texts
        ]
        return " \\\n    ".join([*mounts, " && \\\n    ".join([*read, *installs])])

    def _pip(self, into: str, file: str) -> str:
        options = ["--no-cache-dir", "--no-compile", "--disable-pip-version-check", f"--target {into}"]
        if self.is_locked or file == "sources.txt":
            options.append("--no-deps")
        if file == "requirements.txt":
            options += ["--require-hashes"] * self.is_hashed
            options += ["-c constraints.txt"] * ("constraints.txt" in self.texts)
        return f"python3 -m pip install {' '.join([*options, f'-r {file}'])}"

    def write(self, folder: Path) -> None:
        """Put the files into the context."""
        folder.mkdir()
        for name, source in self.copies.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=left_behind)
            else:
                shutil.copyfile(source, target)
        for name, text in self.texts.items():
            (folder / name).write_text(text, encoding="utf-8")


def installation_of(requirements: Requirements) -> Installation:
    """Tell what the build of an image needs to install the requirements; refuses written credentials."""
    copies: dict[str, Path] = {}
    lines = [_inside(line, requirements, copies) for line in requirements.lines]
    limits = [_inside(line, requirements, copies) for line in requirements.constraints]
    sources = [_source_line(one, number, copies) for number, one in enumerate(requirements.sources, 1)]
    _refuse_credentials([*lines, *limits, *sources])
    # Sources have no hashes, and pip would ask for them in a file where anything has one.
    apart = requirements.is_hashed
    written = {
        "requirements.txt": [*lines, *([] if apart else sources)],
        "constraints.txt": limits,
        "sources.txt": sources if apart else [],
    }
    texts = {name: "".join(f"{line}\n" for line in content) for name, content in written.items() if content}
    named = (name for text in texts.values() for name in _VARIABLE.findall(text))
    return Installation(
        texts=texts,
        copies=copies,
        secrets=tuple(dict.fromkeys(named)),
        is_hashed=requirements.is_hashed,
        is_locked=requirements.is_locked,
    )


def _inside(line: str, requirements: Requirements, copies: dict[str, Path]) -> str:
    """Point a line to the context for what it names on this machine."""
    for number, path in enumerate(requirements.local_files, 1):
        if path.as_uri() in line:
            # A folder for each: two wheels of one name are two files.
            name = f"wheels/{number}/{path.name}"
            copies[name] = path
            line = line.replace(path.as_uri(), _uri(name))
    if match := _FIND_LINKS.fullmatch(line):
        return f"--find-links {_uri(_linked(Path(unquote(urlsplit(match[1]).path)), copies))}"
    return line


def _linked(folder: Path, copies: dict[str, Path]) -> str:
    """Take the distributions of a folder along; gives the name of their folder in the context."""
    if not folder.is_dir():
        raise RequirementsUnreadable(
            f"--find-links names {folder.name!r}, which is not a folder: an image takes along only those."
        )
    number = len({name.split("/")[1] for name in copies if name.startswith("links/")}) + 1
    found = sorted(path for pattern in _DISTRIBUTIONS for path in folder.glob(pattern))
    copies |= {f"links/{number}/{path.name}": path for path in found}
    return f"links/{number}"


def _source_line(source: SourceRequirement, number: int, copies: dict[str, Path]) -> str:
    extras = bracketed(source.extras)
    location = source.location
    if source.folder is not None:
        location = _uri(f"sources/{number}")
        copies[f"sources/{number}"] = source.folder
    if source.name:
        return f"{source.name}{extras} @ {location}"
    if extras and source.folder is None:
        raise RequirementsUnreadable(
            f"{source.where} asks for extras of a repository without its name. "
            f"Write it: NAME{extras} @ {mask(location)}"
        )
    return f"{unquote(urlsplit(location).path)}{extras}" if source.folder is not None else location


def _uri(name: str) -> str:
    return (_PLACE / name).as_uri()


def _refuse_credentials(lines: Iterable[str]) -> None:
    for line in lines:
        secret = [one for one in _USERINFO.findall(line) if not _is_open(*one)]
        secret += [one for one in _QUERY.findall(line) if not _VARIABLE.fullmatch(one)]
        if secret:
            raise RequirementsUnreadable(
                f"{mask(line)!r} has credentials in it, or may have, and a build context may be read by "
                "others. Put them into environment variables and write ${USER_NAME}:${PASSWORD} instead: "
                "the build is given these as secrets."
            )


def _is_open(scheme: str, userinfo: str) -> bool:
    """Tell whether nothing secret is written: a variable, or the login name of SSH."""
    user, _, password = userinfo.partition(":")
    if password:
        return _VARIABLE.fullmatch(password) is not None
    return scheme.lower().endswith("ssh") or _VARIABLE.fullmatch(user) is not None
