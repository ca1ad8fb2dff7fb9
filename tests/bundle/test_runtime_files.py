"""What of the runtime an archive holds: what every app needs, and what a file of the project names."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import microlambda
from microlambda.bundle import fingerprint, runtime_graph
from microlambda.bundle.archive import Entry, names
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.code.sources import Source
from microlambda.bundle.own_code import runtime
from microlambda.bundle.runtime_files import left_out
from microlambda.bundle.runtime_graph import graph_of, module_of, read_graph
from microlambda.bundle.target import Target
from microlambda.emulator.events import sqs, websocket
from microlambda.project.settings import load_settings
from microlambda.runtime.event_decorators import EventDecorators
from microlambda.runtime.registration import EVENT_DECORATORS
from tests.bundle.conftest import APP, inputs_hash
from tests.test_layers import imports

if TYPE_CHECKING:
    from tests.bundle.conftest import Project, Wheelhouse

HOST = Target.for_host()
PACKAGE = Path(microlambda.__file__).parent
RUNTIME = PACKAGE / "runtime"
EVENTS = Path(__file__).parent.parent / "runtime" / "events"

#: What the runtime and its library may take in the archive of an app with routes and a queue, and what the
#: queue may add, in bytes. An app of routes alone has its test in test_bundle.py.
WITH_A_QUEUE = 230_000
A_QUEUE = 40_000

#: The runtime's modules that no app needs but by a name.
FOLDERS = ("microlambda/runtime/events/", "microlambda/runtime/triggers/", "microlambda/runtime/auth/")

QUEUE = """
from microlambda import SQSEvent

from app import app


@app.on_sqs_message(queue="orders")
def take(event: SQSEvent):
    app.config["bodies"] = [record.body for record in event]
"""

RUN = """
import json, os, sys
sys.path.insert(0, {archive!r})
os.environ["MICROLAMBDA_APP"] = "app:app"
from microlambda.runtime.entry import handler
answer = handler(json.load(sys.stdin), None)
from app import app
print(json.dumps([answer, app.config]))
"""


def run(archive: Path, event: object = None) -> subprocess.CompletedProcess[str]:
    """Answer an event in a process that has the archive and the standard library alone."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN.format(archive=str(archive))],
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
    )


def modules_of(archive: Path) -> set[str]:
    """List the runtime's modules in an archive of bytecode, as `events.sqs`."""
    shipped = {module_of(name.removesuffix("c")) for name in names(archive) if name.endswith(".pyc")}
    return {name for name in shipped if name is not None}


@cache
def whole_runtime() -> tuple[Entry, ...]:
    """The runtime, and an empty module in the place of each that its decorators and its face name in vain."""
    paths = [PACKAGE / "__init__.py", *sorted(RUNTIME.rglob("*.py"))]
    entries = {path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in paths}
    wanted = {home for homes in (microlambda._HOME.values(),) for home in homes}
    wanted |= {module for decorator in EVENT_DECORATORS.split() for module in imported_by(decorator)}
    for module in wanted:
        path = f"microlambda/runtime/{module.replace('.', '/')}"
        if f"{path}/__init__.py" not in entries:
            entries.setdefault(f"{path}.py", b"")
    return tuple(Entry(name=name, content=content) for name, content in sorted(entries.items()))


def imported_by(decorator: str) -> set[str]:
    """What a decorator's own code imports of the runtime, as Python compiled it."""
    method = vars(EventDecorators)[decorator].__wrapped__
    found = {name for name in method.__code__.co_names if name.split(".")[0] in ("triggers", "tasks")}
    assert found, f"{decorator} makes no trigger"
    return found


def shipped(tmp_path: Path, *texts: str, name: str = "part.py") -> set[str]:
    """The runtime's modules that ship with a project of these files."""
    sources = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.py"
        path.write_text(text, encoding="utf-8")
        sources.append(Source(name=name, path=path, is_executable=False))
    dropped = left_out(whole_runtime(), sources)
    kept = {module_of(entry.name) for entry in whole_runtime() if entry.name not in dropped}
    return {module for module in kept if module is not None}


