"""Execution environments: timeouts, exits, concurrency, output, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microlambda.emulator.environment import archive_environment, developer_environment
from microlambda.emulator.sandbox import InitFailed, Sandbox, SandboxPool

from .conftest import MakeSpec

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")

PID = "import os\ndef handler(event, context):\n    return os.getpid()\n"


def gone(pid: int) -> bool:
    """Whether there is no such process any more, waiting a moment for the kernel.

    An orphan that was killed may stay a zombie where the first process of a container collects none.
    """
    for _ in range(2000):
        if not runs(pid):
            return True
        threading.Event().wait(0.005)
    return False


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self/stat").exists():
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended since
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_one_environment_serves_one_call_after_the_other(function: MakeSpec) -> None:
    with SandboxPool(function(PID)) as pool:
        pids = {pool.invoke(b"{}").payload for _ in range(3)}

        assert len(pids) == 1
        assert pool.size == 1


def test_calls_at_once_get_an_environment_each(function: MakeSpec, tmp_path: Path) -> None:
    source = f"""
        import os, pathlib, time
        folder = pathlib.Path({str(tmp_path)!r})
        def handler(event, context):
            (folder / f"{{os.getpid()}}.here").touch()
            while len(list(folder.glob("*.here"))) < 3:
                time.sleep(0.001)
            return os.getpid()
    """
    with SandboxPool(function(source)) as pool:
        answers: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: answers.append(pool.invoke(b"{}").payload)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(set(answers)) == 3
        assert pool.size == 3


def test_the_environment_used_last_is_used_next(function: MakeSpec) -> None:
    with SandboxPool(function(PID)) as pool:
        first, second = pool._acquire(), pool._acquire()
        pool._release(first)
        pool._release(second)

        assert json.loads(pool.invoke(b"{}").payload) == second.pid


def test_no_more_environments_than_allowed_and_calls_wait(function: MakeSpec) -> None:
    with SandboxPool(function(PID), max_size=1) as pool:
        answers: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: answers.append(pool.invoke(b"{}").payload)) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(set(answers)) == 1
        assert len(answers) == 5


def test_a_call_over_its_time_is_killed_with_its_children(function: MakeSpec, tmp_path: Path) -> None:
    source = f"""
        import os, pathlib, subprocess, sys, time
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            pathlib.Path({str(tmp_path / "pids")!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
            print("before the end")
            time.sleep(600)
    """
    with SandboxPool(function(source, timeout=1.5), output=lambda *_: None) as pool:
        invocation = pool.invoke(b"{}", request_id="4c3f-1")

    assert invocation.timed_out
    assert invocation.function_error == "Unhandled"
    assert json.loads(invocation.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: 4c3f-1 Error: Task timed out after 1.50 seconds",
    }
    assert invocation.log == b"before the end\n"
    parent, child = (int(pid) for pid in (tmp_path / "pids").read_text().split())
    assert gone(parent)
    assert gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's children")
@pytest.mark.parametrize(
    ("owns_terminal", "leaves_group"), [(True, False), (False, True)], ids=["our-group", "left-the-group"]
)
def test_a_hung_call_is_killed_with_children_outside_its_group(
    function: MakeSpec, owns_terminal: bool, leaves_group: bool
) -> None:
    source = f"""
        import subprocess, sys, time
        sleeper = "import subprocess as s, sys; s.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", sleeper], start_new_session={leaves_group})
            print(child.pid, flush=True)
            time.sleep(600)
    """
    lines: list[bytes] = []
    spec = function(source, timeout=0.5)
    with SandboxPool(spec, output=lambda line, _: lines.append(line), owns_terminal=owns_terminal) as pool:
        assert pool.invoke(b"{}").timed_out

    assert gone(int(lines[0]))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(1)", "Runtime exited with error: exit status 1"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
    ids=["sys-exit", "sys-exit-0", "os-exit", "killed"],
)
def test_a_handler_that_exits_is_told_as_on_lambda(function: MakeSpec, body: str, reason: str) -> None:
    source = f"""
        import os, sys
        def handler(event, context):
            if event == 'exit': {body}
            return os.getpid()
    """
    with SandboxPool(function(source)) as pool:
        before = pool.invoke(b"{}")
        invocation = pool.invoke(b'"exit"', request_id="4c3f-1")
        after = pool.invoke(b"{}")

    assert json.loads(invocation.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: 4c3f-1 Error: {reason}",
    }
    assert after.function_error is None
    assert after.payload != before.payload


def test_an_environment_that_ended_while_idle_is_replaced(function: MakeSpec) -> None:
    with SandboxPool(function(PID)) as pool:
        pid = json.loads(pool.invoke(b"{}").payload)
        os.kill(pid, 9)
        assert gone(pid)

        assert pool.invoke(b"{}").function_error is None


def test_a_child_that_ends_takes_what_it_started_with_it(function: MakeSpec) -> None:
    source = """
        import os, subprocess, sys
        def handler(event, context):
            print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
            os._exit(0)
    """
    with SandboxPool(function(source), output=lambda *_: None) as pool:
        invocation = pool.invoke(b"{}")

        assert gone(int(invocation.log))


def test_stop_leaves_no_process_and_no_zombie(function: MakeSpec) -> None:
    pool = SandboxPool(function(PID))
    pid = json.loads(pool.invoke(b"{}").payload)

    pool.stop()
    pool.stop()

    assert gone(pid)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    assert json.loads(pool.invoke(b"{}").payload)["errorType"] == "Runtime.ExitError"


def test_stop_ends_a_call_that_is_on_its_way(function: MakeSpec) -> None:
    started = threading.Event()
    source = (
        "import time\ndef handler(event, context):\n    print('on it', flush=True)\n    time.sleep(600)\n"
    )
    pool = SandboxPool(function(source, timeout=60), output=lambda *_: started.set())
    answers: list[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(json.loads(pool.invoke(b"{}").payload)["errorType"])
    )
    thread.start()
    assert started.wait(20)

    pool.stop()

    thread.join(20)
    assert answers == ["Runtime.ExitError"]


def test_stop_waits_for_a_child_that_is_being_started_and_ends_it(
    function: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(function("import time; time.sleep(600)"), output=lambda *_: None)
    left: list[bool] = []
    stopped = threading.Event()

    def stop() -> None:
        sandbox.stop()
        left.append(sandbox.pid is None or runs(sandbox.pid))
        stopped.set()

    stopper = threading.Thread(target=stop)
    real = subprocess.Popen

    def popen(*args: Any, **named: Any) -> Any:
        stopper.start()
        assert not stopped.wait(0.1)
        return real(*args, **named)

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(InitFailed):
        sandbox.start()

    stopper.join(20)
    assert left == [False]


def test_an_interrupt_while_a_child_is_waited_for_ends_it(function: MakeSpec) -> None:
    lines: list[bytes] = []

    def output(line: bytes, _request_id: str | None) -> None:
        lines.append(line)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    pool = SandboxPool(
        function("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"), output=output
    )

    with pytest.raises(KeyboardInterrupt):
        pool.start()

    assert gone(int(lines[0]))
    assert pool.size == 0


def test_what_was_stopped_starts_no_child(function: MakeSpec) -> None:
    sandbox = Sandbox(function(PID))
    sandbox.stop()

    with pytest.raises(InitFailed, match="have been stopped"):
        sandbox.start()

    assert sandbox.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a file choose its signal")
@pytest.mark.parametrize("owns_terminal", [False, True], ids=["own-group", "our-group"])
def test_a_parent_that_is_killed_takes_a_hanging_handler_with_it(
    function: MakeSpec, tmp_path: Path, owns_terminal: bool
) -> None:
    source = """
        import os, subprocess, sys, time
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            print(os.getpid(), child.pid, flush=True)
            time.sleep(600)
    """
    spec = function(source)
    program = f"""
