"""Compiles modules with the interpreter that it runs in: jobs come on stdin, problems go to stdout.

Runs under the target's Python, so it stands by itself and needs the standard library alone. A job is
`[source, output, path on Lambda, name, is slim]`.
"""

import ast
import importlib.util
import json
import marshal
import py_compile
import sys
from pathlib import Path
from types import CodeType


class Slimmer(ast.NodeTransformer):
    """Takes out of a module what is for its readers: annotations, docstrings, imports for type checkers.

    Only for modules that look at none of these when they run. Asserts stay, and so do the line numbers.
    """

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Keep a body from being empty."""
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.copy_location(ast.Pass(), node)]  # type: ignore[attr-defined]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Take out docstrings, and other constants that stand alone."""
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Take out `if TYPE_CHECKING:`, by convention never true at run time."""
        self.generic_visit(node)
        is_for_checkers = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_for_checkers else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """Take out the `__future__` of annotations, for none are left."""
        if node.module == "__future__":
            node.names = [alias for alias in node.names if alias.name != "annotations"]
        return node if node.names else None

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Take out a parameter's annotation."""
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Take out the annotation of what is returned."""
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Take out the annotation of what is returned."""
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Make an annotated assignment a plain one; without a value it assigns nothing."""
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)


def compile_slim(source: str, output: str, path: str) -> None:
    """Compile a module without what a `Slimmer` takes out of it."""
    content = Path(source).read_bytes()
    compiled = compile_without(content, path)
    # As PEP 552 has it: flags of an unchecked hash, and the hash.
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(content)
    Path(output).write_bytes(header + marshal.dumps(compiled))


def compile_without(content: bytes, path: str) -> CodeType:
    """Compile what a `Slimmer` leaves."""
    # A function of its own, so that the tree is gone when marshal counts who else refers to an object.
    tree = Slimmer().visit(ast.parse(content, path))
    return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True, optimize=0)


def compile_whole(source: str, output: str, path: str) -> None:
    """Compile a module as it is."""
    py_compile.compile(
        source, output, path, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def main() -> None:
    """Compile each file alone, in the order given."""
    problems = {}
    for source, output, path, name, is_slim in json.load(sys.stdin):
        try:
            (compile_slim if is_slim else compile_whole)(source, output, path)
        except (py_compile.PyCompileError, SyntaxError) as exc:
            error = getattr(exc, "exc_value", exc)
            line = getattr(error, "lineno", None)
            problems[name] = [f"{getattr(error, 'msg', error)}", line or None]
        except (ValueError, RecursionError, MemoryError) as exc:
            problems[name] = [str(exc) or type(exc).__name__, None]
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
