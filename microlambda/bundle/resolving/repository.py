"""A git repository at a revision, in a folder of ours.

What git says is read here and not by way of a resolver, so that an address that does not answer and a
revision that is not there are told apart.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit, urlunsplit

from microlambda.bundle.errors import SourceUnreachable
from microlambda.bundle.inputs.masking import mask
from microlambda.bundle.resolving.running import run

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 300  # s

#: Its questions would wait for nobody, and a hook that runs us has named its own repository.
_ENVIRON = {"GIT_TERMINAL_PROMPT": "0", "GIT_DIR": None, "GIT_WORK_TREE": None, "GIT_INDEX_FILE": None}

#: https://pip.pypa.io/en/stable/reference/requirements-file-format/#using-environment-variables
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """Where a repository is; `url` may hold credentials."""

    url: str
    revision: str | None
    folder: str  # in which the project lies; "" for the top

    @classmethod
    def of(cls, location: str) -> Repository:
        """Read git+https://host/path@revision#subdirectory=folder; ${VARIABLES} are filled in."""
        parts = urlsplit(_VARIABLE.sub(lambda found: os.environ.get(found[1], found[0]), location))
        path, at, revision = parts.path.rpartition("@")
        if not at:
            path, revision = parts.path, ""
        scheme = parts.scheme.lower().removeprefix("git+")
        return cls(
            url=urlunsplit((scheme, parts.netloc, path, parts.query, "")),
            revision=revision or None,
            folder=parse_qs(parts.fragment).get("subdirectory", [""])[0].strip("/"),
        )

    def __str__(self) -> str:
        return mask(self.url)


def fetch(repository: Repository, into: Path, *, asked: str) -> Path:
    """Clone a repository and check its revision out; gives the folder of the project in it.

    `asked` is how an error begins: who asks for it. The history comes along without its files, for versions
    are made of it.
    """
    cloned = _git("clone", "--quiet", "--filter=blob:none", "--", repository.url, str(into), cwd=into.parent)
    if cloned.returncode != 0:
        raise SourceUnreachable(
            f"{asked}: the repository {repository} could not be had{_because(cloned.stdout)}. "
            "Check its address, your rights there and the connection, then run it again."
        )
    if repository.revision is not None:
        _check_out(repository, repository.revision, into, asked)
    _with_submodules(repository, into, asked)
    project = (into / repository.folder).resolve()
    if not project.is_dir() or not project.is_relative_to(into.resolve()):
        raise SourceUnreachable(
            f"{asked}: the repository {repository} has no folder {repository.folder!r}. Check #subdirectory=."
        )
    return project


def _check_out(repository: Repository, revision: str, into: Path, asked: str) -> None:
    commit = _commit(revision, into)
    if commit is None or _git("checkout", "--quiet", "--detach", commit, cwd=into).returncode != 0:
        raise SourceUnreachable(
            f"{asked}: the repository {repository} has no revision {revision!r}. "
            "Name a branch, a tag or a commit that is pushed there."
        )


def _commit(revision: str, into: Path) -> str | None:
    """Find what a revision means there: a branch, a tag, a commit, or a name that only the server knows."""
    if revision.startswith("-"):
        return None
    for name in (f"refs/remotes/origin/{revision}", f"refs/tags/{revision}", revision):
        if found := _parsed(name, into):
            return found
    if _git("fetch", "--quiet", "origin", revision, cwd=into).returncode == 0:
        return _parsed("FETCH_HEAD", into)
    return None


def _parsed(name: str, into: Path) -> str | None:
    said = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=into)
    return said.stdout.strip() if said.returncode == 0 else None


def _with_submodules(repository: Repository, into: Path, asked: str) -> None:
    if not (into / ".gitmodules").is_file():
        return
    said = _git("submodule", "update", "--init", "--recursive", "--quiet", cwd=into)
    if said.returncode != 0:
        raise SourceUnreachable(
            f"{asked}: a submodule of {repository} could not be had{_because(said.stdout)}. "
            "Check its address and your rights there, then run it again."
        )


def _git(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    try:
        return run(["git", *arguments], cwd=cwd, environ=_ENVIRON, timeout=_TIMEOUT)
    except FileNotFoundError as exc:
        raise SourceUnreachable("git is not installed, and a repository is asked for. Install git.") from exc
    except subprocess.TimeoutExpired as exc:
        raise SourceUnreachable(
            f"git {arguments[0]} took more than {_TIMEOUT} s. Check the connection, then run it again."
        ) from exc


def _because(output: str) -> str:
    """Take git's own reason: its last line that says what is fatal."""
    reasons = [line for line in output.splitlines() if line.startswith(("fatal: ", "ERROR: ", "remote: "))]
    return f": {mask(reasons[-1].partition(': ')[2]).rstrip('.')}" if reasons else ""