import pathlib, threading
from microlambda.emulator.sandbox import FunctionSpec, SandboxPool
PosixPath = pathlib.PosixPath
spec = FunctionSpec(**{ {name: getattr(spec, name) for name in spec.__dataclass_fields__}!r})
pool = SandboxPool(spec, owns_terminal={owns_terminal})
# The thread that starts the child ends before the handler is called: that may not end the child.
starter = threading.Thread(target=pool.start)
starter.start()
starter.join()
pool.invoke(b"{{}}")
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    child, grandchild = (int(pid) for pid in parent.stdout.readline().split())
    assert runs(child)

    parent.kill()
    parent.wait(20)
    parent.stdout.close()

    try:
        assert gone(child)
        assert owns_terminal or gone(grandchild)
    finally:
        for pid in (child, grandchild):
            if runs(pid):
                os.kill(pid, 9)


def test_a_stopped_environment_leaves_no_file_open(function: MakeSpec) -> None:
    def stopped() -> int:
        with SandboxPool(function(PID), output=lambda *_: None) as pool:
            pool.invoke(b"{}")
        return len(os.listdir("/dev/fd"))  # noqa: PTH208

    assert stopped() == stopped()


def test_stop_with_grace_lets_a_call_end(function: MakeSpec) -> None:
    started = threading.Event()
    source = """
        import time
        def handler(event, context):
            print("on it", flush=True)
            time.sleep(0.2)
            return 1
    """
    pool = SandboxPool(function(source), output=lambda *_: started.set())
    answers: list[bytes] = []
    thread = threading.Thread(target=lambda: answers.append(pool.invoke(b"{}").payload))
    thread.start()
    assert started.wait(20)

    pool.stop(grace=20)

    thread.join(20)
    assert answers == [b"1"]


