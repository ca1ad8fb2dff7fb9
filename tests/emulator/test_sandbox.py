"""Execution environments: timeouts, exits, concurrency, output, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

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
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


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
    with SandboxPool(function(source, timeout=1.5), output=lambda line: None) as pool:
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
    with SandboxPool(function(source), output=lambda line: None) as pool:
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
    pool = SandboxPool(function(source, timeout=60), output=lambda line: started.set())
    answers: list[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(json.loads(pool.invoke(b"{}").payload)["errorType"])
    )
    thread.start()
    assert started.wait(20)

    pool.stop()

    thread.join(20)
    assert answers == ["Runtime.ExitError"]


def test_stop_with_grace_lets_a_call_end(function: MakeSpec) -> None:
    started = threading.Event()
    source = """
        import time
        def handler(event, context):
            print("on it", flush=True)
            time.sleep(0.2)
            return 1
    """
    pool = SandboxPool(function(source), output=lambda line: started.set())
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

    with SandboxPool(function(source), output=lines.append) as pool:
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
    with SandboxPool(function(source), output=lines.append) as pool:
        first = pool.invoke(b"{}")
        second = pool.invoke(b"{}")

    assert first.log == b"at import\none\ntwo\nthree"
    assert second.log == b"one\ntwo\nthree"
    assert lines == [b"at import\n", b"one\n", b"two\n", b"three\n", b"one\n", b"two\n", b"three\n"]


def test_more_output_than_a_pipe_holds_does_not_block(function: MakeSpec) -> None:
    source = "def handler(event, context):\n    print('x' * 3_000_000)\n    print('end')\n"
    with SandboxPool(function(source), output=lambda line: None) as pool:
        invocation = pool.invoke(b"{}")

    assert invocation.function_error is None
    assert invocation.log.endswith(b"x\nend\n")
    assert len(invocation.log) <= 1 << 20


def test_a_result_over_lambdas_limit_is_an_error(function: MakeSpec) -> None:
    with SandboxPool(function("def handler(event, context):\n    return 'x' * 6_300_000\n")) as pool:
        invocation = pool.invoke(b"{}")

    assert json.loads(invocation.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_import_that_takes_too_long_is_ended(function: MakeSpec) -> None:
    sandbox = Sandbox(function("import time; time.sleep(600)"), output=lambda line: None)

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


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE"])
def test_no_configured_variable_can_open_the_way_to_aws(name: str) -> None:
    environment = archive_environment({name: "https://sts.amazonaws.com"}, region="eu-west-1", endpoint=None)

    assert "amazonaws" not in environment[name]
