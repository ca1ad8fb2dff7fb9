"""What a build may read of a folder: everything but caches, secrets and builds of before."""

from __future__ import annotations

from pathlib import Path

from microlambda.bundle.code.leftout import is_never_shipped, is_secret, is_settings, is_virtual_environment

#: Where builds leave what they made.
_BUILT = ("build", "dist")


def left_behind(folder: str, names: list[str]) -> set[str]:
    """Name what of a folder's content stays behind, as `shutil.copytree` asks for it."""
    here = Path(folder)
    return {name for name in names if _is_left_behind(here / name)}


def _is_left_behind(path: Path) -> bool:
    name = path.name
    if is_never_shipped(name) or (is_secret(name) and not is_settings(name)):
        return True
    if name.endswith(".egg-info") or (name in _BUILT and not (path / "__init__.py").is_file()):
        return path.is_dir()
    return is_virtual_environment(path)
