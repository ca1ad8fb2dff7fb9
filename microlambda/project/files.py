"""Where the settings are: finding the file, reading it whole and checked, and adding the project's id."""

from __future__ import annotations

import os
import re
import reprlib
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.project.errors import SettingsError, nearest
from microlambda.project.keys import FUNCTION, KEYS, STAGE, TOP, known_at

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS_FILE = "microlambda.toml"
PYPROJECT = "pyproject.toml"

_PYPROJECT_HEADER = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*microlambda[ \t]*\][^\n]*\n?", re.MULTILINE)
_STAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """The settings as they are written: the file, or None where there is none, and its table."""

    source: Path | None
    table: Mapping[str, Any] = field(repr=False)

    @property
    def label(self) -> str:
        """Name the file as messages do: `microlambda.toml`, or `pyproject.toml [tool.microlambda]`."""
        if self.source is None:
            return SETTINGS_FILE
        return f"{PYPROJECT} [tool.microlambda]" if self.source.name == PYPROJECT else self.source.name


def find_project(start: Path) -> Path:
    """Find the project that `start` is in: the nearest folder, upwards, that has settings.

    A folder that holds `app.py` is a project itself; where nothing is found, `start` is.
    """
    start = start.resolve()
    if (start / "app.py").is_file():
        return start
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file() or _pyproject_table(folder / PYPROJECT) is not None:
            return folder
    return start


def read_settings_file(root: Path) -> SettingsFile:
    """Read and check the settings of the project in `root`, all stages of them; no file is no settings."""
    own, pyproject = root / SETTINGS_FILE, root / PYPROJECT
    pyproject_table = _pyproject_table(pyproject)
    if own.is_file():
        if pyproject_table is not None:
            raise SettingsError(
                f"{SETTINGS_FILE} and {PYPROJECT} [tool.microlambda] both hold settings in {root}. Keep one "
                "of them."
            )
        found = SettingsFile(source=own, table=_read(own))
    elif pyproject_table is not None:
        found = SettingsFile(source=pyproject, table=pyproject_table)
    else:
        found = SettingsFile(source=None, table={})
    _check_table(found.table, TOP, "", found.label)
    return found


def add_id(root: Path, project_id: str) -> Path:
    """Write `id = "..."` as the settings' first line keep all the rest; create the file if none is there."""
    found = read_settings_file(root)
    path = (found.source or root / SETTINGS_FILE).resolve()
    text = path.read_bytes().decode("utf-8-sig") if found.source else ""
    text = _with_id(text, project_id, pyproject=path.name == PYPROJECT)
    _replace(path, text)
    return path


def create_settings(root: Path, text: str) -> Path:
    """Write a new `microlambda.toml`, whole or not at all; FileExistsError where there is one by now."""
    path = root / SETTINGS_FILE
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=root)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(temporary).chmod(0o644)
        _link(path, Path(temporary))
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _link(path: Path, written: Path) -> None:
    """Give a file that is written its name, which nobody may have yet."""
    try:
        path.hardlink_to(written)
    except OSError:  # there is one, which is told again here, or the file system has no links
        with path.open("xb") as file:
            file.write(written.read_bytes())


def _with_id(text: str, project_id: str, *, pyproject: bool) -> str:
    expected = tomllib.loads(text)
    section = expected["tool"]["microlambda"] if pyproject else expected
    section["id"] = project_id
    for change in (_line_in_pyproject, _key_in_pyproject) if pyproject else (_first_line,):
        changed = change(text, project_id)
        try:
            if tomllib.loads(changed) == expected:
                return changed
        except tomllib.TOMLDecodeError:
            continue
    where = "[tool.microlambda]" if pyproject else SETTINGS_FILE
    raise SettingsError(
        f'the project\'s id cannot be written by itself. Add this line to {where}: id = "{project_id}"'
    )


def _first_line(text: str, project_id: str) -> str:
    return f'id = "{project_id}"{_newline(text)}{text}'


def _line_in_pyproject(text: str, project_id: str) -> str:
    return _PYPROJECT_HEADER.sub(
        lambda match: f'{match[0].rstrip()}{_newline(text)}id = "{project_id}"{_newline(text)}', text, count=1
    )


def _key_in_pyproject(text: str, project_id: str) -> str:
    """Where the table has no header of its own ([tool.microlambda.environment] alone, or an inline table)."""
    import tomlkit

    document = tomlkit.parse(text)
    document["tool"]["microlambda"]["id"] = project_id
    return tomlkit.dumps(document)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _replace(path: Path, text: str) -> None:
    """Write the file in one step, so that an interruption leaves the old one or the new one."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _pyproject_table(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    tool = _read(path).get("tool", {})
    table = tool.get("microlambda") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"{path} is not TOML: {exc}.") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{path} is not UTF-8 text: byte {exc.start} is {exc.reason}.") from exc
    except OSError as exc:
        raise SettingsError(f"{path} cannot be read: {exc.strerror}.") from exc


def _check_table(table: Mapping[str, Any], level: str, where: str, label: str) -> None:
    for name, value in table.items():
        place = f"{label}: {where}"
        if name not in known_at(level):
            if level == FUNCTION and isinstance(value, dict) and not nearest(name, known_at(level)):
                raise SettingsError(_dotted(name, where, label))
            raise SettingsError(_unknown_key(name, level, place))
        if name in KEYS:
            if problem := KEYS[name].check(value):
                end = "" if problem.endswith(("?", ".")) else "."
                raise SettingsError(f"{place}{name} {problem}{_told(name, problem, value)}{end}")
        else:
            _check_nested(name, value, where, label)


def _unknown_key(name: str, level: str, place: str) -> str:
    if name in KEYS:
        levels = {TOP: "at the top", STAGE: "in [stages.NAME]", FUNCTION: "in [functions.NAME]"}
        return (
            f"{place}{name} cannot stand here, only {' or '.join(levels[one] for one in KEYS[name].levels)}."
        )
    hint = nearest(name, known_at(level)) or f" Known here: {', '.join(sorted(known_at(level)))}."
    return f"{place}unknown key {name!r}.{hint}"


def _dotted(name: str, where: str, label: str) -> str:
    """Tell a function's dotted name, which TOML has read as a table in a table."""
    outer, _, inner = where.strip("[] ").rpartition(".")
    return f'{label}: {where}holds a table {name!r}. Quote a dotted name: [{outer}."{inner}.{name}"].'


def _told(name: str, problem: str, value: object) -> str:
    """Add the value to what it must be, if it can be no secret."""
    if name in ("environment", "tags") or not problem.startswith("must be ") or isinstance(value, dict):
        return ""
    return f", not {reprlib.repr(value) if not isinstance(value, bool) else str(value).lower()}"


def _check_nested(name: str, value: object, where: str, label: str) -> None:
    prefix = where.removeprefix("[").removesuffix("] ")
    path = f"{prefix}.{name}" if prefix else name
    if not isinstance(value, dict):
        raise SettingsError(f"{label}: {path} must be a table of tables, such as [{path}.NAME].")
    for child, table in value.items():
        if name == "stages" and not _STAGE_NAME.fullmatch(child):
            raise SettingsError(
                f"{label}: the stage {child!r} must be letters, digits, '-' and '_', up to 32."
            )
        if not isinstance(table, dict):
            hint = nearest(child, KEYS) if name == "stages" else ""
            raise SettingsError(f"{label}: {path}.{child} must be a table: [{path}.{child}].{hint}")
        _check_table(table, STAGE if name == "stages" else FUNCTION, f"[{path}.{child}] ", label)
