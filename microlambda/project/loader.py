"""From "module:attribute", or from nothing at all, to the App that the user's files hold.

The module is imported as it will be on Lambda: from the folder that the archive is rooted in (the project, or
its `src/`), which stays first on `sys.path` so that the app's own late imports work.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.project.errors import AppImportFailed, AppNotFound
from microlambda.project.layout import locate
from microlambda.project.settings import load_settings
from microlambda.project.web import made_in
from microlambda.runtime.bare import fault_of, parameters_of, says_so, wrapped
from microlambda.runtime.errors import RegistrationError

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

    from microlambda import App


@dataclass(frozen=True, kw_only=True)
class LoadedApp:
    """An App and where it was found; `import_root` is the folder that holds `module`, the archive's root.

    Where there is a bare WSGI or ASGI application, `app` was made of it.
    """

    app: App
    module: str
    attribute: str
    root: Path
    import_root: Path

    @property
    def path(self) -> str:
        """Write the App's place as `MICROLAMBDA_APP` has it: `module:attribute`."""
        return f"{self.module}:{self.attribute}"


def load_app(root: Path, target: str | None = None, *, command: str = "deploy") -> LoadedApp:
    """Import the App that `target` names: "module:attribute" or "module"; None: the settings', or the only.

    A bare WSGI or ASGI application becomes an App that has the name of its package. `command` is the one that
    errors suggest to type again.
    """
    root = root.resolve()
    place = locate(root, target or load_settings(root, "local").app)
    module = _import(place.module, place.import_root, root)
    attribute = place.attribute or _only_app(module, place.module, command)
    return LoadedApp(
        app=_app_in(module, attribute, place.module, command),
        module=place.module,
        attribute=attribute,
        root=root,
        import_root=place.import_root,
    )


def _import(name: str, import_root: Path, root: Path) -> ModuleType:
    _put_first(import_root)
    _forget_other(name, import_root)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - the user's module may raise anything
        frames = _from_first_frame_in(root, exc.__traceback__)
        message = f"{_place(exc, frames, root)}: {_what(exc)}"
        raise AppImportFailed(message) from exc.with_traceback(frames)


def _put_first(folder: Path) -> None:
    entry = str(folder)
    if sys.path[:1] != [entry]:
        sys.path[:] = [entry, *(other for other in sys.path if other != entry)]


def _forget_other(name: str, import_root: Path) -> None:
    """Make way where another module holds the name already; the standard library's is never replaced."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        raise AppNotFound(
            f"the module {top!r} in {import_root} has the name of one of Python's own. Rename it."
        )
    loaded = sys.modules.get(top)
    if loaded is None or _is_inside(loaded, import_root):
        return
    for other in [one for one in sys.modules if one == top or one.startswith(f"{top}.")]:
        del sys.modules[other]


def _is_inside(module: ModuleType, folder: Path) -> bool:
    places = [module.__file__] if module.__file__ else list(getattr(module, "__path__", []))
    return any(Path(place).resolve().is_relative_to(folder) for place in places)


def _from_first_frame_in(root: Path, traceback: TracebackType | None) -> TracebackType | None:
    frames = traceback
    while frames is not None and not _is_users(frames, root):
        frames = frames.tb_next
    return frames


def _is_users(frame: TracebackType, root: Path) -> bool:
    file = Path(frame.tb_frame.f_code.co_filename)
    return file.is_relative_to(root) and "site-packages" not in file.parts


def _place(exc: BaseException, frames: TracebackType | None, root: Path) -> str:
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{_shown(Path(exc.filename), root)}:{exc.lineno}"
    deepest = None
    while frames is not None:
        deepest, frames = (frames if _is_users(frames, root) else deepest), frames.tb_next
    if deepest is None:
        return str(root)
    return f"{_shown(Path(deepest.tb_frame.f_code.co_filename), root)}:{deepest.tb_lineno}"


def _shown(file: Path, root: Path) -> Path:
    return file.relative_to(root) if file.is_relative_to(root) else file


def _what(exc: BaseException) -> str:
    if isinstance(exc, SystemExit):
        return f"the module ends the program (SystemExit: {exc.code}) while it is imported"
    if isinstance(exc, SyntaxError):
        return f"{type(exc).__name__}: {exc.msg}"
    text = f"{type(exc).__name__}: {exc}"
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return f"{text}. Install it here, and name it in the project's requirements"
    return text


def _apps(module: ModuleType) -> dict[str, App]:
    from microlambda import App

    # By the type itself: asking a proxy for its class may load what it stands for.
    return {name: value for name, value in vars(module).items() if issubclass(type(value), App)}


def _only_app(module: ModuleType, module_name: str, command: str) -> str:
    """Name the module's App; where it has none, the bare application that it has."""
    found: dict[str, Any] = _apps(module) or _bare_applications(module)
    if not found:
        raise AppNotFound(_no_app(module, module_name))
    names = [name for name in ("app", "application") if name in found]
    if names and (names[0] == "app" or not _apps(module)):
        return names[0]
    if len({id(app) for app in found.values()}) > 1:
        what = "Apps" if _apps(module) else "applications"
        raise AppNotFound(
            f"{module_name!r} has several {what}: {', '.join(map(repr, found))}. Choose one: microlambda "
            f"{command} {module_name}:{min(found)}"
        )
    return next(iter(found))


def _bare_applications(module: ModuleType) -> dict[str, Any]:
    """Give what of a module is called with the parameters that web applications are written with."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("__") and callable(value) and says_so(parameters_of(value) or ())
    }


def _no_app(module: ModuleType, module_name: str) -> str:
    found = made_in(Path(module.__file__ or ""), module_name)
    if found.factories:
        maker = found.factories[0]
        return (
            f"{module_name!r} has no application, but {maker.name}, a function that makes one. Write app = "
            f"{maker.name}() into a module, wsgi.py say, and name that: wsgi:app."
        )
    return f"{module_name!r} has no App. Add: from microlambda import App, and app = App({module_name!r})"


def _app_in(module: ModuleType, attribute: str, module_name: str, command: str) -> App:
    """Give the App that is called so, or make one of the bare application that is."""
    apps = _apps(module)
    if attribute in apps:
        return apps[attribute]
    if hasattr(module, attribute):
        application = getattr(module, attribute)
        fault = fault_of(application, attribute)
        if fault is None:
            return _wrapped(application, module_name, attribute)
        fact = f"{module_name}:{attribute} {fault}"
    else:
        fact = f"{module_name!r} has no attribute {attribute!r}."
    if not apps:
        raise AppNotFound(f"{fact}{_others(module, module_name, command)}")
    if len(apps) == 1:
        (only,) = apps
        raise AppNotFound(f"{fact} It has one App: {only!r}. Try: microlambda {command} {module_name}:{only}")
    names = ", ".join(repr(name) for name in apps)
    raise AppNotFound(
        f"{fact} It has these Apps: {names}. Try: microlambda {command} {module_name}:{min(apps)}"
    )


def _wrapped(application: Any, module_name: str, attribute: str) -> App:
    try:
        return wrapped(application, module_name, attribute)
    except RegistrationError as exc:
        raise AppNotFound(f"{module_name}:{attribute} cannot be served: {exc}") from exc


def _others(module: ModuleType, module_name: str, command: str) -> str:
    """Name the bare applications of a module that has no App."""
    found = _bare_applications(module)
    if not found:
        return " It has no App at all."
    names = ", ".join(map(repr, found))
    return f" It has {names}. Try: microlambda {command} {module_name}:{min(found)}"