def test_an_unfinished_line_belongs_to_the_invocation_that_printed_it(function: MakeSpec) -> None:
    # AWS's client ends a logged traceback without a newline: its last line must not wait for the next event.
    source = """
        import sys
        def handler(event, context):
            sys.stdout.write("KeyError: 'x'")
    """
    lines: list[bytes] = []

    with SandboxPool(function(source), output=lambda line, _: lines.append(line)) as pool:
        logs = [pool.invoke(b"{}").log for _ in range(2)]

    assert lines == [b"KeyError: 'x'\n"] * 2
    assert logs == [b"KeyError: 'x'"] * 2


def test_output_comes_line_by_line_and_with_the_invocation(function: MakeSpec) -> None:
    source = """
        import sys
        print("at import")
        def handler(event, context):
            print("one"); print("two", file=sys.stderr); sys.stdout.write("three")
    """
    lines: list[bytes] = []
    with SandboxPool(function(source), output=lambda line, _: lines.append(line)) as pool:
        first = pool.invoke(b"{}")
        second = pool.invoke(b"{}")

    assert first.log == b"at import\none\ntwo\nthree"
    assert second.log == b"one\ntwo\nthree"
    assert lines == [b"at import\n", b"one\n", b"two\n", b"three\n", b"one\n", b"two\n", b"three\n"]


def test_more_output_than_a_pipe_holds_does_not_block(function: MakeSpec) -> None:
    source = "def handler(event, context):\n    print('x' * 3_000_000)\n    print('end')\n"
    with SandboxPool(function(source), output=lambda *_: None) as pool:
        invocation = pool.invoke(b"{}")

    assert invocation.function_error is None
    assert invocation.log.endswith(b"x\nend\n")
    assert len(invocation.log) <= 1 << 20


