"""The app's import from its archives alone, in a clean process."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from microlambda.bundle.code.import_times import read_import_times
from microlambda.bundle.code.trial import Trial, try_import
from microlambda.bundle.errors import ModulesMissing
from microlambda.bundle.target import Target

HOST = Target.for_host()


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path)


class Archives:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, code: dict[str, str], *layers: dict[str, str]) -> list[Path]:
        return [self._write(number, files) for number, files in enumerate((code, *layers))]

    def _write(self, number: int, files: dict[str, str]) -> Path:
        path = self.folder / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return path


def test_code_layers_and_the_managed_runtime_are_there_and_nothing_else(archives: Archives) -> None:
    app = (
        "import lib, dep, deeper, boto3, sys\nassert not __import__('importlib.util').util.find_spec('click')"
    )
    layer = {
        "python/dep.py": "",
        f"python/lib/python{HOST.python}/site-packages/deeper.py": "",
    }

    trial = try_import(archives({"app.py": app, "lib.py": ""}, layer), "app", HOST)

    assert trial.is_imported, trial.problem
    assert trial.seconds
    assert {"lib", "dep", "deeper", "boto3"} <= {one.module for one in trial.imports}
    assert trial.notes == ()
    trial.refuse_missing()


def test_the_tree_has_what_each_module_loads_and_the_time_that_it_takes(archives: Archives) -> None:
    code = {
        "app.py": "import a",
        "a.py": "import b\nimport c",
        "b.py": "import c",
        "c.py": "import time\ntime.sleep(0.02)",
    }

    trial = try_import(archives(code), "app", HOST)

    (a,) = trial.imports
    assert [one.module for one in a.walk()] == ["a", "b", "c"]
    assert trial.heaviest[0].module == "c"
    assert a.total >= a.own + trial.heaviest[0].own


@pytest.mark.parametrize(
    ("app", "problem", "is_missing"),
    [
        ("import nowhere", ": app.py:1: ModuleNotFoundError: No module named 'nowhere'", True),
        ("import lib", ": lib.py:2: ImportError: cannot import name 'x' from 'json'", True),
        ("import os\nos.environ['TOKEN']", "the settings' environment: app.py:2: KeyError: 'TOKEN'", False),
        ("def f(:", ", without the settings' environment: SyntaxError: ", False),
        ("raise SystemExit('no')", "environment: app.py:1: SystemExit: no", False),
        ("import os\nos._exit(3)", "the import of the app ended its process (exit code 3).", False),
    ],
)  # fmt: skip
def test_a_failure_is_told_with_its_place(
    archives: Archives, app: str, problem: str, is_missing: bool
) -> None:
    trial = try_import(archives({"app.py": app, "lib.py": "\nfrom json import x"}), "app", HOST)

    assert problem in str(trial.problem)
    assert not trial.is_imported
    assert trial.notes == (trial.problem,)
    assert trial.is_missing is is_missing
    if is_missing:
        with pytest.raises(ModulesMissing, match="does not import from its archives alone"):
            trial.refuse_missing()


def test_what_the_app_prints_does_not_come_out_or_disturb(
    archives: Archives, capfd: pytest.CaptureFixture[str]
) -> None:
    app = (
        "import os, sys, subprocess\nprint('one')\nprint('two', file=sys.stderr)\nos.write(2, b'three')\n"
        "subprocess.run([sys.executable, '-c', 'print(4)'])\nos.write(1, b'five')\nimport lib"
    )

    trial = try_import(archives({"app.py": app, "lib.py": ""}), "app", HOST)

    assert trial.is_imported, trial.problem
    assert "lib" in {one.module for one in trial.imports}
    assert capfd.readouterr() == ("", "")


def test_the_environment_is_that_of_a_function_without_credentials(
    archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    app = (
        "import os\nassert os.environ['MICROLAMBDA_APP'] == 'app' and os.environ['AWS_REGION']\n"
        "assert not [name for name in os.environ if 'KEY' in name or 'TOKEN' in name or 'PYTHON' in name]"
    )

    trial = try_import(archives({"app.py": app}), "app", HOST)

    assert trial.is_imported, trial.problem


def test_the_code_lies_in_a_read_only_folder(archives: Archives) -> None:
    app = "import os\nassert not os.stat(os.path.dirname(__file__)).st_mode & 0o222"

    trial = try_import(archives({"app.py": app}), "app", HOST)

    assert trial.is_imported, trial.problem


def test_an_import_that_does_not_end_is_ended_with_all_that_it_started(
    archives: Archives, tmp_path: Path
) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    app = (
        f"import os, subprocess, time\nend = os.open({str(held)!r}, os.O_WRONLY)\nos.write(end, b'x')\n"
        "subprocess.Popen(['sleep', '60'], pass_fds=[end])\ntime.sleep(60)"
    )

    trial = try_import(archives({"app.py": app}), "app", HOST, time_limit=0.7)

    assert trial.problem == "the import of the app took more than 0.7 s."
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b"x"
    assert os.read(reader, 1) == b""  # nobody has the other end any more
    os.close(reader)


@pytest.mark.parametrize(
    ("names", "target", "problem"),
    [
        (
            ["app.py", "native.cpython-313-aarch64-linux-gnu.so"],
            Target.for_lambda("3.13", "arm64" if HOST.architecture == "x86_64" else "x86_64"),
            "was not tried: the bundle has native libraries for",
        ),
        (["app.py"], Target(python="3.99", architecture="arm64"), "there is no python3.99 here"),
    ],
    ids=["another processor", "no such Python"],
)  # fmt: skip
def test_what_cannot_run_here_is_not_tried(
    archives: Archives, names: list[str], target: Target, problem: str
) -> None:
    trial = try_import(archives(dict.fromkeys(names, "")), "app", target)

    assert problem in str(trial.problem)
    assert not trial.is_missing


def test_lines_of_others_are_passed_over() -> None:
    text = (
        "import time: self [us] | cumulative | imported package\n"
        "hello\n"
        "no end of lineimport time:        10 |         10 |     b\n"
        "import time:        20 |         30 |   a.x\n"
        "import time: nonsense\n"
        "import time:         1 |          1 | c\n"
        "import time:         5 |          5 |   lost"
    )

    trial = Trial(imports=read_import_times(text.replace("|   a.x", "| a.x").replace("|     b", "|   b")))

    assert [(one.module, one.own, one.total) for one in trial.heaviest] == [
        ("a.x", 20, 30),
        ("b", 10, 10),
        ("c", 1, 1),
    ]
    assert [one.module for one in trial.imports] == ["a.x", "c"]
