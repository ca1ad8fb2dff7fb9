"""What decides a resolution beside the requirements: how uv and pip are configured.

Nothing of it is printed or kept but by its hash, for it may hold credentials.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.bundle.inputs.required import Requirements

_FIND_LINKS = "--find-links "


def uv_configuration(root: Path) -> dict[str, Any]:
    """Give what the project itself says to uv: [tool.uv] of its pyproject.toml, and its uv.toml."""
    found: dict[str, Any] = {}
    if table := _toml(root / "pyproject.toml").get("tool", {}).get("uv"):
        found["pyproject.toml"] = _hash(json.dumps(table, sort_keys=True, default=str).encode())
    if (root / "uv.toml").is_file():
        found["uv.toml"] = _hash((root / "uv.toml").read_bytes())
    return found


def machine_configuration(requirements: Requirements) -> dict[str, Any]:
    """Give what this machine says to the resolvers: variables, files, and the wheels in folders of links."""
    return {
        "variables": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(("PIP_", "UV_")) and not name.endswith("_CACHE_DIR")
        },
        "files": {str(path): _hash(path.read_bytes()) for path in _files() if path.is_file()},
        "links": [_listing(line.removeprefix(_FIND_LINKS)) for line in _links(requirements)],
    }


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):  # whoever reads it as an input says what is wrong
        return {}


def _files() -> Iterator[Path]:
    """Give the places of configuration files, those of the user, the system and the environment.

    https://pip.pypa.io/en/stable/topics/configuration/#location and
    https://docs.astral.sh/uv/concepts/configuration-files/
    """
    home, user = Path.home(), Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    yield from (user / "uv" / "uv.toml", Path("/etc/uv/uv.toml"))
    yield from (user / "pip" / "pip.conf", home / ".pip" / "pip.conf", Path(sys.prefix) / "pip.conf")
    yield from (Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"))
    named = ("PIP_CONFIG_FILE", "UV_CONFIG_FILE")
    yield from (Path(os.environ[name]) for name in named if os.environ.get(name))


def _links(requirements: Requirements) -> Iterator[str]:
    return (line for line in requirements.lines if line.startswith(f"{_FIND_LINKS}file:"))


def _listing(url: str) -> list[tuple[str, int, int]]:
    """List what is in a folder of distributions: a newer one decides as a newer release on an index does."""
    folder = Path(unquote(urlsplit(url).path))
    if not folder.is_dir():
        return []
    return sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
