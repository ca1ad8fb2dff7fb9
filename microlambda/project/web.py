"""The web applications of a project, told by its text: of Flask, Quart, FastAPI, Starlette and Django.

Nothing is imported, so a project is read whose requirements are not installed. What is made at the top level
of a module is an application, `app = Flask(__name__)` or `app = create_app()`; a function that makes and
returns one is a factory.
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.project.django import find_django
from microlambda.project.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

APP = "microlambda"

#: What holds no part of an application.
NEVER = {
    *("build", "dist", "docs", "examples", "node_modules", "site-packages", "tests", "test", "venv"),
    *("setup.py", "conftest.py", "manage.py"),
    *("migrations", "alembic"),
}

#: What is called to make an application, and the framework that it is of.
FRAMEWORKS = {
    "microlambda.App": APP,
    "flask.Flask": "Flask",
    "flask.app.Flask": "Flask",
    "quart.Quart": "Quart",
    "quart.app.Quart": "Quart",
    "fastapi.FastAPI": "FastAPI",
    "fastapi.applications.FastAPI": "FastAPI",
    "starlette.applications.Starlette": "Starlette",
    "django.core.wsgi.get_wsgi_application": "Django",
    "django.core.asgi.get_asgi_application": "Django's ASGI",
}
_PREFERRED = ("app", "application")  # the names that servers look for
_ENTRY = ("wsgi", "asgi")  # the modules that are written for servers
_DEPTH = 4  # of folders

#: What a module has that is worth parsing.
_WORTH = re.compile(
    rb"\b(?:microlambda|Flask|Quart|FastAPI|Starlette|get_[aw]sgi_application|(?:create|make)_\w*app\w*)\b"
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """An application, or the function that makes it; `called` is the App's own name, where it is written out.

    `framework` is one of `FRAMEWORKS`, or the call that gives the application, "create_app()".
    """

    module: str
    name: str
    framework: str
    path: Path
    line: int
    called: str | None = None

    @property
    def target(self) -> str:
        """Write its place as commands take it."""
        return f"{self.module}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Found:
    """The applications to choose from, and factories, which commands do not call."""

    apps: tuple[Made, ...] = ()
    factories: tuple[Made, ...] = ()


def find_web(root: Path, module: str | None = None) -> Found:
    """Read the project's modules, in its folder and in `src/`, but tests, environments and builds.

    With `module`, give all that this one has, the foremost first, and choose nothing.
    """
    files = list(_files(root))
    source = _source(root, files)
    every = [
        _Module.read(path, _dotted(path, source if path.is_relative_to(source) else root)) for path in files
    ]
    modules = [one for one in every if one is not None]
    project = _Project(modules)
    factories = [made for one in modules for made in project.factories(one)]
    made = [list(project.made(one, factories)) for one in modules]
    if module is None:
        foremost = [one for apps in made for one in _foremost(apps)]
        return Found(apps=tuple(_chosen(foremost, root)), factories=tuple(factories))
    own = [one for apps in made for one in apps if one.module == module]
    return Found(
        apps=tuple(sorted(own, key=_order)),
        factories=tuple(one for one in factories if one.module == module),
    )


def made_in(path: Path, module: str) -> Found:
    """Read one module: the applications that it makes, the foremost first, and its factories."""
    read = _Module.read(path, module)
    if read is None:
        return Found()
    project = _Project([read])
    factories = list(project.factories(read))
    return Found(apps=tuple(sorted(project.made(read, factories), key=_order)), factories=tuple(factories))


def is_app_alone(path: Path) -> bool:
    """Tell whether a module makes an App of microlambda's, and nothing that could be served in its place."""
    made = made_in(path, "").apps
    return bool(made) and all(one.framework == APP for one in made)


# Choosing ----------------------------------------------------------------


def _rank(made: Made) -> int:
    return _PREFERRED.index(made.name) if made.name in _PREFERRED else len(_PREFERRED)


def _order(made: Made) -> tuple[bool, int]:
    return made.framework != APP, _rank(made)


def _foremost(made: Sequence[Made]) -> Sequence[Made]:
    """Of the applications of one module give the one that has the name for it; all, where none has."""
    apps = [one for one in made if one.framework == APP] or made
    best = [one for one in apps if _rank(one) < len(_PREFERRED)]
    return [min(best, key=_rank)] if best else apps


def _chosen(found: Sequence[Made], root: Path) -> Sequence[Made]:
    """Leave out what is there for another purpose: an App goes before others, WSGI before Django's ASGI."""
    apps = [one for one in found if one.framework == APP]
    if apps:
        return apps
    if any(one.framework == "Django" for one in found):
        found = [one for one in found if one.framework != "Django's ASGI"]
    if len(found) < 2:
        return found
    project = find_django(root)
    named = [one for one in found if project is not None and one.target == project.wsgi_application]
    entries = named or [one for one in found if one.module.rpartition(".")[2] in _ENTRY]
    return entries if len(entries) == 1 else found


# Files -------------------------------------------------------------------


