"""What of ours ships, ships as bytecode alone: small, and no less clear when something goes wrong."""

from __future__ import annotations

import ast
import json
import marshal
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest

import microlambda
from microlambda.bundle import compile_child, fingerprint
from microlambda.bundle.archive import names
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.compile_child import compile_without, with_plain_lines
from microlambda.bundle.interpreter import find_interpreter
from microlambda.bundle.libraries import library_entries
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings
from tests.bundle.conftest import inputs_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bundle.conftest import Project, Wheelhouse

HOST = Target.for_host()
EVENTS = Path(__file__).parent.parent / "runtime" / "events"
PACKAGE = Path(microlambda.__file__).parent
FACE = "microlambda/__init__.py"

ANSWER = """
import json, os, sys
sys.path.insert(0, {folder!r})
os.environ["MICROLAMBDA_APP"] = "app:app"
from microlambda.runtime.entry import handler
answer = handler(json.load(sys.stdin), None)
files = {{name: getattr(module, "__file__", None) for name, module in sys.modules.items()}}
print(json.dumps([answer, files]))
"""


@pytest.fixture
def task(project: Project, tmp_path: Path) -> Path:
    """The project's bundle, unpacked as Lambda has it."""
    folder = tmp_path / "task"
    with zipfile.ZipFile(project.bundle(target=HOST).code.archive) as archive:
        archive.extractall(folder)
    return folder


