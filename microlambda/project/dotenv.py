"""`.env`: what the environment of functions is on this machine alone, over what the stage says.

It is read where functions run from the project's files, never shipped, and never deployed.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from microlambda.project.environment import FETCHED, reference_kinds, resolve_environment
from microlambda.project.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from microlambda.project.settings import FunctionSettings

FILE = ".env"


def read_dotenv(root: Path) -> dict[str, str]:
    """Read the variables of the project's `.env`; none where there is no such file."""
    path = root / FILE
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        found = dotenv_values(path, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{path} cannot be read: {reason}.") from exc
    values = {name: value for name, value in found.items() if value is not None}
    if wrong := [name for name, value in values.items() if "\0" in value]:
        raise SettingsError(f"{path}: {wrong[0]} holds a NUL character, which no environment can.")
    return values


def local_environment(
    function: FunctionSettings, environ: Mapping[str, str], dotenv: Mapping[str, str], *, fetches: bool
) -> dict[str, str]:
    """Give the function's variables on this machine: the stage's, and over them those of `.env`.

    Where it `fetches`, `${ssm:}` and `${secret:}` stay for the function to resolve; else they are a
    `SettingsError`, unless `.env` has a value in their place.
    """
    return {**resolve_environment(_without(function, dotenv), environ, on_aws=fetches), **dotenv}


def differing(function: FunctionSettings, environ: Mapping[str, str], dotenv: Mapping[str, str]) -> list[str]:
    """Name the variables that `.env` sets to something else than the stage does.

    What stands in the place of a reference to AWS is none: that is what the file is for.
    """
    found = []
    for name, text in function.environment.items():
        if name in dotenv and not reference_kinds(text) & set(FETCHED):
            alone = replace(function, environment={name: text})
            with contextlib.suppress(SettingsError):  # a value that the shell lacks differs from none
                if resolve_environment(alone, environ)[name] != dotenv[name]:
                    found.append(name)
    return found


def _without(function: FunctionSettings, names: Mapping[str, str]) -> FunctionSettings:
    kept = {name: text for name, text in function.environment.items() if name not in names}
    return replace(function, environment=kept)
