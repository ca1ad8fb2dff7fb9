"""Ctrl-C at any moment, also in the midst of an import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: Interrupts imports at a thousand moments, and tells how often the lock of all imports was left taken.
IMPORTS = """
import _imp, importlib, signal, sys
from microlambda.project import signals

signals._SOON = 0.0005  # for a thousand moments in few seconds
signal.signal(signal.SIGALRM, signals.interrupt)
lost = 0
for number in range(1_000):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + number % 50 * 0.00002)
        while True:
            for name in ("colorsys", "quopri"):
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

#: An alarm that comes before the call that sets it has returned: twice, then it waits. The functions that
#: stand in for the machine here are told from the handler's own by their file's name alone.
NESTED = """
import signal, sys
from microlambda.project import signals

STAND_INS = '''
def at_once(timer, seconds):
    alarms.append(seconds)
    if len(alarms) < 3:
        signals.interrupt(signal.SIGALRM, sys._getframe(1))

class Finder:
    def find_spec(*_):
        signals.interrupt(signal.SIGINT, sys._getframe(1))
'''
alarms = []
exec(compile(STAND_INS, signals.__file__, "exec"))
signal.setitimer = at_once
sys.meta_path.insert(0, Finder)
try:
    import a_module_that_is_nowhere
except ModuleNotFoundError:
    print(len(alarms))
"""


def output_of(code: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()


def test_an_import_that_is_interrupted_leaves_no_lock_behind() -> None:
    assert output_of(IMPORTS) == "0"


def test_a_module_that_never_ends_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("while True: ...")

    assert output_of(ENDLESS, str(tmp_path)) == "interrupted"


def test_an_alarm_that_comes_while_it_is_being_set_waits_for_the_import_too() -> None:
    assert output_of(NESTED) == "3"
