"""Environment variables of functions: which names may be set, and how `${env:NAME}` becomes a value.

`${ssm:/path}` and `${secret:name}` are checked here and stay: the function resolves them as it starts.

Values are secrets until proven otherwise: no error of this module prints one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import TYPE_CHECKING

from microlambda.project.errors import SettingsError
from microlambda.project.limits import ENVIRONMENT_BYTES, OUR_ENVIRONMENT, RESERVED_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from microlambda.project.settings import FunctionSettings, Settings

# The pattern of EnvironmentVariableName in Lambda's service model.
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
#: References that the function resolves, and how their names are written: each or an ARN.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
#: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
FETCHED = {
    "ssm": re.compile(r"/?[\w.-]+(?:/[\w.-]+)*|arn:[\w-]+:ssm:[\w-]+:\d{12}:parameter/[\w./-]+"),
    "secret": re.compile(r"[\w/+=.@-]{1,512}|arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+"),
}

_UNCLOSED = re.compile(r"\$\{(?:env|ssm|secret):")
_REFERENCE = re.compile(r"\$\{(?P<kind>[a-z]+):(?P<name>[^}]*)\}")


def name_problem(name: str) -> str | None:
    """Say why a function's environment cannot hold `name`, or None."""
    if name in OUR_ENVIRONMENT:
        return f"{name} is set by microlambda itself"
    if name in RESERVED_ENVIRONMENT:
        return f"{name} is reserved by AWS Lambda"
    if not _NAME.fullmatch(name):
        return f"{name!r} is no name for a variable: two or more letters, digits and '_', a letter first"
    return None


def resolve_environment(
    function: FunctionSettings, environ: Mapping[str, str], *, on_aws: bool = False
) -> dict[str, str]:
    """Replace every `${env:NAME}` in the function's environment by the value in `environ`.

    A reference may stand inside a longer text, and several may. A NAME that `environ` lacks is a
    `SettingsError` naming the variable and the stage, and so is more than the 4 KB that Lambda accepts. What
    the function itself resolves stays where that is `on_aws`, and is refused elsewhere.
    """
    resolved = {
        name: _resolve(name, value, function, environ, on_aws=on_aws)
        for name, value in function.environment.items()
    }
    check_environment_size(resolved, function)
    return resolved


def resolvable_environment(function: FunctionSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Resolve what can be: for commands that import the app only to read its name."""
    resolved: dict[str, str] = {}
    for name, value in function.environment.items():
        with contextlib.suppress(SettingsError):
            resolved[name] = _resolve(name, value, function, environ)
    return resolved


@contextlib.contextmanager
def applied(environment: Mapping[str, str]) -> Iterator[None]:
    """Set these variables for the length of the block: apps read them while they are imported."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def references(function: FunctionSettings) -> dict[str, tuple[str, ...]]:
    """List, by variable of the function, the names that its `${env:NAME}` references ask for."""
    found = {
        variable: tuple(match["name"] for match in _REFERENCE.finditer(value) if match["kind"] == "env")
        for variable, value in function.environment.items()
    }
    return {variable: names for variable, names in found.items() if names}


def reference_kinds(text: str) -> set[str]:
    """Name the kinds of references that stand in a variable's text: "env", "ssm", "secret"."""
    return {match["kind"] for match in _REFERENCE.finditer(text)}


def fetched(function: FunctionSettings) -> tuple[tuple[str, str], ...]:
    """List what the function fetches as it starts: kinds, "ssm" or "secret", and names."""
    found = [
        (match["kind"], match["name"])
        for value in function.environment.values()
        for match in _REFERENCE.finditer(value)
        if match["kind"] in FETCHED
    ]
    return tuple(dict.fromkeys(found))


def check_environment_size(environment: Mapping[str, str], function: FunctionSettings) -> None:
    """Raise `SettingsError` where the variables are more than Lambda accepts; it measures them as JSON."""
    size = len(json.dumps(environment, separators=(",", ":"), ensure_ascii=False).encode())
    if size > ENVIRONMENT_BYTES:
        largest = sorted(environment, key=lambda name: -len(environment[name].encode()))[:3]
        raise SettingsError(
            f"the environment of function {function.name!r} in stage {function.stage!r} has {size} bytes "
            "as JSON; Lambda "
            f"accepts {ENVIRONMENT_BYTES}. Largest: {', '.join(largest)}."
        )


def _resolve(
    variable: str,
    text: str,
    function: FunctionSettings,
    environ: Mapping[str, str],
    *,
    on_aws: bool = False,
) -> str:
    where = f"environment variable {variable} of stage {function.stage!r}"

    def value(match: re.Match[str]) -> str:
        kind, name = match["kind"], match["name"]
        if kind in FETCHED:
            return _checked(variable, where, match, on_aws=on_aws)
        if kind != "env":
            raise SettingsError(
                f"{where}: ${{{kind}:...}} is no reference. There are ${{env:NAME}}, ${{ssm:/path}} and "
                "${secret:name}."
            )
        if not name:
            raise SettingsError(f"{where}: ${{env:}} names no variable. Write ${{env:NAME}}.")
        if name not in environ:
            raise SettingsError(f"{where} needs {name}, which is not set here. Run: export {name}=...")
        return environ[name]

    if _UNCLOSED.search(_REFERENCE.sub("", text)):
        raise SettingsError(f"{where} opens a reference with ${{...: and does not close it with }}.")
    resolved = _REFERENCE.sub(value, text)
    if "\0" in resolved:
        raise SettingsError(f"{where} holds a NUL character, which no environment can.")
    return resolved


def _checked(variable: str, where: str, match: re.Match[str], *, on_aws: bool) -> str:
    """Give a reference that stays as it is."""
    kind, name = match["kind"], match["name"]
    if not FETCHED[kind].fullmatch(name):
        form = {"ssm": "${ssm:/path}, a parameter's name or ARN", "secret": "${secret:name}, or its ARN"}[
            kind
        ]
        raise SettingsError(f"{where}: {match[0]} names nothing on AWS. Write {form}.")
    if not on_aws:
        raise SettingsError(
            f"{where}: {match[0]} is resolved on AWS, and not here. Give the stage 'local' a value of its "
            f"own: [stages.local.environment]; or write {variable}=... into .env, which `microlambda local` "
            "and `microlambda invoke` read."
        )
    return match[0]


def base_path_variable(settings: Settings, function: str) -> dict[str, str]:
    """Tell the function of all routes what a custom domain of an HTTP API puts before its paths.

    Events of a REST API tell it by themselves.
    """
    if function != "http" or not settings.base_path:
        return {}
    return {"MICROLAMBDA_BASE_PATH": f"/{settings.base_path}"}
