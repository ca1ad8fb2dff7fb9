"""Imports run downwards only, and the runtime imports what ships with it; the judge is `ast`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import microlambda

PACKAGE = Path(microlambda.__file__).parent

#: The floors of the house, the ground first. A module may import its own room and what stands below.
FLOORS: list[set[str]] = [
    {"runtime.missing"},
    {"runtime.errors", "runtime.percent", "runtime.late", "runtime.naming"},
    {"runtime.routing", "runtime.http", "runtime.events"},
    {"runtime.ingress", "runtime.context", "runtime.aio", "runtime.abort"},
    {"runtime.awaiting", "runtime.logger", "runtime.references", "runtime.session_json", "runtime.websocket"},
    {"runtime.auth"},
    {"runtime.middleware", "runtime.registration_options", "runtime.sessions", "runtime.secret_values"},
    {"runtime.triggers"},
    {"runtime.registration"},
    {"runtime.dispatch"},
    {
        "runtime.urls",
        "runtime.wsgi",
        "runtime.blueprint",
        "runtime.tasks",
        "runtime.mounts",
    },
    {"runtime.event_decorators"},
    {"runtime.app"},
    {"runtime.bare"},
    {"runtime.entry"},
    {""},  # the public face
    {"project"},
    {"plan", "iam", "bundle", "emulator"},
    {"deploy", "render"},
    {"local", "testing"},  # `local` deploys into the AWS that it has inside
    {"cli"},
    {"__main__"},
]
#: The one exception: App.test_client and test_request_context import `testing` when they are called.
EXCEPTIONS = {("runtime.app", "testing")}

RUNTIME_MAY_IMPORT = frozenset(
    """
    __future__ annotationlib asyncio atexit binascii boto3 botocore brotli compression contextlib
    contextvars datetime decimal difflib django encodings functools gc hashlib html http importlib inspect io
    ipaddress itsdangerous json logging markupsafe multipart os re shutil signal sys tempfile threading time
    uuid warnings zlib zoneinfo zstandard microlambda
    """.split()
)


def room_of(module: str) -> str:
    """The room of a dotted module name below `microlambda`: two words in the runtime, one elsewhere."""
    words = module.split(".") if module else [""]
    return ".".join(words[:2]) if words[0] == "runtime" else words[0]


def floor_of(room: str) -> int:
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"{room!r} stands on no floor: say in FLOORS where it belongs"
    return found[0]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "templates" in path.parts:
            continue
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        yield ".".join(parts), path


def imports(path: Path, module: str) -> Iterator[str]:
    """Every module that a file imports, absolute, `if TYPE_CHECKING` excepted."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from from_import(node, package)
        pending.extend(ast.iter_child_nodes(node))


def from_import(node: ast.ImportFrom, package: str) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        parents = ["microlambda", *package.split(".")] if package else ["microlambda"]
        kept = parents[: len(parents) - (node.level - 1)]
        base = ".".join([*kept, base] if base else kept)
    # `from package import module` imports the module: a folder or file of that name counts as one.
    for alias in node.names:
        inside = PACKAGE.parent.joinpath(*base.split("."), alias.name)
        is_module = inside.with_suffix(".py").exists() or (inside / "__init__.py").exists()
        yield f"{base}.{alias.name}" if is_module and base.startswith("microlambda") else base


def package_imports(module: str, path: Path) -> set[str]:
    return {
        name.removeprefix("microlambda").lstrip(".")
        for name in imports(path, module)
        if name.split(".")[0] == "microlambda"
    }


@pytest.mark.parametrize(
    ("module", "path"), [pytest.param(*one, id=one[0] or "microlambda") for one in modules()]
)
def test_imports_run_downwards(module: str, path: Path) -> None:
    room = room_of(module)
    if path.parent == PACKAGE / "runtime" and path.name == "__init__.py":
        assert package_imports(module, path) == set()
        return
    for imported in package_imports(module, path):
        other = room_of(imported)
        if other == room or (room, other) in EXCEPTIONS:
            continue
        assert floor_of(other) < floor_of(room), (
            f"{module} imports {imported}, which stands above or beside it"
        )


def test_the_emulator_does_not_import_the_ingress_adapters() -> None:
    for module, path in modules():
        if module.startswith("emulator"):
            assert not any(name.startswith("runtime.ingress") for name in package_imports(module, path)), (
                module
            )


def test_the_runtime_imports_the_standard_library_and_itself() -> None:
    for module, path in modules():
        if module.split(".")[0] in ("", "runtime"):
            tops = {name.split(".")[0] for name in imports(path, module)}
            assert tops <= RUNTIME_MAY_IMPORT, f"{module} imports {sorted(tops - RUNTIME_MAY_IMPORT)}"


def test_boto3_is_imported_at_module_level_by_the_deployer_and_the_emulator_only() -> None:
    for module, path in modules():
        top = {
            name.split(".")[0]
            for node in ast.parse(path.read_text()).body
            for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                         [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        }  # fmt: skip
        if top & {"boto3", "botocore"}:
            assert module.split(".")[0] in ("deploy", "emulator"), f"{module} imports boto3 at module level"


def test_this_test_sees_a_forbidden_import(tmp_path: Path) -> None:
    """The reader must find imports where they hide: in functions, relative, by module name."""
    file = tmp_path / "x.py"
    file.write_text("def f():\n    from ..deploy import session\n    import microlambda.cli.main\n")

    found = set(imports(file, "runtime.x"))

    assert "microlambda.cli.main" in found
    assert any(name.startswith("microlambda.deploy") for name in found)
