"""Compiles modules with the interpreter that it runs in: they come on stdin, bytecode goes to stdout.

Runs under the target's Python, so it stands by itself and needs the standard library alone. A module comes as
`KIND LENGTH LENGTH`, a line, then the path that it has on Lambda and its source, of those lengths; the answer
is `compiled 0 LENGTH` and the bytecode, or `problem LINE LENGTH` and the reason. KIND is `whole` or `slim`.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import os
import sys

TYPE_CHECKING = False  # so that `typing` is not imported at each start
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any


class Slimmer(ast.NodeTransformer):
    """Takes out of a module what is for its readers: annotations, docstrings, imports for type checkers.

    Only for modules that look at none of these when they run. Asserts stay, and so do the line numbers.
    """

    def visit(self, node: ast.AST) -> Any:
        """Pass by expressions, most of a tree: nothing is taken out of them."""
        return node if isinstance(node, ast.expr) else super().visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Keep a body from being empty; a docstring alone has the line of its function, as in Python."""
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else node
        place = node if is_docstring(node, first) else first
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.copy_location(ast.Pass(lineno=1, col_offset=0), place)]  # type: ignore[attr-defined]
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Take out `TYPE_CHECKING = False`, too, where nothing else asks for it."""
        self.generic_visit(node)
        found = [one for one in ast.walk(node) if is_checking(one)]
        if all(isinstance(getattr(one, "ctx", None), ast.Store) for one in found):
            node.body = [
                one for one in node.body if not all(map(is_checking, getattr(one, "targets", [one])))
            ]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Take out docstrings, and other constants that stand alone."""
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Take out `if TYPE_CHECKING:`, by convention never true at run time."""
        self.generic_visit(node)
        return node.orelse if is_checking(node.test) else node

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


def is_docstring(node: ast.AST, first: ast.AST) -> bool:
    """Tell whether what a body begins with is the docstring of its node."""
    has_docstring = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
    value = first.value if has_docstring and isinstance(first, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def is_checking(node: ast.AST) -> bool:
    """Tell whether an expression is the name TYPE_CHECKING, read or assigned to."""
    return isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"


def compile_slim(content: bytes, path: str) -> bytes:
    """Compile a module without what a `Slimmer` takes out of it; the hash, which nothing reads, is zeros."""
    return bytecode(with_plain_lines(compile_without(content, path)), bytes(8))


def compile_whole(content: bytes, path: str) -> bytes:
    """Compile a module as it is."""
    compiled = compile(content, path, "exec", dont_inherit=True, optimize=0)
    return bytecode(compiled, importlib.util.source_hash(content))


def bytecode(compiled: CodeType, source_hash: bytes) -> bytes:
    """Make the content of a file of bytecode, as PEP 552 has it with an unchecked hash."""
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + source_hash + marshal.dumps(compiled)


def compile_without(content: bytes, path: str) -> CodeType:
    """Compile what a `Slimmer` leaves."""
    # A function of its own, so that the tree is gone when marshal counts who else refers to an object.
    tree = Slimmer().visit(ast.parse(content, path))
    return compile(tree, path, "exec", dont_inherit=True, optimize=0)


def with_plain_lines(code: CodeType) -> CodeType:
    """Make the tables of lines, of which each expression has an entry of its own, one entry a line."""
    constants = tuple(with_plain_lines(one) if isinstance(one, type(code)) else one for one in code.co_consts)
    plain = code.replace(co_consts=constants, co_linetable=line_table(code))
    # What this Python reads from the table decides: one of another format stays as it was.
    return plain if lines_of(plain) == lines_of(code) else code.replace(co_consts=constants)


def lines_of(code: CodeType) -> list[tuple[int, int | None]]:
    """Give the line of each instruction, by its offset, where it is another than that of the one before."""
    lines: list[tuple[int, int | None]] = []
    for start, _, line in code.co_lines():
        if not lines or lines[-1][1] != line:
            lines.append((start, line))
    return lines


def line_table(code: CodeType) -> bytes:
    """Write the table of lines, as Python 3.11 and later read it, without columns.

    https://github.com/python/cpython/blob/main/InternalDocs/code_objects.md: an entry is for up to 8 units of
    two bytes; 13 is the kind that has a line alone, 15 the one without any.
    """
    lines = lines_of(code)
    ends = [start for start, _ in lines[1:]] + [len(code.co_code)]
    table, last = bytearray(), code.co_firstlineno
    for (start, line), end in zip(lines, ends, strict=True):
        for units in range((end - start) // 2, 0, -8):
            kind = 15 if line is None else 13
            table.append(0x80 | kind << 3 | min(units, 8) - 1)
            if line is not None:
                table += signed_varint(line - last)
                last = line
    return bytes(table)


def signed_varint(number: int) -> bytes:
    """Write a number in groups of six bits, the lowest first, its sign the lowest bit of all."""
    rest = abs(number) << 1 | (number < 0)
    groups = bytearray()
    while rest > 0x3F:
        groups.append(rest & 0x3F | 0x40)
        rest >>= 6
    return bytes((*groups, rest))


def answer(kind: bytes, content: bytes, path: str) -> tuple[bytes, bytes]:
    """Compile a module; gives the first line of the answer, without the length, and the rest."""
    try:
        return b"compiled 0", (compile_slim if kind == b"slim" else compile_whole)(content, path)
    except SyntaxError as exc:
        return b"problem %d" % (exc.lineno or 0), f"{exc.msg}".encode("utf-8", "replace")
    except (ValueError, RecursionError, MemoryError) as exc:
        return b"problem 0", (str(exc) or type(exc).__name__).encode("utf-8", "replace")


def main() -> None:
    """Compile each file alone, in the order given."""
    asked, answered = sys.stdin.buffer, sys.stdout.buffer
    while line := asked.readline():
        kind, path_length, length = line.split()
        path = os.fsdecode(asked.read(int(path_length)))
        said, content = answer(kind, asked.read(int(length)), path)
        answered.write(b"%s %d\n%s" % (said, len(content), content))
        answered.flush()


if __name__ == "__main__":
    main()
