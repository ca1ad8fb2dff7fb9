"""What ships to Lambda works with the standard library alone, and loads little of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import microlambda

PACKAGE = Path(microlambda.__file__).parent
EVENTS = Path(__file__).parent / "events"

#: Loaded by AWS's runtime client before the app is imported (awslambdaric 4.2 under `python -S`),
#: so it costs a cold start nothing. Written out, so that a change of either side is seen.
LOADED_BY_THE_RUNTIME_CLIENT = frozenset(
    """
    __future__ _collections _collections_abc _decimal _functools _json _operator _sre _stat _string
    _weakrefset atexit collections collections.abc contextlib copyreg decimal enum functools
    genericpath importlib importlib._bootstrap importlib._bootstrap_external itertools json
    json.decoder json.encoder json.scanner keyword linecache logging math numbers operator os
    os.path posixpath re re._casefix re._compiler re._constants re._parser reprlib stat string
    textwrap threading token tokenize traceback types warnings weakref
    """.split()
)
#: What the runtime may load beyond that.
ALLOWED = frozenset({"contextvars", "_contextvars"})

PROBE = """
import sys
before = set(sys.modules)
import json
sys.path.insert(0, {folder!r})
import os
os.environ["MICROLAMBDA_APP"] = "app:app"
from microlambda.runtime.entry import handler
result = handler(json.loads(open({event!r}).read()), None)
loaded = sorted(set(sys.modules) - before)
lines = sum(len(open(sys.modules[n].__file__).readlines()) for n in loaded if n.startswith("microlambda"))
print(json.dumps({{"result": result, "loaded": loaded, "lines": lines}}))
"""


@pytest.fixture(params=["rest-api", "http-api", "function-url"])
def answered(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """One recorded event, answered by a copy of the runtime in a process that has nothing else."""
    shutil.copytree(PACKAGE / "runtime", tmp_path / "microlambda" / "runtime")
    shutil.copy(PACKAGE / "__init__.py", tmp_path / "microlambda")
    views = "\n".join(f"@app.get('/x{i}/<id>')\ndef x{i}(id): return id" for i in range(49))
    (tmp_path / "app.py").write_text(
        "from microlambda import App\napp = App('alone')\n"
        f"@app.get('/hello')\ndef hello(): return {{'hello': 'world'}}\n{views}\n"
    )
    probe = PROBE.format(folder=str(tmp_path), event=str(EVENTS / f"{request.param}.json"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_the_runtime_alone_answers_a_recorded_event(answered: dict[str, dict[str, object]]) -> None:
    assert (answered["result"]["statusCode"], answered["result"]["body"]) == (200, '{"hello":"world"}')


def test_it_loads_nothing_outside_the_allow_list(answered: dict[str, list[str]]) -> None:
    ours = {name for name in answered["loaded"] if name.partition(".")[0] in ("microlambda", "app")}

    assert set(answered["loaded"]) - ours - LOADED_BY_THE_RUNTIME_CLIENT - ALLOWED == set()


def test_the_first_answer_loads_at_most_30_modules_and_3000_lines_of_ours(
    answered: dict[str, object],
) -> None:
    loaded = answered["loaded"]
    assert isinstance(loaded, list)

    assert len(set(loaded) - LOADED_BY_THE_RUNTIME_CLIENT) <= 30
    assert isinstance(answered["lines"], int)
    assert answered["lines"] <= 3000


def test_the_allow_list_is_what_the_runtime_client_really_loads() -> None:
    """So that the list above cannot drift into an excuse."""
    import awslambdaric
    import simplejson

    sites = sorted({str(Path(module.__file__).parent.parent) for module in (awslambdaric, simplejson)})
    code = (
        "import sys; before = set(sys.modules)\n"
        f"sys.path.extend({sites!r})\n"
        "import awslambdaric.bootstrap\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    # Private helpers of the standard library move between Python versions, and from 3.13 on `traceback` loads
    # these three when it needs them; every other public name must be there.
    later = {"linecache", "token", "tokenize"} if sys.version_info >= (3, 13) else set()
    missing = {
        name for name in LOADED_BY_THE_RUNTIME_CLIENT - loaded if not name.split(".")[-1].startswith("_")
    }
    assert missing - later == set()
