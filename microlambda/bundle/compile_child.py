"""Compiles modules with the interpreter that it runs in: jobs come on stdin, problems go to stdout.

Runs under the target's Python, so it stands by itself and needs the standard library alone. A job is
`[source, output, path on Lambda, name, level of optimization]`.
"""

import json
import py_compile
import sys


def main() -> None:
    """Compile each file alone, in the order given."""
    problems = {}
    for source, output, path, name, optimize in json.load(sys.stdin):
        try:
            py_compile.compile(
                source,
                output,
                path,
                doraise=True,
                optimize=optimize,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError as exc:
            error = exc.exc_value
            line = getattr(error, "lineno", None)
            problems[name] = [f"{getattr(error, 'msg', error)}", line or None]
        except (ValueError, RecursionError, MemoryError) as exc:
            problems[name] = [str(exc) or type(exc).__name__, None]
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
