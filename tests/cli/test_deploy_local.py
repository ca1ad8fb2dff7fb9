"""`microlambda deploy --local`, as it is typed: a process, a URL that answers, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

APP = """
import os
import helper
from microlambda import App

app = App("shop")
GREETING = os.environ["GREETING"]


@app.get("/")
def index():
    return {"hello": helper.NAME, "greeting": GREETING}


@app.get("/fails")
def fails():
    raise ValueError("on purpose")
"""

TASKS = """
import os
from microlambda import App, Blueprint

app = App("shop")
jobs = Blueprint("jobs")


@app.post("/pictures/<name>")
def upload(name):
    return {"id": resize.delay(name, width=200)}, 202


@jobs.task
def resize(name, *, width):
    app.logger.warning("resizing %s", name)
    context = app.lambda_context
    folder = os.environ["FOLDER"]
    with open(f"{folder}/written", "w") as file:
        file.write(f"{context.aws_request_id} {context.function_name} {context.invoked_function_arn} {width}")
    os.rename(f"{folder}/written", f"{folder}/{name}")


app.register_blueprint(jobs)
"""

SETTINGS = """
[environment]
GREETING = "good morning"

[stages.prod]
account = "999999999999"
environment = { GREETING = "good evening" }
tracing = true
"""

pytestmark = [
    pytest.mark.slow,  # each starts an AWS and deploys to it
    pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a process of its own is POSIX"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "helper.py").write_text('NAME = "world"\n')
    (folder / "microlambda.toml").write_text(SETTINGS)
    return folder


@contextmanager
def started(project: Path, *arguments: str, **environ: str) -> Iterator[list[str]]:
    """Run the command until all is deployed; give what it prints, to the end of the block and of the command.

    Ctrl-C is pressed at the end.
    """
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MICROLAMBDA_"))
    }
    command = [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", "0", *arguments]
    process = subprocess.Popen(
        command, cwd=project, env=clean | environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if "is served until Ctrl-C" in line:
                break
        yield lines
        process.send_signal(signal.SIGINT)
        lines += process.stdout.read().splitlines()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def deployed(project: Path, *arguments: str, **environ: str) -> Iterator[tuple[list[str], str]]:
    """Run the command until its URL is there; give what it prints and the URL."""
    with started(project, *arguments, **environ) as lines:
        output = "\n".join(lines)
        found = re.search(r"The app: +(http://127\.0\.0\.1:\d+)/", output)
        assert found, output
        yield lines, found[1]


def get(url: str) -> dict[str, str]:
    with urllib.request.urlopen(url) as response:
        answer: dict[str, str] = json.load(response)
        return answer


def test_the_app_is_deployed_here_and_answers_until_ctrl_c(project: Path) -> None:
    with deployed(project) as (lines, url):
        assert get(f"{url}/") == {"hello": "world", "greeting": "good morning"}
        with pytest.raises(urllib.error.HTTPError) as failed:
            get(f"{url}/fails")
        failed.value.close()

    output = "\n".join(lines)
    assert failed.value.code == 500
    assert "+ function shop-local-http" in output
    assert "Bundling for this machine" in output
    assert "without effect" not in output
    assert "ValueError: on purpose" in output
    assert "Traceback (most recent call last):\n" in output
    assert (project / "microlambda.toml").read_text() == SETTINGS
    with pytest.raises(OSError, match="refused"):
        get(f"{url}/")


def test_another_stages_settings_can_be_deployed_here(project: Path) -> None:
    with deployed(project, "--stage", "prod") as (lines, url):
        assert get(f"{url}/")["greeting"] == "good evening"

    assert "+ function shop-prod-http" in "\n".join(lines)
    assert "Kept, and without effect here: tracing (http)." in lines


def test_the_developers_own_aws_is_never_asked(project: Path) -> None:
    trap = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
        "AWS_PROFILE": "no-such-profile",
    }

    with deployed(project, **trap) as (_lines, url):
        assert get(f"{url}/")["hello"] == "world"


def test_other_commands_reach_the_embedded_cloud_through_its_endpoint(project: Path) -> None:
    with deployed(project) as (lines, url):
        found = re.search(r"The AWS: +(http://127\.0\.0\.1:\d+)", "\n".join(lines))
        assert found is not None
        check = '{"microlambda": {"check": 1}}'
        invoked = there(project, found[1], "invoke", "--remote", "--event", check)
        as_json = json.loads(there(project, found[1], "invoke", "--remote", "--json", "--event", check))
        told = there(project, found[1], "url")
        planned = there(project, found[1], "plan", "--exit-code")

    assert json.loads(invoked) == {"microlambda": {"check": 1}}
    assert (as_json["result"], as_json["version"]) == (json.loads(invoked), "1")
    assert as_json["duration"] > 0
    assert as_json["max_memory"] > 1
    assert as_json["log"][-1].startswith("REPORT RequestId: ")
    assert told == f"{url}/\n"
    # What another terminal bundles is what runs here, not what Lambda would run: nothing has changed.
    assert planned.startswith("No changes")


def test_behind_a_function_url_the_app_answers_and_other_commands_find_it(project: Path) -> None:
    (project / "microlambda.toml").write_text(f'ingress = "function-url"\n{SETTINGS}')

    with deployed(project) as (lines, url):
        answered = get(f"{url}/")
        found = re.search(r"The AWS: +(http://127\.0\.0\.1:\d+)", "\n".join(lines))
        assert found is not None
        told = there(project, found[1], "url")
        planned = there(project, found[1], "plan", "--exit-code")

    assert answered == {"hello": "world", "greeting": "good morning"}
    assert any(line.startswith("+ URL of shop-local-http: open to the internet") for line in lines)
    assert told == f"{url}/\n"
    assert planned.startswith("No changes")


REST = """
from microlambda import App, url_for