def test_a_project_of_routes_ships_no_source_of_events(project: Project) -> None:
    archive = project.bundle(target=HOST).code.archive

    present = modules_of(archive)
    assert {"app", "dispatch.sources", "http.request", "ingress.rest_api"} < present
    assert [name for name in names(archive) if name.startswith(FOLDERS)] == [
        "microlambda/runtime/events/__init__.pyc"
    ]
    assert not present & {"event_decorators", "dispatch.handler", "tasks", "websocket", "blueprint"}
    # That it has no handler of an event, it can say.
    done = run(archive, sqs.build())
    assert "UnknownEvent: this event of sqs" in done.stderr
    assert "The app declares no handler of such events." in done.stderr


def test_a_decorator_in_another_module_brings_its_source_and_what_that_needs(project: Project) -> None:
    project.write("app.py", f"{APP}\nimport queues\n")
    project.write("queues.py", QUEUE)

    archive = project.bundle(target=HOST).code.archive

    assert {"triggers.sqs", "events.sqs", "events.sns", "events.s3", "dispatch.records"} < modules_of(archive)
    assert not modules_of(archive) & {"triggers.kafka", "events.kafka", "tasks", "websocket"}
    done = run(archive, sqs.build(messages=["one", "two"]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [None, {"bodies": ["one", "two"]}]


@pytest.mark.parametrize("decorator", EVENT_DECORATORS.split())
def test_each_decorator_brings_what_it_imports(decorator: str, tmp_path: Path) -> None:
    present = shipped(tmp_path, f"from app import app\n\n@app.{decorator}('x')\ndef f(event): ...\n")

    assert imported_by(decorator) <= present
    assert {"event_decorators", "dispatch.handler", "dispatch.records"} < present
    assert unresolved(present) == set()


def unresolved(present: set[str]) -> set[tuple[str, str]]:
    """What modules import and lack, decorators aside; the imports are those that the layers' test reads."""
    lacking = set()
    known = {name for entry in whole_runtime() if (name := module_of(entry.name)) is not None}
    gates = {
        "app": {"websocket", "blueprint", "dispatch.handler", "secret_values", "auth", "mounts"}
        | {"mounts.websockets"},
        "registration_options": {"auth"},
        "dispatch.protection": {"auth"},
        "entry": {"bare"},
        "event_decorators": known,
    }
    for module in present:
        path = RUNTIME.joinpath(*module.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if not path.exists():
            continue  # a stub
        for name in imports(path, f"runtime.{module}".rstrip(".")):
            imported = name.removeprefix("microlambda.runtime.")
            if imported in known - present - gates.get(module, set()):
                lacking.add((module, imported))
    return lacking


def test_that_judge_sees_what_lacks(tmp_path: Path) -> None:
    present = shipped(tmp_path, "app.on_sqs_message")

    assert unresolved(present) == set()
    assert ("events.sqs", "events.s3") in unresolved(present - {"events.s3"})


@pytest.mark.parametrize(
    "name", [name for name, home in microlambda._HOME.items() if runtime_graph.is_optional(home)]
)
def test_each_public_name_brings_its_module(name: str, tmp_path: Path) -> None:
    present = shipped(tmp_path, f"from microlambda import App, {name}\n")

    assert microlambda._HOME[name] in present
    assert unresolved(present) == set()


SQS = {"triggers.sqs", "events.sqs"}

#: How a project may name what it needs, and the modules that ship for it.
NAMED = {
    "decorator": ("@app.on_sqs_message(queue='a')", SQS),
    "on-the-next-line": ("(app\n    .on_sqs_message(queue='a'))", SQS),
    "behind-a-backslash": ("x = app. \\\n    on_sqs_message", SQS),
    "by-getattr": ("getattr(app, 'on_sqs_message')", SQS),
    "by-part-of-its-name": ('getattr(app, f"on_{source}_message")', SQS | {"triggers.kafka"}),
    "in-a-comment": ("# app.on_sqs_message", SQS),
    "alias-of-a-decorator": ("@app.on_cw_event({'source': ['shop']})", {"triggers.eventbridge"}),
    "short-name": ("@app.on(lambda event: True)", {"triggers.custom"}),
    "annotation-in-quotes": ("def f(event: 'SQSEvent'): ...", {"events.sqs"}),
    "class-in-parentheses": (
        "from microlambda import (  # noqa (all of these)\n    App,\n    SQSEvent as E,\n)",
        {"events.sqs"},
    ),
    "class-behind-a-backslash": ("from microlambda import App, \\\r\n    SQSEvent", {"events.sqs"}),
    "class-of-the-package": ("import microlambda as m\nE = m.SQSEvent", {"events.sqs"}),
    "module": ("from microlambda.runtime.events.sqs import SQSEvent", {"events.sqs"}),
    "module-of-a-package": ("from microlambda.runtime.events import sqs as s", {"events.sqs"}),
    "module-in-text": ("import_module('microlambda.runtime.events.sqs')", {"events.sqs"}),
    "member-of-app": ("app.websocket.send('1', 'x')", {"websocket"}),
    "mount": ("app.mount('/', print)", {"mounts", "mounts.wsgi", "mounts.manage"}),
    "mount-of-websockets": (
        "app.mount_websocket('/ws', api)",
        {"mounts.websockets", "mounts.lifespan", "triggers.websocket", "websocket", "dispatch.handler"},
    ),
    "blueprint": ("from microlambda import Blueprint", {"blueprint"}),
    "session": ("from microlambda import session", {"sessions", "session_json"}),
    "authorizer": (
        "@app.authorizer()\ndef check(request): ...",
        {"auth", "auth.authorizers", "auth.responses", "triggers.authorizer", "events.authorizer"},
    ),
    "authorizer-of-aws": ("from microlambda import IAMAuthorizer", {"auth", "auth.authorizers"}),
    "secret": ("key = app.secret('shop/key')", {"secret_values"}),
    "not-python-any-more": ("@app.on_sqs_message(queue=", SQS),
    "latin-1": ("# -*- coding: latin-1 -*-\n# é\n@app.on_sqs_message('a')", SQS),
}


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*given, id=name) for name, given in NAMED.items()]
)
def test_a_name_counts_however_it_is_written(text: str, expected: set[str], tmp_path: Path) -> None:
    assert expected <= shipped(tmp_path, text)


