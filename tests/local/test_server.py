"""LocalServer: serving, reloading, and what becomes of requests meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from microlambda.emulator.gateway import INGRESSES
from microlambda.local.server import LocalServer
from microlambda.project.errors import AppImportFailed, SettingsError
from microlambda.runtime.ingress import infer
from tests.local.events import Events

Get = Callable[[str], tuple[int, str]]


class Gate:
    """Lets a test see that a handler has begun, and lets the handler go on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self._connection: socket.socket | None = None

    @property
    def view(self) -> str:
        port = self._listener.getsockname()[1]
        return (
            '\n\n@app.get("/gate")\ndef gate():\n    import socket\n\n'
            f'    with socket.create_connection(("127.0.0.1", {port})) as connection:\n'
            '        connection.recv(1)\n    return "first"\n'
        )

    def wait(self) -> None:
        self._connection, _ = self._listener.accept()

    def open(self) -> None:
        assert self._connection is not None
        self._connection.sendall(b"x")

    def close(self) -> None:
        self._listener.close()
        if self._connection is not None:
            self._connection.close()


@pytest.fixture
def gate(project: Path) -> Iterator[Gate]:
    gate = Gate()
    append(project, gate.view)
    yield gate
    gate.close()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def reloading(project: Path, events: Events) -> Iterator[LocalServer]:
    with LocalServer(project, port=0, reload=True, console=events) as server:
        yield server


def append(project: Path, text: str) -> None:
    with (project / "app.py").open("a") as file:
        file.write(text)


def replace(project: Path, old: str, new: str) -> None:
    (project / "app.py").write_text((project / "app.py").read_text().replace(old, new))


def test_serves_until_the_block_ends(project: Path, get: Get) -> None:
    with LocalServer(project, port=0) as server:
        assert get(f"{server.url}/") == (200, '{"hello":"world"}')
        url = server.url

    with pytest.raises(OSError, match="refused"):
        get(url)


def test_tells_what_it_serves(project: Path) -> None:
    with LocalServer(project, port=0) as server:
        assert (server.report.name, server.report.app) == ("shop", "app:app")
        assert server.report.routes[0] == (("GET",), "/", "index", "app.py:11")
        assert str((project / "app.py").resolve()) in server.report.files


def test_it_is_ready_before_the_console_says_so(project: Path, get: Get) -> None:
    said: list[str] = []

    class Noting:
        def __getattr__(self, name: str) -> Any:
            return lambda *_, **__: said.append(name)

    server = LocalServer(project, port=0, console=Noting())  # type: ignore[arg-type]  # of which all is noted
    try:
        server.start(lambda: said.append(f"ready {get(f'{server.url}/')[0]}"))
    finally:
        server.stop()

    assert said.index("ready 200") < said.index("started")


def test_two_apps_in_one_process(project: Path, get: Get) -> None:
    other = project / "other"
    other.mkdir()
    (other / "web.py").write_text(
        'from microlambda import App\nsite = App("b")\n@site.get("/")\ndef b():\n    return "b"\n'
    )

    with LocalServer(project, port=0) as first, LocalServer(other, "web:site", port=0) as second:
        assert get(f"{first.url}/")[1] == '{"hello":"world"}'
        assert get(f"{second.url}/")[1] == "b"


def test_two_requests_at_once_run_in_two_processes(project: Path, gate: Gate, get: Get) -> None:
    with LocalServer(project, port=0) as server, ThreadPoolExecutor() as pool:
        waiting = pool.submit(get, f"{server.url}/gate")
        gate.wait()

        assert get(f"{server.url}/") == (200, '{"hello":"world"}')
        gate.open()
        assert waiting.result() == (200, "first")


@pytest.mark.parametrize("ingress", sorted(INGRESSES))
def test_the_event_is_the_one_of_the_ingress(project: Path, get: Get, ingress: str) -> None:
    with LocalServer(project, port=0, ingress=ingress) as server:
        event = json.loads(get(f"{server.url}/about")[1])["event"]

    adapter = infer(event)
    assert adapter is not None
    assert adapter.name == ingress