app = App("shop")


@app.get("/")
def index():
    return {"users": url_for("users")}


@app.get("/users/")
def users():
    return {"here": url_for("users")}
"""


def test_a_rest_api_answers_below_its_stage_and_its_links_and_redirects_lead_there(project: Path) -> None:
    (project / "app.py").write_text(REST)
    (project / "microlambda.toml").write_text('ingress = "rest-api"\n')

    with started(project) as lines:
        output = "\n".join(lines)
        found = re.search(r"The app: +(http://127\.0\.0\.1:\d+)(/local/)", output)
        endpoint = re.search(r"The AWS: +(http://127\.0\.0\.1:\d+)", output)
        assert found, output
        assert endpoint, output
        host, stage = found.groups()
        assert get(f"{host}{stage}") == {"users": "/local/users/"}
        assert get(f"{host}{stage}users") == {"here": "/local/users/"}  # redirected
        told = there(project, endpoint[1], "url")
        planned = there(project, endpoint[1], "plan", "--exit-code")

    assert "+ REST API shop-local: open to the internet, regional" in output
    assert told == f"{host}{stage}\n"
    assert planned.startswith("No changes")


def test_a_view_hands_a_task_over_and_it_runs_in_its_own_function(project: Path, tmp_path: Path) -> None:
    """The archive in AWS's runtime client, boto3, and Lambda's Invoke: none of it is stood in for."""
    (project / "app.py").write_text(TASKS)
    (project / "microlambda.toml").write_text(f'[environment]\nFOLDER = "{tmp_path}"\n')

    with deployed(project) as (lines, url):
        request = urllib.request.Request(f"{url}/pictures/cats.png", method="POST")
        with urllib.request.urlopen(request) as response:
            status, task_id = response.status, json.load(response)["id"]
        written = until_written(tmp_path / "cats.png")

    own_id, function, arn, width = written.split()
    assert (status, own_id, width) == (202, task_id, "200")
    assert function.startswith("shop-local-jobs-resize-")
    assert arn.endswith(f":function:{function}:live")
    (line,) = [line for line in lines if task_id in line and "resizing cats.png" in line]
    assert line.startswith(f"{function.removeprefix('shop-local-')} [WARNING]")  # there are two functions


def until_written(file: Path) -> str:
    """Wait for a file to be there, for as long as a slow machine may need."""
    for _ in range(600):
        if file.exists():
            return file.read_text()
        threading.Event().wait(0.1)
    raise TimeoutError(file)


def there(project: Path, endpoint: str, *arguments: str) -> str:
    """Run a command against an embedded cloud that another process holds; what it prints."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "microlambda", *arguments, "--stage", "local"]
    done = subprocess.run(command, cwd=project, env=environ, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


WITH_EVENTS = """
import json, os
from microlambda import App

app = App("shop")


def leave(name, what):
    path = os.path.join(os.environ["FOLDER"], name)
    with open(path + ".unfinished", "w") as file:
        json.dump(what, file)
    os.rename(path + ".unfinished", path)


@app.on_sqs_message("orders")
def ordered(event):
    leave("ordered", [record.body for record in event])


@app.on_sqs_message("arn:aws:sqs:us-east-1:999999999999:theirs")
def theirs(event):
    leave("theirs", None)


@app.on_kinesis_record("clicks")
def clicked(event):
    leave("clicked", [record.data.decode() for record in event])


@app.on_dynamodb_record("people")
def changed(event):
    leave("changed", [record.new_image["name"] for record in event])


@app.on_sns_message("news", filter_policy={"kind": ["new"]})
def heard(event):
    leave("heard", event.message)


@app.on_s3_event("photos", prefix="in/")
def stored(event):
    leave("stored", event.key)


@app.on_event({"source": ["shop"]}, bus="mine")
def happened(event):
    leave("happened", event.detail)


@app.schedule("cron(0 9 * * ? *)", tz="Europe/Berlin")
def daily(event):
    return event.name


@app.schedule("rate(1 hour)", tz="Europe/Berlin", input={"n": 1})
def often(event):
    leave("often", event.input)
"""


def test_handlers_of_events_run_when_what_they_wait_for_happens(project: Path, tmp_path: Path) -> None:
    (project / "app.py").write_text(WITH_EVENTS)
    (project / "microlambda.toml").write_text(f'[environment]\nFOLDER = "{tmp_path}"\n')

    with started(project) as lines:
        output = "\n".join(lines)
        found = re.search(r"The AWS: +(http://127\.0\.0\.1:\d+)", output)
        assert found, output
        for service, call, arguments in HAPPENINGS:
            getattr(client(service, found[1]), call)(**arguments)
        left = {name: json.loads(until_written(tmp_path / name)) for name in LEFT}
        planned = there(project, found[1], "plan", "--exit-code")
        assert "shop-local-daily" in there(project, found[1], "status")

    assert left == LEFT
    assert planned.startswith("No changes")
    assert (
        "Made for the handlers: queue orders, stream clicks, table people (key: id), topic news, "
        "bucket photos, bus mine." in output
    )
    assert "Not fired here: theirs. What would call them is in another account." in output
    assert "+ event source mapping orders: 10 messages at a time" in output
    assert "+ schedule shop-local-daily: cron(0 9 * * ? *) Europe/Berlin" in output


KIND = {"kind": {"DataType": "String", "StringValue": "new"}}
PERSON = {"id": {"S": "1"}, "name": {"S": "Ada"}}
HAPPENINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "send_message", {"QueueUrl": "http://127.0.0.1/123456789012/orders", "MessageBody": "tea"}),
    ("kinesis", "put_record", {"StreamName": "clicks", "Data": b"click", "PartitionKey": "1"}),
    ("dynamodb", "put_item", {"TableName": "people", "Item": PERSON}),
    (
        "sns",
        "publish",
        {"TopicArn": "arn:aws:sns:us-east-1:123456789012:news", "Message": "hi", "MessageAttributes": KIND},
    ),
    ("s3", "put_object", {"Bucket": "photos", "Key": "in/a b.jpg", "Body": b"x"}),
    (
        "events",
        "put_events",
        {"Entries": [{"Source": "shop", "DetailType": "x", "Detail": '{"n": 2}', "EventBusName": "mine"}]},
    ),
]
LEFT = {
    "ordered": ["tea"],
    "clicked": ["click"],
    "changed": ["Ada"],
    "heard": "hi",
    "stored": "in/a b.jpg",
    "happened": {"n": 2},
    "often": {"n": 1},  # a rate of EventBridge Scheduler begins at once
}


