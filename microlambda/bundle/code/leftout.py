"""What stays out of a bundle, by name: what never ships, what ships when asked for, the user's patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from microlambda.bundle.errors import SourcesUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pathspec import GitIgnoreSpec

#: Version control, caches and other people's trees; `include` cannot bring these in.
_NEVER = (
    *(".git", ".hg", ".svn", ".bzr", ".jj", "CVS", "_darcs"),
    *("__pycache__", "*.pyc", "*.pyo", "node_modules", ".DS_Store"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox"),
)

#: Files that hold secrets, or may: settings have environments in them.
_SECRETS = (
    *(".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk"),
    *("*.der", "credentials.json", "client_secret*.json", "service-account*.json"),
    *("secrets.json", "secrets.toml", "secrets.yml", "secrets.yaml"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass"),
    *(".git-credentials", ".aws", ".ssh", ".gnupg", "pip.conf", "uv.toml"),
    *(
        "microlambda.toml",
        "pyproject.toml",
        "zappa_settings.*",
        "samconfig.toml",
        "*.tfvars",
        "terraform.tfstate*",
    ),
)

#: Of these, what every project has: nobody misses it.
_SETTINGS = ("microlambda.toml", "pyproject.toml")

#: Modules for tests, wherever they lie in a folder that is for tests or builds.
_TEST_MODULES = ("test_*.py", "*_test.py", "conftest.py")

#: At the project's level: tests, builds and tools. `include` brings them in, and so do imports of the app.
_AT_TOP = (
    *("tests", "test", "test_*.py", "conftest.py"),
    *("build", "dist", "*.egg-info", "htmlcov", "site-packages"),
    *("setup.py", "noxfile.py"),
)

#: The same of what lies in packages.
_IN_PACKAGES = ("tests", "test_*.py", "conftest.py")

#: Files at the project's level that nobody expects on Lambda; not worth a note.
_BORING = (
    *("README*", "LICEN[CS]E*", "CHANGELOG*", "CONTRIBUTING*", "AUTHORS*", "NOTICE*", "*.md", "*.rst"),
    *(
        "requirements*",
        "constraints*",
        "*.lock",
        "Pipfile",
        "pylock.*",
        "setup.cfg",
        "*.ini",
        "*.toml",
        "*.cfg",
    ),
    *("Makefile", "Dockerfile*", "docker-compose*", "*.yml", "*.yaml", "docs/", "justfile", "*.sh", "*.log"),
    *("package.json", "package-lock.json", "tsconfig*.json", "coverage.xml", "*.zip"),
)


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def is_never_shipped(name: str) -> bool:
    """Tell whether a file or folder of this name ships in no case."""
    return _any(name, _NEVER)


def is_secret(name: str) -> bool:
    """Tell whether a file of this name may hold a secret."""
    return _any(name.lower(), _SECRETS)


def is_settings(name: str) -> bool:
    """Tell whether a file of this name is a project's settings."""
    return name in _SETTINGS


def never_shipped_as(name: str) -> str | None:
    """Give the pattern for which a file or folder of this name ships in no case; None where it may."""
    if is_secret(name):
        return next(pattern for pattern in _SECRETS if fnmatchcase(name.lower(), pattern))
    return next((pattern for pattern in _NEVER if fnmatchcase(name, pattern)), None)


def is_test_module(name: str) -> bool:
    """Tell whether a file is a module of tests by its name."""
    return _any(name, _TEST_MODULES)


def is_left_out_by_default(name: str, *, is_top: bool = False) -> bool:
    """Tell whether a file or folder stays out unless `include` names it: hidden ones, tests, builds.

    In packages these are tests alone: what has the name of a build or a tool at the top is a module there.
    """
    return name.startswith(".") or _any(name, _AT_TOP if is_top else _IN_PACKAGES)


def is_boring(name: str) -> bool:
    """Tell whether nobody would look for this file or folder (ending in "/") on Lambda."""
    return _any(name, _BORING)


def is_virtual_environment(folder: Path) -> bool:
    """Tell a virtual environment by its pyvenv.cfg (PEP 405), whatever its name."""
    return (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()


@dataclass(frozen=True)
class Patterns:
    """Patterns in the language of .gitignore, relative to the project's folder."""

    spec: GitIgnoreSpec | None  # None of no patterns: its library is not loaded for nothing
    places: tuple[str, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[tuple[str, str]]) -> Patterns:
        """Read patterns, each with the place that an error names: a key of the settings, a file's line."""
        lines = list(lines)
        if not lines:
            return cls(None)
        from pathspec import GitIgnoreSpec

        for where, line in lines:
            _check(where, line)
        lines = [(where, line) for where, line in lines if line]  # as from_lines drops empty ones
        spec = GitIgnoreSpec.from_lines(line for _where, line in lines)
        return cls(spec, tuple(f"{where} ({line.strip()})" for where, line in lines))

    def match(self, path: str) -> bool:
        """Tell whether a file, given by its path from the project's folder, is matched."""
        return self.spec is not None and bool(self.spec.match_file(path))

    def why(self, path: str) -> str | None:
        """Name the pattern that matches a file, with its place: "exclude (drafts/)"; None where none does."""
        if self.spec is None:
            return None
        found = self.spec.check_file(path)
        return self.places[found.index] if found.include and found.index is not None else None

    def __bool__(self) -> bool:
        return self.spec is not None and len(self.spec) > 0


def _check(where: str, line: str) -> None:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error) as exc:  # pathspec compiles what stands between brackets as it is
        because = f" ({exc.msg})" if isinstance(exc, re.error) else ""
        raise SourcesUnusable(
            f"{where} has a pattern that cannot be read: {line!r}{because}. "
            "Patterns are written as in a .gitignore; a backslash before a character takes it as it is."
        ) from exc