#: Words that stand in many a file and name nothing of ours.
PROSE = {
    "comment": "# On a task the schedule depends: at noon, on SQSEvent and on_sqs_message. Cron too.",
    "own-names": "def task(schedule, on):\n    At = Rate = 1\n    return schedule\n",
    "other-import": "from asyncio import Task\nfrom shop import microlambda_tasks as SQSEvent\n",
    "longer-name": "app.on_sqs_messages\nx = 'schedules'",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in PROSE.items()])
def test_a_word_that_only_looks_like_one_brings_nothing(text: str, tmp_path: Path) -> None:
    assert shipped(tmp_path, text) == shipped(tmp_path)


ALL = {
    "star-import": ("from microlambda import *\n", "part.py"),
    "star-import-in-parentheses": ("from  microlambda  import(*)\n", "part.py"),
    "compiled-module": ("\0\0microlambda\0", "part.cpython-313-x86_64-linux-gnu.so"),
    "bytecode": ("\0\0microlambda\0", "part.pyc"),
}


@pytest.mark.parametrize(("text", "name"), [pytest.param(*given, id=name) for name, given in ALL.items()])
def test_where_nothing_can_be_told_everything_ships(text: str, name: str, tmp_path: Path) -> None:
    present = shipped(tmp_path, text, name=name)

    assert present == {module_of(entry.name) for entry in whole_runtime()} - {None}


def test_a_compiled_module_that_does_not_use_us_brings_nothing(tmp_path: Path) -> None:
    assert shipped(tmp_path, "\0numpy\0", name="part.so") == shipped(tmp_path)