def client(service: str, endpoint: str) -> Any:
    return boto3.Session("test", "test", region_name="us-east-1").client(service, endpoint_url=endpoint)


def test_a_port_in_use_is_told_before_anything_is_built(project: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", port]
        failed = subprocess.run(
            command, cwd=project, env=environ, text=True, capture_output=True, check=False
        )

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"PortInUse: port {port} of 127.0.0.1 is in use")


def test_a_secret_is_refused_before_anything_is_built_since_this_aws_starts_without(project: Path) -> None:
    with (project / "microlambda.toml").open("a") as file:
        file.write('\n[stages.prod.functions.http.environment]\nTOKEN = "${secret:sms/token}"\n')

    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", "0", "--stage", "prod"]
    failed = subprocess.run(
        command, cwd=project, env=environ, text=True, capture_output=True, check=False, timeout=60
    )

    assert (failed.returncode, failed.stdout) == (1, "")
    assert "TOKEN of stage 'prod': ${secret:sms/token} is resolved on AWS, and not here." in failed.stderr
    assert "Give the stage 'local' a value of its own" in failed.stderr


def test_a_module_that_does_not_import_on_lambda_is_the_deploys_failure(project: Path) -> None:
    with (project / "app.py").open("a") as file:
        # Installed here and not required by the project, and not to be seen by whoever follows imports.
        file.write("\n__import__('cl' + 'ick')\n")

    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", "0"]
    failed = subprocess.run(
        command, cwd=project, env=environ, text=True, capture_output=True, check=False, timeout=60
    )

    assert failed.returncode == 1
    assert "CheckFailed: version 1 of shop-local-http does not start" in failed.stderr
    assert re.search(r"No module named 'click' \(.*/app\.py, line \d+\)", failed.stderr)
    assert "Name 'click' in the project's requirements." in failed.stderr


