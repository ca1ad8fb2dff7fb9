"""What one file of Python imports, read from its text: where, and under which circumstances."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from microlambda.bundle.code.conditions import judge
from microlambda.project.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from microlambda.bundle.code.conditions import Facts

When = Literal["import", "function", "condition"]

#: Who catches one of these goes on without the module.
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Found(NamedTuple):  # a large project has ten thousand of them: a dataclass takes four times as long
    """An import as it is written: `from ..module import name` has the level 2.

    `when` it runs: as soon as the file is imported, when a function is called, or on a condition that cannot
    be told. One that is optional may fail. `instead_of` are groups of other imports of the file, by their
    positions: it runs only where one of each group failed.
    """

    module: str
    name: str | None
    level: int
    when: When
    is_optional: bool
    line: int
    instead_of: Sequence[Sequence[int]] = ()


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What stands around a statement."""

    when: When = "import"
    is_optional: bool = False
    instead_of: tuple[tuple[int, ...], ...] = ()

    def under(self, when: When) -> _Around:
        """Narrow when it runs; a function's body stays one."""
        return self if self.when == "function" else replace(self, when=when)


def read_imports(content: bytes, facts: tuple[Facts, ...]) -> tuple[Found, ...] | None:
    """Read the imports that can run on the target; None for what this Python cannot parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's text: not ours to give
            tree = parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    reader = _Reader(facts=facts, has_calls=b"import_module" in content or b"__import__" in content)
    try:
        reader.read(tree.body, _Around())
    except RecursionError:
        return None
    return tuple(reader.found)


@dataclass
class _Reader:
    facts: tuple[Facts, ...]
    has_calls: bool  # whether imports may stand in expressions
    found: list[Found] = field(default_factory=list)

    def read(self, nodes: Iterable[ast.AST], around: _Around) -> None:
        for node in nodes:
            self._one(node, around)

    def _one(self, node: ast.AST, around: _Around) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, around)
            case ast.If():
                self._if(node, around)
            case ast.Try() | ast.TryStar():
                self._try(node, around)
            case ast.With() | ast.AsyncWith():
                self._with(node, around)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node, around)
            case ast.For() | ast.AsyncFor() | ast.While() | ast.match_case():
                self._children(node, around.under("condition"))
            case _:
                self._call(node, around)
                self._children(node, around)

    def _import(self, node: ast.Import | ast.ImportFrom, around: _Around) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                self._add(alias.name, None, 0, node.lineno, around)
            else:
                name = None if alias.name == "*" else alias.name
                self._add(node.module or "", name, node.level, node.lineno, around)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, around: _Around) -> None:
        """Read what runs where it is defined (decorators, defaults), and then its body."""
        self._inside((node.args, *getattr(node, "decorator_list", ())), around)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        self.read(body, around.under("function"))

    def _add(self, module: str, name: str | None, level: int, line: int, around: _Around) -> None:
        self.found.append(
            Found(
                module=module,
                name=name,
                level=level,
                line=line,
                when=around.when,
                is_optional=around.is_optional,
                instead_of=around.instead_of,
            )
        )

    def _children(self, node: ast.AST, around: _Around) -> None:
        children = ast.iter_child_nodes(node)
        self.read((one for one in children if self.has_calls or not isinstance(one, ast.expr)), around)

    def _inside(self, nodes: Iterable[ast.AST], around: _Around) -> None:
        if self.has_calls:
            self.read(nodes, around)

    def _if(self, node: ast.If, around: _Around) -> None:
        holds = judge(node.test, self.facts)
        self._inside((node.test,), around)
        if holds is None:
            around = around.under("condition")
        if holds is not False:
            self.read(node.body, around)
        if holds is not True:
            self.read(node.orelse, around)

    def _try(self, node: ast.Try | ast.TryStar, around: _Around) -> None:
        catching = [one for one in node.handlers if _catches(one.type)]
        # What a handler raises again, the app fails of.
        is_caught = any(not isinstance(one.body[-1], ast.Raise) for one in catching)
        guarded = replace(around, is_optional=around.is_optional or is_caught)
        first = len(self.found)
        self.read(node.body, guarded)
        tried = tuple(range(first, len(self.found)))
        instead = replace(around, instead_of=(*around.instead_of, tried))
        for handler in node.handlers:
            is_instead = bool(tried) and handler in catching
            self.read(handler.body, instead if is_instead else around.under("condition"))
        self.read(node.orelse, guarded)  # runs only where the body did
        self.read(node.finalbody, around)

    def _with(self, node: ast.With | ast.AsyncWith, around: _Around) -> None:
        self._inside((item.context_expr for item in node.items), around)
        is_caught = any(_suppresses(item.context_expr) for item in node.items)
        self.read(node.body, replace(around, is_optional=around.is_optional or is_caught))

    def _call(self, node: ast.AST, around: _Around) -> None:
        """Read `import_module("a.b")`, `import_module(".b", __package__)` and `__import__("a.b")`."""
        match node:
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *rest],
            ):
                self._called(name, [*rest, *(one.value for one in node.keywords)], node.lineno, around)
            case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str(name)), *_]):
                self._add(name, None, 0, node.lineno, around)

    def _called(self, name: str, rest: Sequence[ast.expr], line: int, around: _Around) -> None:
        module = name.lstrip(".")
        level = len(name) - len(module)
        match rest:
            case [ast.Constant(value=str(package)), *_] if level:
                for _ in range(level - 1):
                    package = package.rpartition(".")[0]
                self._add(f"{package}.{module}", None, 0, line, around)
            case [ast.Name(id="__package__" | "__name__"), *_] if level:
                base, _, last = module.rpartition(".")
                self._add(base, last, level, line, around)
            case _ if not level:
                self._add(module, None, 0, line, around)


def _catches(type: ast.expr | None) -> bool:
    if isinstance(type, ast.Tuple):
        return any(map(_catches, type.elts))
    return type is None or ast.unparse(type).rpartition(".")[2] in _CAUGHT


def _suppresses(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] == "suppress"
        and any(map(_catches, node.args))
    )
