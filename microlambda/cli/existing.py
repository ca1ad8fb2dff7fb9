"""`microlambda new` in a project that is there: its web application is found, and settings are written.

The project's code is read and not imported. Nothing but `microlambda.toml` is written, and nothing replaced.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.cli.naming import name_for
from microlambda.project.attribute import check_attribute
from microlambda.project.django import VARIABLE, find_django, settings_named_in
from microlambda.project.errors import AppNotFound, ToolError
from microlambda.project.files import create_settings, read_settings_file
from microlambda.project.layout import locate
from microlambda.project.limits import default_python
from microlambda.project.settings import load_settings, new_id
from microlambda.project.web import APP, Made, find_web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda.project.django import DjangoProject

_SETTINGS = """\
id = "{id}"  # marks this project's resources on AWS: keep it, and commit it
{name}app = "{app}"
python = "{python}"
{include}
"""
_ENVIRONMENT = {
    True: '[environment]\nDJANGO_SETTINGS_MODULE = "{settings}"\n',
    False: '# [environment]\n# LOG_LEVEL = "info"\n',
}
#: Folders of files that web applications read, and that nothing is imported from: the bundle leaves them out.
_DATA = ("templates", "static", "staticfiles")
#: What Django's `startproject` writes.
_WSGI = (
    "import os; from django.core.wsgi import get_wsgi_application; "
    "os.environ.setdefault({variable!r}, {settings!r}); application = get_wsgi_application()"
)


class SettingsExist(ToolError):
    """The project has settings already, which are not touched."""


class SettingsNotWritten(ToolError):
    """The folder takes no file."""


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """What was found and written; `name` is None where the App's own counts."""

    made: Made
    name: str | None
    django: DjangoProject | None
    sets_module: bool
    include: tuple[str, ...] = ()

    def told(self, root: Path) -> Iterator[str]:
        """Say what was found and written, and what is still to do."""
        if self.made.line:
            what = "an App" if self.made.framework == APP else self.made.framework
            yield f"Found {what} in {self.made.path.relative_to(root)}:{self.made.line}: {self.made.target}."
        named = f'name = "{self.name}", ' if self.name else ""
        data = f", include = {_toml(self.include)}" if self.include else ""
        yield f'Wrote microlambda.toml: id, {named}app = "{self.made.target}"{data}.'
        if self.sets_module and self.django is not None:
            yield f"It sets {VARIABLE}, which {self.made.path.name} does not."
        yield from _requirements(root, self.made.framework)
        if self.django is not None:
            yield from _hosts(root, self.django)


def refuse_settings(root: Path) -> None:
    """Refuse to go on where the project has settings."""
    found = read_settings_file(root)
    if found.source is not None:
        raise SettingsExist(
            f"{found.label} is there already, and was left as it is. `microlambda routes` shows the app that "
            "it names."
        )


def adopt(root: Path, target: str | None) -> Adopted | None:
    """Write the settings for the application that `target` names, or for the only one; None without any.

    AppNotFound for several, for a factory, and for a `target` that is not there: nothing is written then.
    """
    refuse_settings(root)
    made = _named(root, target) if target is not None else _only(root)
    if made is None:
        return None
    name = None if made.framework == APP and made.called else name_for(root, made.module)
    django = find_django(root, made.path) if made.framework.startswith("Django") else None
    sets_module = django is not None and settings_named_in(made.path) is None
    include = tuple(f"{one}/" for one in _DATA if _is_data(root / one))
    text = _SETTINGS.format(
        id=new_id(),
        name=f'name = "{name}"\n' if name else "",
        app=made.target,
        python=default_python(),
        include=f"include = {_toml(include)}\n" if include else "",
    ) + _ENVIRONMENT[sets_module].format(settings=django.settings if django else "")
    try:
        create_settings(root, text)
    except OSError as exc:
        raise SettingsNotWritten(f"microlambda.toml cannot be written in {root}: {exc.strerror}.") from exc
    return Adopted(made=made, name=name, django=django, sets_module=sets_module, include=include)


def _is_data(folder: Path) -> bool:
    """Tell whether a folder holds files, and no module that would ship with all beside it."""
    return folder.is_dir() and any(folder.iterdir()) and not any(folder.rglob("*.py"))