def test_without_the_extra_the_line_that_installs_it_is_printed(project: Path) -> None:
    hide = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'moto' else real(name, *rest)\n"
        "from microlambda.cli.main import main\n"
        "main(['deploy', '--local'])\n"
    )

    failed = subprocess.run(
        [sys.executable, "-c", hide], cwd=project, text=True, capture_output=True, check=False
    )

    assert failed.returncode == 1
    assert "CloudUnavailable" in failed.stderr
    assert "pip install 'microlambda[local]'" in failed.stderr
    assert "Traceback" not in failed.stderr


HELLO = """
from flask import Flask, url_for

app = Flask(__name__)


@app.get("/")
def index():
    return {"hello": "world", "index": url_for("index", _external=True)}
"""


@pytest.mark.index
@pytest.mark.parametrize("ingress", ["http-api", "rest-api"])
def test_a_flask_without_an_app_is_deployed_as_it_is(tmp_path: Path, ingress: str) -> None:
    folder = tmp_path / "greetings"
    folder.mkdir()
    (folder / "hello.py").write_text(HELLO)
    (folder / "requirements.txt").write_text("flask==3.1.1\n")
    (folder / "microlambda.toml").write_text(f'ingress = "{ingress}"\n')

    with started(folder, "hello:app") as lines:
        output = "\n".join(lines)
        found = re.search(r"The app: +(http://127\.0\.0\.1:\d+\S*/)", output)
        assert found, output
        assert get(found[1]) == {"hello": "world", "index": found[1]}

    assert "+ function hello-local-http" in output


def test_an_application_that_is_called_as_many_are_is_refused_with_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "greetings"
    folder.mkdir()
    (folder / "app.py").write_text(HELLO)

    command = [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", "0", "app:app"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "is called 'app', as many are, and everything on AWS is named after it." in done.stderr
    assert 'Write into microlambda.toml: name = "greetings"' in done.stderr