def run(folder: Path, interpreter: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Answer `GET /` in a process that has the folder and the standard library alone."""
    event = json.loads((EVENTS / "http-api.json").read_text())
    event["requestContext"]["http"] |= {"method": "GET", "path": "/"}
    return subprocess.run(
        [interpreter, "-I", "-S", "-B", "-c", ANSWER.format(folder=str(folder))],
        input=json.dumps(event | {"rawPath": "/"}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_runtime_answers_from_bytecode_alone(task: Path) -> None:
    done = run(task)

    assert done.returncode == 0, done.stderr
    answer, loaded = json.loads(done.stdout)
    assert json.loads(answer["body"]) == {"hello": "world"}
    ours = {name: file for name, file in loaded.items() if name.startswith("microlambda.")}
    assert len(ours) > 10
    assert {Path(file).suffix for file in ours.values()} == {".pyc"}
    assert [path for path in task.rglob("*.py") if path.name != "app.py"] == [task / FACE]


def test_a_traceback_names_our_lines_and_shows_those_of_the_user(project: Project, tmp_path: Path) -> None:
    project.write(
        "app.py",
        "from microlambda import App, Response\n\napp = App('shop')\n\n"
        "@app.get('/')\ndef index():\n    return Response('x', headers={'X-A': 'a\\r\\nb'})\n",
    )
    with zipfile.ZipFile(project.bundle(target=HOST).code.archive) as archive:
        archive.extractall(tmp_path / "task")

    done = run(tmp_path / "task")

    frames = re.findall(r'  File "(.+)", line (\d+), in (\w+)\n    (?=(.*))', f"{done.stderr}{done.stdout}")
    assert frames[0][1:3] == ("7", "index")
    assert "return Response('x'" in frames[0][3]
    ours = re.findall(r'  File "/var/task/(microlambda/.+)", line (\d+), in', f"{done.stderr}{done.stdout}")
    file, number = ours[-1]
    line = (PACKAGE.parent / file).read_text().splitlines()[int(number) - 1]
    assert line.strip().startswith("raise ")


def code_objects(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_objects(constant)


def test_every_function_of_ours_keeps_its_name_its_place_and_its_lines() -> None:
    shipped = [*sorted((PACKAGE / "runtime").rglob("*.py")), PACKAGE / "__init__.py"]
    contents = [path.read_bytes() for path in shipped]
    contents += [entry.content for entry in library_entries() if entry.name.endswith(".py")]

    for content in contents:
        whole = lines_of(compile(content, "x", "exec", dont_inherit=True))
        slim = lines_of(compile_without(content, "x"))
        for_checkers = lines_for_checkers(content)
        assert slim.keys() == {place for place in whole if place[1] not in for_checkers}
        assert all(slim[place] <= whole[place] for place in slim)


def lines_of(code: CodeType) -> dict[tuple[str, int], set[int | None]]:
    """The lines of every function, by its name and its first line; Python 3.14 makes one of annotations."""
    return {
        (one.co_qualname, one.co_firstlineno): {line for _, _, line in one.co_lines()} - {None}
        for one in code_objects(code)
        if one.co_name != "__annotate__"
    }


def lines_for_checkers(content: bytes) -> set[int]:
    return {
        line
        for node in ast.walk(ast.parse(content))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in range(node.lineno, (node.body[-1].end_lineno or 0) + 1)
    }


FAR = "\n" * 70  # further than a group of six bits reaches

#: Functions whose tables of lines have more than one kind of entry.
LINES = {
    "one-line": "def f(): return 1",
    "long-line": f"def f(x): return {' + '.join(['x.y.z(1)'] * 40)}",
    "chained": "def f(x):\n    return (x\n        .a(1)\n        .b(2,\n           3)\n    )",
    "far": f"def f(x):\n    x(1)\n{FAR}    x(2)\n    return [\n{FAR}        x(3),\n    ][\n{FAR}0]",
    "without-a-line": "def f(x):\n    with x:\n        try:\n            x()\n        except KeyError as e:\n"
    "            raise x from e\n        finally:\n            x()",
    "loop": "async def f(x):\n    async for a in x:\n        yield [b async for b in a\n"
    "            if await b]",
    "class": "class A:\n    x = 1\n\n    def f(self): ...\n\n    y = [x for x in\n    'ab']",
    "empty": "",
}


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in LINES.items()])
def test_every_instruction_keeps_its_line(source: str) -> None:
    whole = compile_without(source.encode(), "x")

    plain = with_plain_lines(whole)

    for before, after in zip(code_objects(whole), code_objects(plain), strict=True):
        assert instructions(after) == instructions(before)


def instructions(code: CodeType) -> list[tuple[int, int | None]]:
    """The line of every instruction, by its offset."""
    return [(offset, line) for start, end, line in code.co_lines() for offset in range(start, end, 2)]


def test_tables_of_lines_are_smaller() -> None:
    whole = compile_without((PACKAGE / "runtime" / "app.py").read_bytes(), "x")
    plain = with_plain_lines(whole)

    before, after = (sum(len(one.co_linetable) for one in code_objects(code)) for code in (whole, plain))
    assert after < 0.5 * before


def test_a_python_with_another_format_of_lines_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_child, "line_table", lambda code: b"\x80\0")
    whole = compile_without(LINES["far"].encode(), "x")

    for before, after in zip(code_objects(whole), code_objects(with_plain_lines(whole)), strict=True):
        assert after.co_linetable == before.co_linetable


#: Modules that leave a `result` behind, the same one whole and slim.
SAME = {
    "checked": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import nowhere\nresult = TYPE_CHECKING",
    "checked-else": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    result = 1\nelse:\n    result = 2",
    "checked-elif": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    pass\nelif True:\n    result = 3",
    "checked-by-a-function": "TYPE_CHECKING = False\ndef f():\n    return TYPE_CHECKING\nresult = f()",
    "checked-and-deleted": "TYPE_CHECKING = x = 0\nif TYPE_CHECKING: pass\ndel TYPE_CHECKING\nresult = x",
    "checked-with-another": "TYPE_CHECKING = x = False\nif TYPE_CHECKING:\n    pass\nresult = x",
    "checked-in-a-class": "TYPE_CHECKING = False\nclass A:\n    if TYPE_CHECKING:\n        x = 1\n"
    "result = hasattr(A, 'x')",
    "documented-class": "class A(ValueError):\n    'A doc.'\nresult = A.__mro__[1:]",
    "documented-function": "def f():\n    'A doc.'\nresult = f()",
    "parameters": "def f(a: int, /, b: str = 'b', *args: int, c: list = [1], **more: x) -> None:\n"
    "    return a, b, args, c, more\nresult = f(0, 1, 2, c=3, d=4)",
    "values": "class A:\n    x: int = 1\n    def __init__(self):\n        self.y: list[int] = [2]\n"
    "        z: int = 3\n        self.z = z\na = A()\nresult: tuple = (a.x, a.y, a.z)",
    "no-values": "def f():\n    x: int\n    if True:\n        x = 4\n    return x\ny: int\nresult = f()",
    "async": "async def f(a: int) -> str:\n    'A doc.'\n    return a\n"
    "try:\n    f(5).send(None)\nexcept StopIteration as exc:\n    result = exc.value",
    "assert": "try:\n    assert 0, 'not so'\nexcept AssertionError as exc:\n    result = str(exc)",
    "future": "from __future__ import annotations\ndef f(a: nowhere) -> nowhere: ...\nresult = f(1)",
}


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in SAME.items()])
def test_what_is_left_of_a_module_does_the_same(source: str) -> None:
    whole: dict[str, Any] = {"x": None}
    slim: dict[str, Any] = {"x": None}

    exec(compile(source, "x", "exec", dont_inherit=True), whole)
    exec(compile_without(source.encode(), "x"), slim)

    assert slim["result"] == whole["result"]


def test_the_name_for_type_checkers_goes_where_nothing_asks_for_it() -> None:
    source = b"TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import nowhere\nx = 1\n"
    scope: dict[str, Any] = {}

    exec(compile_without(source, "x"), scope)

    assert scope.keys() - {"__builtins__"} == {"x"}


def test_a_string_behind_a_docstring_does_not_become_one() -> None:
    scope: dict[str, Any] = {}

    exec(compile_without(b"'The module.'\n'More.'\ndef f():\n    'A doc.'\n    'More.'\n", "x"), scope)

    assert (scope.get("__doc__"), scope["f"].__doc__) == (None, None)


def test_of_the_user_and_of_dependencies_nothing_is_taken_out(project: Project, index: Wheelhouse) -> None:
    source = '"""A doc."""\n\ndef f(a: int) -> str:\n    return str(a)\n'
    index.wheel("pure", files={"pure/__init__.py": source})
    project.write("requirements.txt", "pure")
    project.write("own.py", source)

    with zipfile.ZipFile(project.bundle(target=HOST).code.archive) as archive:
        for name, place in (("own", ""), ("__init__", "pure/")):
            assert archive.read(f"{place}{name}.py").decode() == source
            code = marshal.loads(archive.read(f"{place}__pycache__/{name}.{HOST.cache_tag}.pyc")[16:])
            scope: dict[str, Any] = {}
            exec(code, scope)
            assert scope["__doc__"] == "A doc."
            assert scope["f"].__annotations__ == {"a": int, "return": str}
            assert columns(scope["f"].__code__)
        assert not columns(marshal.loads(archive.read("microlambda/runtime/app.pyc")[16:]))


def columns(code: CodeType) -> set[int]:
    return {column for _, _, column, _ in code.co_positions() if column is not None}


def test_the_cache_gives_the_same_bytes_in_parts(project: Project, cache: Path) -> None:
    whole = project.bundle(target=HOST).code.archive.read_bytes()
    for entry in sorted((cache_folder() / "bytecode").rglob("*.pyc"))[::2]:
        entry.unlink()

    assert project.bundle(target=HOST).code.archive.read_bytes() == whole


def test_another_way_to_compile_is_another_input(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(project.root, "dev")
    before = inputs_hash(settings, project.root, HOST)

    monkeypatch.setattr(fingerprint, "compiler_digest", lambda: "another")

    assert inputs_hash(settings, project.root, HOST) != before


def test_under_another_python_the_archive_says_which_one_it_is_for(task: Path) -> None:
    for compiled in (task / "microlambda" / "runtime").rglob("*.pyc"):
        compiled.write_bytes(b"\x01\x02\r\n" + compiled.read_bytes()[4:])
    beside = task / "microlambda" / "__pycache__"
    (beside / f"__init__.{HOST.cache_tag}.pyc").rename(beside / "__init__.cpython-399.pyc")

    done = run(task)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: this archive is packaged for python3.99 and runs under python{HOST.python}. Give the "
        f'function that runtime, or set python = "{HOST.python}" in the settings and package it again.'
    )


def test_an_archive_without_any_bytecode_cache_says_that_it_is_for_another_python(task: Path) -> None:
    for compiled in (task / "microlambda" / "runtime").rglob("*.pyc"):
        compiled.write_bytes(b"\x01\x02\r\n" + compiled.read_bytes()[4:])
    (task / "microlambda" / "__pycache__" / f"__init__.{HOST.cache_tag}.pyc").unlink()

    assert "ImportError: this archive is packaged for another Python and runs under" in run(task).stderr


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_another_python_itself_meets_that_error(task: Path, python: str) -> None:
    interpreter = find_interpreter(Target.for_lambda(python, "x86_64"))
    if python == HOST.python or interpreter is None:
        pytest.skip(f"no python{python} beside the one that runs this")

    assert (
        f"packaged for python{HOST.python} and runs under python{python}. " in run(task, interpreter).stderr
    )


def test_any_other_import_error_stays_what_it_is(task: Path) -> None:
    (task / "microlambda" / "runtime" / "app.pyc").unlink()

    assert run(task).stderr.splitlines()[-1] == (
        "ModuleNotFoundError: No module named 'microlambda.runtime.app'"
    )


def test_a_module_of_a_dependency_does_not_hide_a_library_of_the_runtime(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("other", files={"other.py": "", "multipart.py": "theirs = True\n"})
    project.write("requirements.txt", "other")

    present = names(project.bundle(target=HOST).code.archive)

    assert {"other.py", "multipart.pyc"} < set(present)
    assert "multipart.py" not in present


def test_the_code_that_ships_reads_no_annotation_and_no_docstring() -> None:
    """Neither is there on Lambda; but a user's module keeps its own, by which a handler takes one record."""
    of_the_user = {PACKAGE / "runtime" / "registration_options.py": {"__annotations__"}}
    for path in sorted((PACKAGE / "runtime").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            named = getattr(node, "attr", None) or getattr(node, "id", None)
            read = {named} & {"__doc__", "__annotations__", "get_type_hints"}
            assert read <= of_the_user.get(path, set()), path
