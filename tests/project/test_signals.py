"""Ctrl-C at any moment, also in the midst of an import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: Interrupts imports at a thousand moments, and tells how often the lock of all imports was left taken.
IMPORTS = """
import _imp, importlib, signal, sys
from microlambda.project.signals import interrupt

signal.signal(signal.SIGALRM, interrupt)
lost = 0
for number in range(1_000):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + number % 50 * 0.00002)
        while True:
            for name in ("colorsys", "wave"):
                sys.modules.pop(name, None)
                importlib.import_module(name)
    except KeyboardInterrupt:
        lost += _imp.lock_held()
        while _imp.lock_held():
            _imp.release_lock()
print(lost)
"""

#: A module that never ends, which is interrupted while it is imported.
ENDLESS = """
import signal, sys
from microlambda.project.signals import interrupt

signal.signal(signal.SIGINT, interrupt)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, 0.1)
sys.path.insert(0, sys.argv[1])
try:
    import endless
except KeyboardInterrupt:
    print("interrupted")
"""


def output_of(code: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()


def test_an_import_that_is_interrupted_leaves_no_lock_behind() -> None:
    assert output_of(IMPORTS) == "0"


def test_a_module_that_never_ends_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("while True: ...")

    assert output_of(ENDLESS, str(tmp_path)) == "interrupted"