def test_the_ingress_and_the_environment_come_from_the_settings(
    project: Path, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("SHELL_GREETING", "hi")
    (project / "microlambda.toml").write_text(
        'ingress = "rest-api"\n[stages.local.environment]\nGREETING = "${env:SHELL_GREETING}!"\n'
    )

    with LocalServer(project, port=0) as server:
        about = json.loads(get(f"{server.url}/about")[1])

    assert about["event"]["httpMethod"] == "GET"
    assert about["event"]["requestContext"]["stage"] == "local"
    assert about["environ"]["GREETING"] == "hi!"
    assert "AWS_PROFILE" not in about["environ"]
    assert about["environ"]["MICROLAMBDA_APP"] == "app:app"


def test_the_clock_is_lambdas_and_not_the_developers_unless_the_stage_names_another(
    project: Path, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    with LocalServer(project, port=0) as server:
        zone = json.loads(get(f"{server.url}/about")[1])["environ"]["TZ"]
    (project / "microlambda.toml").write_text('environment = { TZ = "Europe/Berlin" }\n')
    with LocalServer(project, port=0) as server:
        named = json.loads(get(f"{server.url}/about")[1])["environ"]["TZ"]

    assert (zone, named) == (":UTC", "Europe/Berlin")


@pytest.mark.parametrize("ingress", ["http-api", "rest-api", "function-url", "alb", "alb-multi-value"])
def test_the_trace_id_is_that_of_the_request(project: Path, get: Get, ingress: str) -> None:
    append(
        project,
        '\n\n@app.get("/trace")\ndef trace():\n    from microlambda import request\n\n'
        '    return [request.headers["X-Amzn-Trace-Id"], os.environ["_X_AMZN_TRACE_ID"]]\n',
    )

    with LocalServer(project, port=0, ingress=ingress) as server:
        header, variable = json.loads(get(f"{server.url}/trace")[1])

    assert header.startswith("Root=1-")
    assert variable == header


def test_the_app_runs_where_its_modules_are(tmp_path: Path, project: Path, get: Get) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (project / "app.py").rename(source / "app.py")

    with LocalServer(tmp_path, port=0) as server:
        about = json.loads(get(f"{server.url}/about")[1])

    assert about["cwd"] == os.path.realpath(source)
    assert about["environ"]["LAMBDA_TASK_ROOT"] == about["cwd"]


def test_a_handler_that_exits_fails_alone(project: Path, events: Events, get: Get) -> None:
    with LocalServer(project, port=0, ingress="rest-api", console=events) as server:
        assert get(f"{server.url}/exit") == (502, '{"message": "Internal server error"}')
        assert get(f"{server.url}/")[0] == 200

    assert "Runtime.ExitError: Runtime exited with error: exit status 3" in events.out.getvalue()


def test_a_handler_that_overruns_its_time_is_ended(project: Path, events: Events, get: Get) -> None:
    (project / "microlambda.toml").write_text("timeout = 1\n")

    with LocalServer(project, port=0, console=events) as server:
        assert get(f"{server.url}/hang") == (500, '{"message":"Internal Server Error"}')
        assert get(f"{server.url}/")[0] == 200

    assert "Sandbox.Timedout: Task timed out after 1.00 seconds" in events.out.getvalue()


def test_a_saved_change_serves_even_within_one_second(
    project: Path, reloading: LocalServer, events: Events, get: Get
) -> None:
    # Of equal length, and within a second: Python itself would take the first one's bytecode for the second.
    replace(project, "world", "first")
    events.reloads.get(timeout=30)
    replace(project, "first", "again")
    events.reloads.get(timeout=30)

    assert get(f"{reloading.url}/") == (200, '{"hello":"again"}')


def test_a_module_in_a_new_folder_is_watched(
    project: Path, reloading: LocalServer, events: Events, get: Get
) -> None:
    (project / "lib").mkdir()
    (project / "lib" / "words.py").write_text('WORD = "one"\n')
    events.reloads.get(timeout=30)
    replace(project, '"world"', "__import__('lib.words').words.WORD")
    events.reloads.get(timeout=30)
    (project / "lib" / "words.py").write_text('WORD = "two"\n')
    events.reloads.get(timeout=30)

    assert get(f"{reloading.url}/") == (200, '{"hello":"two"}')


def test_the_last_good_version_serves_while_the_new_one_fails(
    project: Path, reloading: LocalServer, events: Events, get: Get
) -> None:
    replace(project, 'return {"hello": "world"}', "return (")
    error = events.failures.get(timeout=30)

    assert isinstance(error, AppImportFailed)
    assert str(error).startswith("app.py:13: SyntaxError")
    assert get(f"{reloading.url}/") == (200, '{"hello":"world"}')


def test_requests_at_once_take_turns_while_the_new_version_fails(
    project: Path, gate: Gate, reloading: LocalServer, events: Events, get: Get
) -> None:
    replace(project, 'return {"hello": "world"}', "return (")
    events.failures.get(timeout=30)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(get, f"{reloading.url}/gate")
        gate.wait()
        others = [pool.submit(get, f"{reloading.url}/") for _ in range(4)]
        gate.open()

        # A second process would have started from the broken files.
        assert {future.result()[0] for future in (waiting, *others)} == {200}


def test_changed_settings_serve_too(project: Path, reloading: LocalServer, events: Events, get: Get) -> None:
    (project / "microlambda.toml").write_text('ingress = "rest-apy"\n')
    error = events.failures.get(timeout=30)
    (project / "microlambda.toml").write_text('ingress = "rest-api"\n[environment]\nGREETING = "new"\n')
    events.reloads.get(timeout=30)

    about = json.loads(get(f"{reloading.url}/about")[1])

    assert isinstance(error, SettingsError)
    assert about["environ"]["GREETING"] == "new"
    assert "httpMethod" in about["event"]


def test_a_request_that_was_begun_is_finished_by_its_version(
    project: Path, gate: Gate, events: Events, get: Get
) -> None:
    with (
        LocalServer(project, port=0, reload=True, console=events) as server,
        ThreadPoolExecutor() as pool,
    ):
        waiting = pool.submit(get, f"{server.url}/gate")
        gate.wait()
        replace(project, "world", "again")
        events.reloads.get(timeout=30)

        assert get(f"{server.url}/") == (200, '{"hello":"again"}')
        gate.open()
        assert waiting.result() == (200, "first")


def test_a_start_that_hangs_is_given_up_for_the_next_change(
    project: Path, reloading: LocalServer, events: Events, get: Get
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hanging = f'import socket\nsocket.create_connection(("127.0.0.1", {port})).recv(1)\n'
        source = (project / "app.py").read_text()
        (project / "app.py").write_text(hanging + source)
        connection, _ = listener.accept()
        with connection:
            (project / "app.py").write_text(source.replace("world", "again"))
            events.reloads.get(timeout=30)

    assert get(f"{reloading.url}/") == (200, '{"hello":"again"}')
    assert events.failures.empty()


def test_stop_does_not_wait_for_requests(project: Path, gate: Gate, get: Get) -> None:
    server = LocalServer(project, port=0).start()
    failed: Queue[BaseException | tuple[int, str]] = Queue()

    def ask() -> None:
        try:
            failed.put(get(f"{server.url}/gate"))
        except OSError as exc:
            failed.put(exc)

    thread = threading.Thread(target=ask)
    thread.start()
    gate.wait()

    server.stop()

    thread.join(10)
    assert not thread.is_alive()
    assert failed.get_nowait() != (200, "first")


def test_stop_twice_is_stop_once(project: Path) -> None:
    server = LocalServer(project, port=0).start()

    server.stop()
    server.stop()


def test_a_failed_start_frees_the_port(project: Path) -> None:
    (project / "app.py").write_text("1 / 0\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    for _ in range(2):
        with pytest.raises(AppImportFailed, match=r"app.py:1: ZeroDivisionError"):
            LocalServer(project, port=port).start()


def test_no_start_waits_for_what_only_some_apps_need() -> None:
    heavy = ("microlambda.plan.compile", "microlambda.deploy", "boto3", "moto", "websockets", "dotenv")
    code = f"import sys, microlambda.local.server; print([one for one in {heavy!r} if one in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
