"""Starting and stopping the embedded cloud, and what it needs for that."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from microlambda.emulator.cloud import CloudUnavailable, EmbeddedCloud, managed_runtime, moto_adapter
from microlambda.emulator.cloud.cloud_folder import CloudFolder
from microlambda.emulator.errors import PortInUse
from microlambda.emulator.server import Server

from .accounts import ECHO, REGION, Account, zipped

pytest.importorskip("moto.server")


def test_where_awslambdaric_is_missing_our_own_client_runs_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(managed_runtime, "_CLIENT", "awslambdaric-for-nobody")
    said: list[str] = []
    with EmbeddedCloud(region=REGION, say=said.append) as cloud:
        account = Account(cloud)
        name = account.function(ECHO, live=False)
        missing = account.function("import click\n" + ECHO, live=False)

        assert account.invoke(name, {"a": 1})[1] == {"a": 1}
        assert account.invoke(missing)[1]["errorType"] == "Runtime.ImportModuleError"

    assert "awslambdaric is not installed" in said[0]


def test_stop_leaves_nothing_behind_and_start_begins_empty() -> None:
    cloud = EmbeddedCloud(region=REGION).start()
    account = Account(cloud)
    name = account.function("import os\ndef handler(event, context):\n    return os.getpid(), os.getcwd()\n")
    pid, folder = account.invoke(name)[1]
    port = urlsplit(cloud.endpoint).port

    cloud.stop()
    cloud.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not Path(folder).exists()
    assert not Path(folder).parents[1].exists()
    with EmbeddedCloud(region=REGION, port=port or 0) as again:
        assert again.client("lambda").list_functions()["Functions"] == []
        assert again.client("iam").list_roles()["Roles"] == []


def test_a_port_in_use_is_told_and_nothing_is_left() -> None:
    with Server(lambda environ, start_response: [], port=0) as other, pytest.raises(PortInUse):
        EmbeddedCloud(port=other.port).start()


def test_without_moto_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "moto" else real(name))

    with pytest.raises(CloudUnavailable, match=r"needs moto.*pip install 'microlambda\[local\]'"):
        EmbeddedCloud().start()


def test_moto_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, microlambda.emulator.cloud; sys.exit('moto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_adapter_is_tested_with_the_version_of_moto_that_is_pinned() -> None:
    lines = importlib.metadata.requires("microlambda") or []

    assert any(f"moto[server]=={moto_adapter.version()}" in line.replace(" ", "") for line in lines)


def test_there_is_one_cloud_at_a_time_in_a_process() -> None:
    with EmbeddedCloud() as cloud:
        with pytest.raises(RuntimeError, match="an embedded cloud is running"):
            EmbeddedCloud().start()

        assert cloud.client("sts").get_caller_identity()["Account"] == cloud.account


def test_the_developers_aws_is_out_of_reach_while_the_cloud_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/home/dev/.aws/config")

    with EmbeddedCloud(region=REGION) as cloud:
        account = Account(cloud)
        assert account.invoke(account.function(ECHO, live=False), 7)[1] == 7
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_CONFIG_FILE"] == os.devnull

    left = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert left == {"AWS_PROFILE": "missing", "AWS_CONFIG_FILE": "/home/dev/.aws/config"}


posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")


@posix
def test_what_a_killed_cloud_left_is_swept_at_the_next_start_and_what_lives_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import os, time; from microlambda.emulator.cloud.cloud_folder import CloudFolder\n"
        "folder = CloudFolder().path / 'archives' / 'a'; folder.mkdir(parents=True)\n"
        "(folder / 'app.py').touch(); folder.chmod(0o555); print(folder, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    folders = [Path(child.stdout.readline().strip()).parents[1] for child in children if child.stdout]
    for folder in folders:
        os.utime(folder, (0, 0))
    killed, living = children
    killed.kill()
    killed.wait(20)
    young = tmp_path / "microlambda-cloud.young"
    young.mkdir()

    CloudFolder().remove()

    assert not folders[0].exists()
    assert folders[1].exists()
    assert young.exists()
    living.kill()
    for child in children:
        child.communicate(timeout=20)


def test_the_end_of_the_cloud_ends_environments_that_an_update_has_retired() -> None:
    printed: list[bytes] = []
    on_it = threading.Event()

    def output(_name: str, line: bytes) -> None:
        printed.append(line)
        on_it.set()

    source = (
        "import os, time\ndef handler(event, context):\n"
        "    print(os.getpid(), flush=True)\n    time.sleep(600)\n"
    )
    with EmbeddedCloud(region=REGION, output=output) as cloud:
        account = Account(cloud)
        name = account.function(source, live=False, Timeout=600)
        account.invoke(name, InvocationType="Event")
        assert on_it.wait(20)
        account.lambdas.update_function_code(FunctionName=name, ZipFile=zipped(app=ECHO))
        assert account.invoke(name, 7)[1] == 7

    with pytest.raises(ProcessLookupError):
        os.kill(int(printed[0]), 0)