#: A dependency that may use any part of ours: its files, and what it requires.
USERS = {
    "says-so": ({"shared/__init__.py": ""}, ["microlambda>=0.1"]),
    "says-so-for-an-extra": ({"shared/__init__.py": ""}, ["microlambda ; extra == 'aws'"]),
    "imports-us-alone": ({"shared/__init__.py": "def f():\n    import microlambda\n"}, []),
}


@pytest.mark.parametrize(
    ("files", "requires"), [pytest.param(*given, id=name) for name, given in USERS.items()]
)
def test_with_a_dependency_that_uses_us_everything_ships(
    files: dict[str, str], requires: list[str], project: Project, index: Wheelhouse
) -> None:
    index.wheel("microlambda", "0.1")
    index.wheel("shared", files=files, requires=requires)
    project.write("requirements.txt", "shared")

    first, again = (modules_of(project.bundle(target=HOST, resolver="uv").code.archive) for _ in range(2))

    assert first == again == {module_of(entry.name) for entry in runtime()} - {None}


def test_a_dependency_that_has_nothing_to_do_with_us_brings_nothing(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure", files={"pure/__init__.py": "class SQSEvent: ...\nx.on_sqs_message\n"})
    project.write("requirements.txt", "pure")

    assert "triggers.sqs" not in modules_of(project.bundle(target=HOST, resolver="uv").code.archive)


BARE = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"bare"]


"""


def test_what_stands_in_the_place_of_an_app_brings_what_wraps_it(project: Project) -> None:
    project.write("app.py", BARE)

    archive = project.bundle(target=HOST).code.archive

    assert {"bare", "mounts", "mounts.wsgi"} <= modules_of(archive)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN_BARE.format(archive=str(archive))],
        input=(EVENTS / "http-api.json").read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, json.loads(done.stdout)["body"]) == ("", "bare")


RUN_BARE = """
import json, os, sys
sys.path.insert(0, {archive!r})
os.environ["MICROLAMBDA_APP"] = "app:application"
from microlambda.runtime.entry import handler
print(json.dumps(handler(json.load(sys.stdin), None)))
"""


SOCKET = """
from microlambda import App