def _files(root: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folder = Path(place)
        depth = len(folder.relative_to(root).parts)
        folders[:] = sorted(
            name
            for name in folders
            if depth < _DEPTH and _is_read(name) and not (folder / name / "pyvenv.cfg").is_file()
        )
        for name in sorted(names):
            if name.endswith(".py") and _is_read(name) and name.removesuffix(".py").isidentifier():
                yield folder / name


def _is_read(name: str) -> bool:
    is_test = name.startswith("test_") or name.endswith("_test.py")
    return not (is_test or name in NEVER) and name.removesuffix(".py").isidentifier()


def _source(root: Path, files: Sequence[Path]) -> Path:
    """Give the folder that modules are imported from: `src/`, unless that is a package itself."""
    source = root / "src"
    if (source / "__init__.py").is_file() or not source.is_dir():
        return root
    is_imported = re.compile(rb"^[ \t]*(?:from|import)[ \t]+src\b", re.MULTILINE)
    return root if any(is_imported.search(_bytes(path)) for path in files) else source


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# Modules -----------------------------------------------------------------


@dataclass(kw_only=True)
class _Module:
    """What one module imports, by the names that it has for it, and its top level."""

    name: str
    path: Path
    body: list[ast.stmt]
    imports: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, name: str) -> _Module | None:
        """Parse a module; None where it cannot be, or is about something else."""
        content = _bytes(path)
        if not _WORTH.search(content) and path.stem not in (*_PREFERRED, *_ENTRY, "main"):
            return None
        try:
            tree = parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        module = cls(name=name, path=path, body=list(_top_level(tree.body)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module.imports |= dict(module._imported(node))
        return module

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
            return
        base = node.module or ""
        if node.level:
            package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*above, *([base] if base else [])]).strip(".")
        for alias in node.names:
            yield alias.asname or alias.name, f"{base}.{alias.name}"

    def qualified(self, node: ast.expr) -> str:
        """Write what a name stands for with the module that it comes from."""
        written = ast.unparse(node)
        first, dot, rest = written.partition(".")
        return self.imports.get(first, f"{self.name}.{first}") + dot + rest

    def assigned(self) -> Iterator[tuple[str, ast.Call]]:
        """Give the names that stand for what a call gives, with the call."""
        for node in self.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((one.id, node.value) for one in targets if isinstance(one, ast.Name))


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Give what runs when the module is imported, in `if`, `try` and `with` too."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            continue
        if isinstance(node, ast.If | ast.Try | ast.With):
            for name in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(node, name, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _top_level(handler.body)


class _Project:
    """The modules together: what a class of one comes from may stand in another."""

    def __init__(self, modules: Sequence[_Module]) -> None:
        self._bases = {
            f"{module.name}.{node.name}": [module.qualified(base) for base in node.bases]
            for module in modules
            for node in module.body
            if isinstance(node, ast.ClassDef)
        }

    def framework(self, name: str, seen: frozenset[str] = frozenset()) -> str | None:
        """Name the framework of a class or function, by what it is or derives from."""
        if name in FRAMEWORKS or name in seen:
            return FRAMEWORKS.get(name)
        found = (self.framework(base, seen | {name}) for base in self._bases.get(name, ()))
        return next(filter(None, found), None)

    def factories(self, module: _Module) -> Iterator[Made]:
        """Give the functions that make an application and return something."""
        for node in module.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            inner = list(ast.walk(node))
            calls = (self.framework(module.qualified(one.func)) for one in inner if isinstance(one, ast.Call))
            framework = next(filter(None, calls), None)
            if framework and any(isinstance(one, ast.Return) and one.value is not None for one in inner):
                yield _made(module, node.name, framework, node.lineno)

    def made(self, module: _Module, factories: Iterable[Made]) -> Iterator[Made]:
        """Give what a module's top level makes, by a class or by a factory of the project."""
        by_factory = {f"{one.module}.{one.name}": one.framework for one in factories}
        found: dict[str, Made] = {}
        for name, call in module.assigned():
            maker = module.qualified(call.func)
            framework = self.framework(maker) or by_factory.get(maker) or _by_name(maker)
            if framework is not None:
                found[name] = _made(module, name, framework, call.lineno, _called(call))
        yield from found.values()


def _made(module: _Module, name: str, framework: str, line: int, called: str | None = None) -> Made:
    own = called if framework == APP else None
    return Made(module=module.name, name=name, framework=framework, path=module.path, line=line, called=own)


def _by_name(maker: str) -> str | None:
    """Take `create_app()` of a package that is not the project's for what it says."""
    name = maker.rpartition(".")[2]
    return f"{name}()" if name in ("create_app", "make_app") else None


def _called(call: ast.Call) -> str | None:
    """Read the name that an App is given."""
    given = [*call.args[:1], *(one.value for one in call.keywords if one.arg in ("name", "app_name"))]
    value = given[0].value if given and isinstance(given[0], ast.Constant) else None
    return value if isinstance(value, str) else None
