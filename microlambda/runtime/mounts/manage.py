"""Running a management command of Django's on Lambda, as manage.py does: its output and its exit code.

Settings were loaded and applications set up when the environment started; they are not set up again, which
would configure logging again, too.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import copy_context

from ..context import CURRENT, RequestContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..app import App

#: What of a stream is kept, as JSON, in bytes: both streams fit into Lambda's answer of 6 MB.
KEPT = 2_900_000

#: The exit code of a command whose time was over, as that of GNU's `timeout`.
TIMED_OUT = 124

# Seconds that are kept for the end: to roll back, and to answer. Of little time a tenth.
_FOR_THE_END = 1.0

_PROGRAM = "manage.py"


class TimeIsUp(BaseException):
    """Raised in the command shortly before Lambda would end the process; `except Exception` lets it pass."""


class Tail(io.RawIOBase):
    """The end of what was written. Once `end` was called, all goes to the stream that it stood for.

    For a logger that the command has set up keeps the stream that it found.
    """

    def __init__(self, stands_for: Any) -> None:
        self._stands_for = stands_for
        self._kept = bytearray()
        self._is_over = False
        self.written = 0

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes, in the place of the oldest ones."""
        piece = bytes(data)
        if self._is_over:
            self._stands_for.write(piece.decode("utf-8", "replace"))
            return len(piece)
        self.written += len(piece)
        self._kept += piece[-KEPT:]
        if len(self._kept) > 2 * KEPT:
            del self._kept[:-KEPT]
        return len(piece)

    def end(self) -> tuple[str, int]:
        """The text that fits into the answer, and how many bytes before it are left out."""
        from json import dumps

        self._is_over = True
        text = self._kept.decode("utf-8", "replace")
        while (size := len(dumps(text))) > KEPT:
            text = text[len(text) - len(text) * KEPT // size :]
        return text, max(0, self.written - len(text.encode()))


def run(app: App, arguments: list[str], context: Any) -> dict[str, Any]:
    """The command's exit code and what it wrote, each stream from where it fits into the answer.

    `left_out` are the bytes before that, by streams; `time` the seconds that the function has, where the
    command was ended because they were nearly over.
    """
    app.is_serving = True
    seconds = _remaining(context)
    out, err = Tail(sys.stdout), Tail(sys.stderr)
    with redirect_stdout(_text(out)), redirect_stderr(_text(err)), _without_input():
        code, is_over = copy_context().run(_exit_code, app, arguments, context, seconds)
    (stdout, out_cut), (stderr, err_cut) = out.end(), err.end()
    return {
        "exit_code": code,
        "stdout": stdout,
        "stderr": stderr,
        "left_out": {"stdout": out_cut, "stderr": err_cut},
        "time": seconds if is_over else None,
    }


def _text(stream: Tail) -> Any:
    raw: Any = stream
    return io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", newline="\n", write_through=True)


def _remaining(context: Any) -> float | None:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return left() / 1000 if left is not None else None


@contextmanager
def _without_input() -> Iterator[None]:
    """Let nothing wait for somebody to type: `input` raises EOFError."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


def _exit_code(app: App, arguments: list[str], context: Any, seconds: float | None) -> tuple[int, bool]:
    """What the process of manage.py would end with, and whether its time was over.

    What it would print of an error is printed.
    """
    CURRENT.set(RequestContext(app, None, context))
    try:
        with _alarm(seconds):
            _execute([_PROGRAM, *arguments])
    except SystemExit as exc:
        return _code_of(exc), False
    except TimeIsUp as exc:
        _print(exc)
        return TIMED_OUT, True
    except BaseException as exc:  # noqa: BLE001  # whatever a command raises ends it, and not the environment
        _print(exc)
        if isinstance(exc, EOFError):
            sys.stderr.write("There is no terminal to answer at: give the command --noinput.\n")
        return 1, False
    return 0, False


def _code_of(exit: SystemExit) -> int:
    """As the interpreter has it: text is printed and means 1, None is 0, and of a number a byte counts."""
    if exit.code is None or isinstance(exit.code, int):
        return int(exit.code or 0) & 0xFF
    sys.stderr.write(f"{exit.code}\n")
    return 1


def _print(error: BaseException) -> None:
    """Print the traceback, from Django's first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == _print.__code__.co_filename:
        trace = trace.tb_next
    sys.__excepthook__(type(error), error.with_traceback(trace), trace)


def _execute(argv: list[str]) -> None:
    """As `ManagementUtility.execute`, without setting up Django a second time."""
    from django import get_version
    from django.core.management import ManagementUtility
    from django.db import connections

    connections.close_all()  # what was left over from a request may be dead by now
    utility = ManagementUtility(argv)
    name, rest = argv[1], argv[2:]
    if name == "version" or argv[1:] == ["--version"]:
        print(get_version())  # noqa: T201  # to the stream that stands in for the terminal
    elif argv[1:] in (["--help"], ["-h"], ["help"]):
        print(utility.main_help_text())  # noqa: T201
    elif name == "help" and rest == ["--commands"]:
        print(utility.main_help_text(commands_only=True))  # noqa: T201
    elif name == "help":
        utility.fetch_command(rest[0]).print_help(_PROGRAM, rest[0])
    else:
        utility.fetch_command(name).run_from_argv(argv)


@contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise TimeIsUp in the block shortly before the function's time is over.

    Only in the main thread, where the clients of Lambda call handlers, does a signal arrive; elsewhere Lambda
    itself ends the command.
    """
    import signal
    import threading

    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, seconds - min(_FOR_THE_END, seconds / 10)))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: Any) -> None:
    raise TimeIsUp("the time of the function is nearly over, and the command was ended here.")