async def serve(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        while (await receive())["type"] != "websocket.disconnect":
            pass


app = App("shop")
app.mount_websocket("/ws", serve)
"""


def test_an_application_for_the_websocket_api_brings_all_that_serves_it(project: Project) -> None:
    project.write("app.py", SOCKET)

    archive = project.bundle(target=HOST).code.archive

    assert not {"triggers.sqs", "tasks"} & modules_of(archive)
    done = run(archive, websocket.build(headers={"Sec-WebSocket-Protocol": "v2, v1"}))
    assert done.stderr == ""
    assert json.loads(done.stdout)[0] == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "v2"}}


def test_an_app_does_not_bring_it(project: Project) -> None:
    archive = project.bundle(target=HOST).code.archive

    assert not {"bare", "mounts", "mounts.wsgi"} & modules_of(archive)


def test_the_module_that_counts_is_the_apps_own_and_not_its_package(project: Project) -> None:
    project.write("shop/__init__.py", APP)
    project.write("shop/web.py", BARE)
    project.write("bare/__init__.py", BARE)
    project.write("bare/web.py", APP)

    bare = project.bundle(target=HOST, module="shop.web").code.archive
    assert "bare" in modules_of(bare)
    app = project.bundle(target=HOST, module="bare.web").code.archive
    assert "bare" not in modules_of(app)


@pytest.mark.parametrize("comment", ["", "# microlambda.runtime.bare"])
def test_an_application_that_an_app_hides_is_told_how_to_ship(project: Project, comment: str) -> None:
    hidden = "exec('def application(environ, start_response): ...')\n"  # from whoever reads the text
    project.write("app.py", f"{APP}\n{hidden}{comment}\n")
    archive = project.bundle(target=HOST).code.archive

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN_BARE.format(archive=str(archive))],
        input='{"microlambda": {"check": 1}}',
        capture_output=True,
        text=True,
        check=False,
    )

    if comment:
        assert (done.stderr, done.stdout) == ("", '{"microlambda": {"check": 1}}\n')
    else:
        assert "app has no App called 'application', which MICROLAMBDA_APP names" in done.stderr
        assert "write microlambda.runtime.bare in a comment there" in done.stderr


def test_whether_an_application_is_bare_is_part_of_the_inputs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(project.root, "dev")
    before = inputs_hash(settings, project.root, HOST)

    monkeypatch.setattr("microlambda.bundle.code.sources.is_app_alone", lambda path: False)

    assert inputs_hash(settings, project.root, HOST) != before


LED_TO = tuple(f"microlambda/runtime/{one}" for one in ("tasks", "websocket", "mounts", "bare"))


def test_every_optional_module_is_led_to_by_a_name() -> None:
    graph = read_graph(whole_runtime())

    assert set(graph.optional) == {
        name
        for entry in whole_runtime()
        if (name := module_of(entry.name)) is not None
        and (
            entry.name.startswith((*FOLDERS, *LED_TO))
            or name in ("event_decorators", "dispatch.handler", "dispatch.records", "ingress.websocket")
            or name in ("blueprint", "sessions", "session_json", "secret_values", "auth")
        )
    }
    by_a_name = {module for modules in graph.names.values() for module in modules}
    assert set(graph.optional) == by_a_name | {runtime_graph.BARE}
    assert set(EVENT_DECORATORS.split()) <= graph.names.keys()


def test_nothing_loads_an_optional_module_by_a_name_that_no_file_has() -> None:
    """What the graph cannot see: imports by text, and the runtime's own use of what is lent by a name."""
    members = {name for name in read_graph(whole_runtime()).names if name.islower()}
    members -= {"authorizer"}  # of a rule, which has one where a name brought it
    for path in sorted(RUNTIME.rglob("*.py")):
        text = path.read_text()
        assert "__import__" not in text, path
        assert "import_module" not in text or path.name in ("late.py", "entry.py"), path
        if not runtime_graph.is_optional(module_of(path.relative_to(PACKAGE.parent).as_posix()) or ""):
            used = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
            assert not used & members, path


def synthetic(**modules: str) -> tuple[Entry, ...]:
    files = {"microlambda/__init__.py": modules.pop("face", "_HOME = {}")}
    files |= {f"microlambda/runtime/{name.replace('__', '/')}.py": text for name, text in modules.items()}
    return tuple(Entry(name=name, content=text.encode()) for name, text in files.items())


def test_the_graph_is_read_from_the_code() -> None:
    graph = read_graph(
        synthetic(
            face="_HOME = {'AEvent': 'events.a', 'Core': 'app'}",
            app="class App:\n"
            "    def websocket(self):\n        from .websocket import Socket\n"
            "    def _add(self):\n        from .dispatch import handler\n"
            "        from .events.always import x\n",
            websocket="import microlambda.runtime.events.c\n",
            dispatch__handler="",
            event_decorators="TYPE_CHECKING = False\n"
            "class EventDecorators:\n"
            "    if TYPE_CHECKING:\n        from .triggers.never import y\n"
            "    else:\n        def on_b(self):\n            from .triggers import b\n"
            "    def on_a(self):\n        from .triggers.a import A\n"
            "    on_z = on_a\n"
            "    def _help(self):\n        from .triggers.shared import s\n",
            triggers__a="from ..events.a import AEvent\n",
            triggers__b="",
            triggers__shared="",
            triggers__never="",
            events__a="def f():\n    from microlambda.runtime.events import c\n",
            events__always="",
            events__c="TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from .a import AEvent\n",
        )
    )

    handlers = ("dispatch.handler", "event_decorators", "triggers.shared")
    on_a = tuple(sorted((*handlers, "events.a", "events.c", "triggers.a")))
    assert graph.always == ("events.always",)
    assert graph.names == {
        "AEvent": ("events.a", "events.c"),
        "on_a": on_a,
        "on_b": tuple(sorted((*handlers, "triggers.b"))),
        "on_z": on_a,
        "websocket": ("events.c", "websocket"),
    }
    assert graph.modules["triggers.never"] == ("triggers.never",)


def test_the_graph_is_kept_and_made_anew_where_it_is_damaged(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = synthetic(events__a="", face="_HOME = {'AEvent': 'events.a'}")
    made = graph_of(runtime)
    kept = next((cache_folder() / "runtime").iterdir())

    for content in (b"", b"[]", b'{"optional": null}'):
        kept.write_bytes(content)
        graph_of.cache_clear()
        assert graph_of(runtime) == made
    graph_of.cache_clear()
    monkeypatch.setattr(runtime_graph, "read_graph", lambda runtime: pytest.fail("it was parsed again"))
    assert graph_of(runtime) == made


def test_what_is_left_out_is_part_of_the_inputs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(project.root, "dev")
    before = inputs_hash(settings, project.root, HOST)

    assert inputs_hash(settings, project.root, HOST) == before
    monkeypatch.setattr(fingerprint, "left_out", lambda runtime, sources, **_: frozenset())
    assert inputs_hash(settings, project.root, HOST) != before


#: What reaches a part of ours by a name that no file has, and how the error calls it.
HIDDEN = {
    "decorator": ("getattr(app, 'o' + 'n_sqs_message')", "app.on_sqs_message"),
    "decorator-beside-another": (
        "@app.on_kinesis_record(stream='a')\ndef f(event): ...\n"
        "getattr(app, 'o' + 'n_sqs_message')(queue='a')",
        "app.on_sqs_message",
    ),
    "class": ("import microlambda\ngetattr(microlambda, 'S' + 'QSEvent')", "microlambda.SQSEvent"),
}


@pytest.mark.parametrize(("text", "name"), [pytest.param(*given, id=name) for name, given in HIDDEN.items()])
def test_what_no_file_names_is_a_clear_error(text: str, name: str, project: Project) -> None:
    project.write("app.py", f"{APP}\n{text}\n")

    said = run(project.bundle(target=HOST).code.archive).stderr.splitlines()

    assert said[-1].startswith(
        f"ImportError: {name} is not in this archive, which holds of the runtime what every app needs and "
        f"what a file of the project names. Write {name} in one of them, in a comment if the name is put "
        "together at run time, and package the app again. ("
    )
    line = f"{APP}\n{text}".count("\n") + 1
    assert said[-1].endswith(f"/app.py, line {line})")


def test_the_remedy_of_that_error_helps(project: Project) -> None:
    text, name = HIDDEN["decorator"]
    project.write("app.py", f"{APP}\n{text}(queue='orders')(print)  # {name}\n")

    assert run(project.bundle(target=HOST).code.archive, sqs.build()).returncode == 0


def test_an_import_error_of_another_kind_is_not_explained_away(project: Project) -> None:
    hidden = "import importlib\nimportlib.import_module('no' + 'where')\n"  # from whoever follows imports
    project.write("app.py", f"from microlambda import App\n{hidden}")

    assert "No module named 'nowhere'" in run(project.bundle(target=HOST).code.archive).stderr


def size_of_ours(archive: Path) -> int:
    """What the runtime and its library take in an archive, in bytes."""
    with zipfile.ZipFile(archive) as opened:
        return sum(
            entry.compress_size
            for entry in opened.infolist()
            if entry.filename.startswith(("microlambda/", "multipart"))
        )


def test_a_source_of_events_adds_little_to_the_archive(project: Project) -> None:
    before = size_of_ours(project.bundle(target=HOST).code.archive)
    project.write("queues.py", QUEUE)

    after = size_of_ours(project.bundle(target=HOST).code.archive)

    assert before + 10_000 < after <= min(before + A_QUEUE, WITH_A_QUEUE)


def test_the_choice_is_the_same_in_any_order_of_files(project: Project) -> None:
    project.write("queues.py", QUEUE)
    project.write("a.py", "# app.schedule")
    first = project.bundle(target=HOST).code.archive.read_bytes()
    entries: tuple[Any, ...] = runtime()

    graph_of.cache_clear()

    assert project.bundle(target=HOST).code.archive.read_bytes() == first
    assert left_out(entries, ()) == left_out(tuple(entries), iter(()))