def _toml(values: tuple[str, ...]) -> str:
    return json.dumps(values)


# Which application -------------------------------------------------------


def _only(root: Path) -> Made | None:
    found = find_web(root)
    if len(found.apps) == 1:
        return found.apps[0]
    if found.apps:
        places = ", ".join(f"{one.target} ({one.framework})" for one in found.apps)
        raise AppNotFound(
            f"{root} has several applications: {places}. Choose one: microlambda new --from "
            f"{found.apps[0].target}"
        )
    if found.factories:
        raise AppNotFound(_factory(found.factories[0], root))
    django = find_django(root)
    if django is not None:
        package = django.settings.partition(".")[0]
        raise AppNotFound(
            f"manage.py runs with {django.settings}, and no module has get_wsgi_application(). Write "
            f"{package}/wsgi.py, in one line or in several: "
            f"{_WSGI.format(variable=VARIABLE, settings=django.settings)}"
        )
    return None


def _named(root: Path, target: str) -> Made:
    place = locate(root, target)
    found = find_web(root, place.module)
    made = {one.name: one for one in found.apps}
    factories = {one.name: one for one in found.factories}
    name = place.attribute or _foremost(place.module, list(made), found.factories[:1], root)
    if name in factories and name not in made:
        raise AppNotFound(_factory(factories[name], root))
    check_attribute(place)
    return made.get(name) or Made(module=place.module, name=name, framework="", path=place.file, line=0)


def _foremost(module: str, names: list[str], factories: tuple[Made, ...], root: Path) -> str:
    if len(names) == 1 or names[:1] in (["app"], ["application"]):
        return names[0]
    if factories and not names:
        raise AppNotFound(_factory(factories[0], root))
    several = f"has several applications: {', '.join(names)}" if names else "shows no application in its text"
    raise AppNotFound(f"{module!r} {several}. Name one: microlambda new --from {module}:{[*names, 'app'][0]}")


def _factory(made: Made, root: Path) -> str:
    place = made.path.relative_to(root)
    return (
        f"{made.name} ({place}:{made.line}) makes the application when it is called, and nothing calls it. "
        f"Write wsgi.py with two lines, from {made.module} import {made.name} and app = {made.name}(), then: "
        "microlambda new --from wsgi:app"
    )


# What is still to do -----------------------------------------------------


def _requirements(root: Path, framework: str) -> Iterator[str]:
    """Say which line the requirements lack."""
    from microlambda.bundle.inputs.requirements import read_requirements
    from microlambda.bundle.target import Target

    package = {"Django's ASGI": "django"}.get(framework, framework).lower()
    if not package.isidentifier() or package == APP:
        package = ""
    settings = load_settings(root, "dev")
    try:
        found = read_requirements(settings, Target.for_lambda(settings.python, settings.architecture))
    except ToolError as exc:
        yield f"The requirements are not readable yet: {exc}"
        return
    if not found.direct and not found.sources:
        others = [path.relative_to(root).as_posix() for path in _lists(root)]
        if others:
            yield f'Write at the top of microlambda.toml what ships: requirements = "{others[0]}"'
        else:
            lines = f": {package}, and what else the code imports" if package else ""
            yield f"Write requirements.txt, with a line for each package that ships{lines}."
    elif package and not found.sources and package not in {one.name.lower() for one in found.direct}:
        yield f"{found.label} does not name {package}: add it."


def _lists(root: Path) -> list[Path]:
    """Find lists of requirements that are not where they are looked for."""
    return [*sorted(root.glob("requirements/*.txt")), *sorted(root.glob("*requirements*.txt"))]


def _hosts(root: Path, django: DjangoProject) -> Iterator[str]:
    """Say what Django has to know: it answers 400 for a host that it was not told of."""
    hosts = django.allowed_hosts or ()
    if "*" in hosts or any("execute-api" in one or one == ".amazonaws.com" for one in hosts):
        return
    place = django.path.relative_to(root) if django.path is not None else django.settings
    yield (
        f"Add the host of the API to ALLOWED_HOSTS in {place}, of your region: "
        '".execute-api.eu-west-1.amazonaws.com"'
    )
