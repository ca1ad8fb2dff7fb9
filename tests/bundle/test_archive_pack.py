"""A folder of dependencies made into an archive: compiled, compressed and written in one go."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from microlambda.bundle import compiler, pack
from microlambda.bundle.compiler import Compiler, Module, Problem, compile_modules, compilers_begun
from microlambda.bundle.errors import BundleError
from microlambda.bundle.pack import ArchiveFacts, Entries, Packing, make_archive
from microlambda.bundle.processors import processors
from microlambda.bundle.target import Target

HOST = Target.for_host()
LAYER = {"prefix": "python/", "task_root": "/opt/python"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "shop/__init__.py": "from shop.price import price\n",
        "shop/price.py": "import enum\n\ndef price(n):\n    return {1, 2, n}\n",
        "shop/template.py": "print 'of another Python'\n",
        "shop/data.txt": "x" * 1000,
        "run.sh": "#!/bin/sh\n",
    }
    folder = tmp_path / "site"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "run.sh").chmod(0o755)
    return folder


def make(site: Path, interpreter: str | None = sys.executable, **options: str) -> ArchiveFacts:
    path = site.parent / "made.zip"
    return make_archive(site, path, target=HOST, interpreter=interpreter, **options)  # type: ignore[arg-type]  # only texts are given


def test_it_holds_the_files_and_their_bytecode(site: Path) -> None:
    facts = make(site)

    path = site.parent / "made.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        sizes = [info.file_size for info in archive.infolist()]
        assert archive.getinfo("run.sh").external_attr >> 16 == 0o100755
        assert tuple(archive.namelist()) == facts.names
    assert [name for name in facts.names if name.startswith("shop/__pycache__/")] == [
        f"shop/__pycache__/{module}.{HOST.cache_tag}.pyc" for module in ("__init__", "price")
    ]
    assert facts.size == path.stat().st_size
    assert facts.unpacked == sum(sizes)
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.problems.keys() == {"shop/template.py"}
    assert facts.problems["shop/template.py"].line == 1


@pytest.mark.parametrize(
    ("options", "place", "path"),
    [
        pytest.param({}, "", "/var/task/shop/price.py", id="beside the code"),
        pytest.param(LAYER, "python/", "/opt/python/shop/price.py", id="in a layer"),
    ],
)
def test_bytecode_holds_the_path_that_the_file_has_on_lambda(
    site: Path, options: dict[str, str], place: str, path: str
) -> None:
    facts = make(site, **options)

    with zipfile.ZipFile(site.parent / "made.zip") as archive:
        content = archive.read(f"{place}shop/__pycache__/price.{HOST.cache_tag}.pyc")
        source = archive.read(f"{place}shop/price.py")
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert content[4:8] == b"\1\0\0\0"  # PEP 552: a hash that nobody checks
    assert content[8:16] == importlib.util.source_hash(source)
    assert marshal.loads(content[16:]).co_filename == path
    assert "shop/price.py" in facts.names


def test_python_takes_the_bytecode(site: Path) -> None:
    make(site)
    with zipfile.ZipFile(site.parent / "made.zip") as archive:
        archive.extractall(site.parent / "task")
    (site.parent / "task" / "shop" / "price.py").write_text("would not compile(")

    done = subprocess.run(
        [sys.executable, "-S", "-c", "import shop; print(shop.price(3))"],
        cwd=site.parent / "task", capture_output=True, text=True,
    )  # fmt: skip

    assert done.stdout == "{1, 2, 3}\n", done.stderr


def test_the_same_folder_gives_the_same_bytes_however_many_work_on_it(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (site / f"module{number}.py").write_text(f"name = 'module{number}'\nsome = {{'b', 'a', {number}}}\n")
    made = set()
    for count in (1, 3):
        monkeypatch.setattr(pack, "processors", lambda count=count: count)
        monkeypatch.setattr(compiler, "processors", lambda count=count: count)
        made.add(make(site).sha256)

    assert len(made) == 1


def test_bytecode_does_not_depend_on_what_the_process_compiled_before() -> None:
    modules = [
        Module(name=path.name, path=f"/var/task/{path.name}", read=path.read_bytes)
        for path in sorted(Path(os.__file__).parent.glob("[a-b]*.py"))
    ]
    shuffled = random.Random(5).sample(modules, len(modules))

    in_order = {module.name: made for module, made in compile_modules(modules, sys.executable)}
    otherwise = {
        module.name: made for module, made in compile_modules(shuffled[: len(modules) // 2], sys.executable)
    }

    assert otherwise == {name: in_order[name] for name in otherwise}


def test_without_an_interpreter_there_is_no_bytecode(site: Path) -> None:
    facts = make(site, None)

    assert not [name for name in facts.names if name.endswith(".pyc")]
    assert facts.problems == {}


@pytest.mark.parametrize(("word", "found"), [("price", True), ("microlambda", False), ("", False)])
def test_a_word_is_looked_for_meanwhile(site: Path, word: str, found: bool) -> None:
    assert make(site, None, mention=word).mentions is found


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        pytest.param(b"a = 1\nb = (\n", "'(' was never closed", 2, id="syntax"),
        pytest.param(b"# coding: latin-9000\n", "unknown encoding: latin-9000", None, id="encoding"),
        pytest.param(b"a = '\0'", "source code string cannot contain null bytes", None, id="null"),
        pytest.param(b"(" * 5000, "too many nested parentheses", 1, id="nesting"),
    ],
)
def test_what_does_not_compile_says_why(source: bytes, message: str, line: int | None) -> None:
    modules = [
        Module(name="bad.py", path="/var/task/bad.py", read=lambda: source),
        Module(name="good.py", path="/var/task/good.py", read=lambda: b"a = 1"),
    ]

    made = {module.name: result for module, result in compile_modules(modules, sys.executable)}

    assert made["bad.py"] == Problem(message=message, line=line)
    assert isinstance(made["good.py"], bytes)


def test_an_interpreter_that_dies_is_named_with_the_file_and_its_last_words(
    site: Path, tmp_path: Path
) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho no stack left >&2\nexit 3\n")
    interpreter.chmod(0o755)
    for number in range(80):  # more than the pipe to it holds
        (site / f"module{number}.py").write_text("x = 1\n" * 3000)

    with pytest.raises(BundleError, match=r"python failed to compile \S+\.py for the bundle:\nno stack left"):
        make(site, str(interpreter))

    assert not (site.parent / "made.zip").exists()


def test_an_interpreter_that_died_is_told_of_alike_for_every_module(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho no stack left >&2\nexit 3\n")
    interpreter.chmod(0o755)
    modules = [
        Module(name=name, path=f"/var/task/{name}", read=lambda: b"a = 1") for name in ("a.py", "b.py")
    ]

    with Compiler(str(interpreter), is_slim=False) as compiler:
        told = []
        for module in modules:  # two are asked for before the first failure is seen, where threads are quick
            with pytest.raises(BundleError) as caught:
                compiler.compile(module)
            told.append(str(caught.value))

    assert told == [f"{interpreter} failed to compile a.py for the bundle:\nno stack left"] * 2


def test_what_was_begun_and_goes_leaves_nothing_behind(site: Path, tmp_path: Path) -> None:
    library = random.Random(0).randbytes(300_000)
    (site / "shop" / "_fast.so").write_bytes(library + b"needs microlambda")
    (site / "shop" / "_used.so.1").write_bytes(library)
    (site / "shop" / "small.so").write_bytes(b"small")

    with Packing(site, Entries(), "microlambda") as packing:
        packing.begin()
        begun = [*packing._begun]
        (site / "shop" / "_fast.so").unlink()
        facts = packing.write(tmp_path / "begun.zip", HOST, sys.executable)

    assert sorted(begun) == ["shop/_fast.so", "shop/_used.so.1"]
    assert not facts.mentions
    assert facts == make(site, mention="microlambda")
    assert (tmp_path / "begun.zip").read_bytes() == (site.parent / "made.zip").read_bytes()


def test_what_is_installed_again_is_begun_again(site: Path, tmp_path: Path) -> None:
    library = site / "shop" / "_fast.so"
    library.write_bytes(bytes(300_000))

    with Packing(site, Entries()) as packing:
        packing.begin()
        library.unlink()
        library.write_bytes(random.Random(1).randbytes(300_000))
        packing.begin()
        packing.write(tmp_path / "begun.zip", HOST, None)

    with zipfile.ZipFile(tmp_path / "begun.zip") as archive:
        assert archive.read("shop/_fast.so") == library.read_bytes()


def test_compilers_that_run_already_are_used_and_ended() -> None:
    with compilers_begun(sys.executable) as begun:
        running = [*begun()]
        modules = [Module(name="a.py", path="/var/task/a.py", read=lambda: b"a = 1")] * 40
        made = [content for _module, content in compile_modules(modules, "/no/other", running)]

    assert len(made) == 40
    assert [one._process.returncode for one in running] == [0] * processors()
    with compilers_begun(None) as none:
        assert [*none()] == []
