"""Compiling with the target's interpreter: processes that take modules and give bytecode, several at once."""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from microlambda.bundle.errors import BundleError
from microlambda.bundle.processors import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

CHILD = Path(__file__).with_name("compile_child.py")

#: Fewer modules than this are not worth a second process.
_PER_PROCESS = 16

_ENDING = 5  # s


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module to compile: its name in the archive, its path on Lambda, and where its source is had."""

    name: str
    path: str
    read: Callable[[], bytes]
    is_slim: bool = False


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a file does not compile, and the line where that shows, if it has one."""

    message: str
    line: int | None

    def __str__(self) -> str:
        return f"{self.message} (line {self.line})" if self.line else self.message


def compile_modules(
    modules: Sequence[Module], interpreter: str, begun: Iterable[Compiler] = ()
) -> Iterator[tuple[Module, bytes | Problem]]:
    """Compile modules; gives each with its bytecode, as a file has it, or its problem, as they get ready.

    `begun` are compilers of whole modules that run already; they are left running.
    """
    own = threading.local()
    idle = list(begun)

    def compiled(module: Module) -> tuple[Module, bytes | Problem]:
        """Compile with a process of this thread's own, one of each kind that turns up."""
        kind = "slim" if module.is_slim else "whole"
        if not hasattr(own, kind):
            taken = idle.pop() if idle and not module.is_slim else None
            taken = taken or stack.enter_context(Compiler(interpreter, is_slim=module.is_slim))
            setattr(own, kind, taken)
        compiler: Compiler = getattr(own, kind)
        return module, compiler.compile(module)

    count = max(1, min(processors(), len(modules) // _PER_PROCESS))
    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        try:
            for future in as_completed([pool.submit(compiled, module) for module in modules]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def compilers_begun(interpreter: str | None) -> Iterator[Callable[[], Sequence[Compiler]]]:
    """Start compilers of whole modules beside the block, as many as work at once; none without interpreter.

    What is given waits for them.
    """
    count = 0 if interpreter is None else processors()
    begun: list[Compiler] = []

    def begin() -> list[Compiler]:
        begun.extend(Compiler(str(interpreter), is_slim=False) for _ in range(count))
        return begun

    with ExitStack() as stack:
        stack.callback(_close_all, begun)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        yield pool.submit(begin).result


def _close_all(compilers: Iterable[Compiler]) -> None:
    for one in compilers:
        one.close()


class Compiler:
    """A process of the target's interpreter that compiles one module after the other."""

    def __init__(self, interpreter: str, *, is_slim: bool) -> None:
        self._interpreter = interpreter
        self._kind = b"slim" if is_slim else b"whole"
        # A line table names the columns too, for the marks under a line; ours ship without the lines.
        options = ["-X", "no_debug_ranges"] if is_slim else []
        # -S -P: nothing on its path but the standard library. A fixed hash seed: sets may be marshalled.
        self._process = subprocess.Popen(
            [interpreter, *options, "-S", "-s", "-P", "-B", "-W", "ignore", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PYTHONHASHSEED": "0", "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")},
        )
        self._input = cast("BinaryIO", self._process.stdin)
        self._output = cast("BinaryIO", self._process.stdout)
        self._errors = cast("BinaryIO", self._process.stderr)
        self._failed: BundleError | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Compiler:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def close(self) -> None:
        """Let it end, and wait for that."""
        with suppress(BrokenPipeError):  # what a dead process did not take
            self._input.close()
        self._process.__exit__(None, None, None)

    def compile(self, module: Module) -> bytes | Problem:
        """Give the bytecode of a module, or why there is none; once it died, its first failure."""
        with self._lock:
            return self._compiled(module)

    def _compiled(self, module: Module) -> bytes | Problem:
        if self._failed:
            raise self._failed
        source, path = module.read(), os.fsencode(module.path)
        try:
            self._input.write(b"%s %d %d\n%s%s" % (self._kind, len(path), len(source), path, source))
            self._input.flush()
            kind, line, size = self._output.readline().split()
            content = self._output.read(int(size))
        except (BrokenPipeError, ValueError):  # it is gone, at once or with half a line
            self._failed = self._failure(module)
            raise self._failed from None
        if kind == b"compiled" and len(content) == int(size):
            return content
        return Problem(message=content.decode("utf-8", "replace"), line=int(line) or None)

    def _failure(self, module: Module) -> BundleError:
        with suppress(BrokenPipeError):
            self._input.close()
        with suppress(subprocess.TimeoutExpired):  # it is about to end, by itself or for want of more
            self._process.wait(_ENDING)
        self._process.kill()
        said = self._errors.read().decode("utf-8", "replace").strip()[-500:]
        return BundleError(f"{self._interpreter} failed to compile {module.name} for the bundle:\n{said}")