def test_a_result_over_lambdas_limit_is_an_error(function: MakeSpec) -> None:
    with SandboxPool(function("def handler(event, context):\n    return 'x' * 6_300_000\n")) as pool:
        invocation = pool.invoke(b"{}")

    assert json.loads(invocation.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_import_that_takes_too_long_is_ended(function: MakeSpec) -> None:
    sandbox = Sandbox(function("import time; time.sleep(600)"), output=lambda *_: None)

    with pytest.raises(InitFailed) as caught:
        sandbox.start(timeout=0.3)

    assert caught.value.invocation.timed_out
    assert sandbox.pid is not None
    assert gone(sandbox.pid)


def test_a_command_that_does_not_exist_leaves_nothing_open(function: MakeSpec) -> None:
    spec = replace(function(PID), command=("/nonexistent/python",))

    with pytest.raises(FileNotFoundError):
        Sandbox(spec).start()


def test_the_report_of_the_local_child_is_handed_up(function: MakeSpec) -> None:
    source = f"""
        import os, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from microlambda.emulator import runtime_client
        connection = runtime_client.Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        runtime_client.report_ready(connection, {{"name": "demo"}})
        runtime_client.serve(lambda event, context: event, connection)
    """
    spec = function(source)
    with SandboxPool(replace(spec, command=(sys.executable, "app.py"))) as pool:
        assert pool.start() == {"name": "demo"}
        assert pool.invoke(b"7").payload == b"7"


def test_a_child_that_owns_the_terminal_stays_in_our_group(function: MakeSpec) -> None:
    source = "import os\ndef handler(event, context):\n    return os.getpgid(0)\n"
    with SandboxPool(function(source), owns_terminal=True) as pool:
        invocation = pool.invoke(b"{}")

        assert json.loads(invocation.payload) == os.getpgid(0)


SECRETS = {
    "HOME": "/home/dev",
    "PATH": "/bin",
    "GITHUB_TOKEN": "secret",
    "AWS_PROFILE": "prod",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "NO_PROXY": "corp.example",
}


def test_the_archives_environment_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    environment = archive_environment(
        {"TABLE": "orders"}, region="eu-west-1", endpoint="http://127.0.0.1:5000"
    )

    assert environment["TABLE"] == "orders"
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "test"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert environment["TZ"] == ":UTC"
    assert not {"HOME", "GITHUB_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & environment.keys()
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in environment


def test_the_local_environment_is_the_developers_without_aws() -> None:
    environment = developer_environment(
        {"TABLE": "orders", "HOME": "/mine"}, region="eu-west-1", inherited=SECRETS
    )

    assert environment["GITHUB_TOKEN"] == "secret"
    assert environment["HOME"] == "/mine"
    assert environment["TABLE"] == "orders"
    assert (
        not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"} & environment.keys()
    )
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["NO_PROXY"] == "corp.example,127.0.0.1,localhost,::1"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"


def archives(configured: dict[str, str]) -> dict[str, str]:
    return archive_environment(configured, region="eu-west-1", endpoint="http://127.0.0.1:5000")


def developers(configured: dict[str, str]) -> dict[str, str]:
    return developer_environment(configured, region="eu-west-1", inherited={"NO_PROXY": "inherited"})


ENVIRONMENTS = pytest.mark.parametrize("environment_of", [archives, developers])


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
)
@ENVIRONMENTS
def test_no_configured_variable_can_open_the_way_to_aws(
    environment_of: Callable[[dict[str, str]], dict[str, str]], name: str
) -> None:
    assert environment_of({name: "configured"}).get(name) != "configured"


@pytest.mark.parametrize(
    "name",
    [
        "AWS_LAMBDA_EXEC_WRAPPER",
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "http_proxy",
    ],
)
@ENVIRONMENTS
def test_other_configured_variables_stay(
    environment_of: Callable[[dict[str, str]], dict[str, str]], name: str
) -> None:
    assert environment_of({name: "configured"})[name] == "configured"


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({"NO_PROXY": "corp.example"}, "corp.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "corp.example"}, "corp.example,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "*"}, "*"),
    ],
    ids=["upper", "lower", "all"],
)
@ENVIRONMENTS
def test_the_way_to_this_machine_needs_no_proxy(
    environment_of: Callable[[dict[str, str]], dict[str, str]], configured: dict[str, str], expected: str
) -> None:
    environment = environment_of(configured)

    assert environment["NO_PROXY"] == environment["no_proxy"] == expected
