"""plan, deploy, url, invoke, logs and delete, as they are typed, against moto's AWS."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.logs.models import LogsBackend

from microlambda.cli import logs as logs_command
from microlambda.cli.logs import read_since
from microlambda.cli.main import main
from microlambda.deploy.session import Aws
from microlambda.emulator.cloud.moto_http import faithful_http_apis

REGION = "eu-west-1"
APP = """
from microlambda import App

app = App("shop")


@app.get("/")
def index():
    return {"hello": "world"}
"""

Run = Callable[..., Result]


pytestmark = pytest.mark.slow  # most of them deploy


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project in the current folder, and no credentials but dummies."""
    path, modules = list(sys.path), set(sys.modules)
    for name in [one for one in os.environ if one.startswith(("AWS_", "MICROLAMBDA_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "microlambda.toml").write_text(f'region = "{REGION}"\n')
    monkeypatch.chdir(folder)
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name == "app":
            del sys.modules[name]


@pytest.fixture
def aws(project: Path) -> Iterator[None]:
    with mock_aws(config={"lambda": {"use_docker": False}}), faithful_http_apis():
        yield


@pytest.fixture
def run() -> Run:
    def run(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=text)

    return run


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name=REGION)


def fail_invokes(monkeypatch: pytest.MonkeyPatch, error: dict[str, Any]) -> None:
    def invoke(
        _self: Any, _function: Any, _qualifier: Any, _body: Any, _headers: Any, response: Any
    ) -> bytes:
        response["x-amz-function-error"] = "Unhandled"
        return json.dumps(error).encode()

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)


def test_the_life_of_a_stage(project: Path, aws: None, run: Run) -> None:
    planned = run("plan", "--exit-code")
    assert planned.exit_code == 3
    assert f"shop, stage dev, {REGION}, account 123456789012:" in planned.output
    assert "+ function shop-dev-http" in planned.output
    assert "7 to create, 0 to change, 0 to remove." in planned.output
    assert "id =" not in (project / "microlambda.toml").read_text()

    deployed = run("deploy")
    assert deployed.exit_code == 0, deployed.output
    assert 'Wrote id = "' in deployed.output
    assert deployed.stdout.splitlines()[-1].startswith("https://")
    assert run("url").stdout == deployed.stdout.splitlines()[-1] + "\n"

    again = run("deploy")
    assert "No changes" in again.output
    assert run("plan", "--exit-code").exit_code == 0

    (project / "app.py").write_text(APP.replace("world", "you"))
    changed = run("plan")
    assert "~ function shop-dev-http: code" in changed.output
    assert run("deploy").exit_code == 0

    removed = run("delete", "--yes")
    assert removed.exit_code == 0, removed.output
    assert "nothing of stage 'dev' is left but its logs" in removed.output
    assert client("lambda").list_functions()["Functions"] == []
    nothing = run("delete", "--yes").output
    assert "Nothing to remove" in nothing
    assert "of stage 'dev' of 'shop' with the id '" in nothing  # one with another id may be there
    assert run("url").exit_code == 1


def test_status_tells_what_runs_and_rollback_lets_the_version_before_serve(
    project: Path, aws: None, run: Run
) -> None:
    assert run("status").exit_code == 1
    run("deploy")
    (project / "app.py").write_text(APP.replace("world", "you"))
    url = run("deploy").stdout.splitlines()[-1]

    status = run("status")
    data = json.loads(run("status", "--json").stdout)

    assert status.exit_code == 0, status.output
    assert f"shop, stage dev, {REGION}, account 123456789012" in status.output
    assert url in status.output
    assert "shop-dev-http" in status.output
    assert data["url"] == url
    (function,) = data["functions"]
    assert (function["version"], function["earlier"], function["memory"]) == (2, [1], 256)
    moved = client("lambda").get_alias(FunctionName="shop-dev-http", Name="live")["Description"]
    assert f", since {function['since']}, after 1" in moved

    rolled = run("rollback")
    assert rolled.exit_code == 0, rolled.output
    assert "~ shop-dev-http: version 2 -> version 1, of " in rolled.output
    assert json.loads(run("status", "--json").stdout)["functions"][0]["version"] == 1
    assert run("rollback").exit_code == 1
    assert run("rollback", "--to", "2").exit_code == 0
    assert run("rollback", "--function", "nope").exit_code == 1
    assert "No changes" in run("deploy").output


def test_the_deployed_function_gets_the_real_bundle(project: Path, aws: None, run: Run) -> None:
    assert run("deploy").exit_code == 0

    configuration = client("lambda").get_function_configuration(FunctionName="shop-dev-http")
    assert configuration["CodeSize"] > 1000
    assert configuration["Environment"]["Variables"]["MICROLAMBDA_APP"] == "app:app"


def test_a_project_without_settings_file_gets_one_with_its_id(project: Path, aws: None, run: Run) -> None:
    (project / "microlambda.toml").unlink()

    deployed = run("deploy", "--region", REGION)

    assert deployed.exit_code == 0, deployed.output
    assert "to microlambda.toml" in deployed.output
    assert (project / "microlambda.toml").read_text().startswith('id = "')


def test_the_plan_as_json_has_changes_and_resources_but_no_values(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO", "s3cret")
    with (project / "microlambda.toml").open("a") as file:
        file.write('[environment]\nTOKEN = "${env:TWILIO}"\n')

    result = run("plan", "--json")

    data = json.loads(result.stdout)
    assert [change["kind"] for change in data["changes"]][:3] == ["role", "log-group", "function"]
    assert len(data["resources"]) == 7
    assert "TOKEN" in result.output
    assert "s3cret" not in result.output


def test_no_command_shows_a_value_of_the_environment(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO", "s3cret-one")
    with (project / "microlambda.toml").open("a") as file:
        file.write('[environment]\nTOKEN = "${env:TWILIO}"\n')

    first = run("deploy")
    monkeypatch.setenv("TWILIO", "s3cret-two")
    second = run("deploy")

    assert "environment ~TOKEN" in second.output
    assert "s3cret" not in first.output + second.output


READS_ENVIRONMENT = 'import os\nTOKEN = os.environ["TOKEN"]\n'


def test_the_app_is_imported_with_its_stages_environment(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO", "s3cret")
    (project / "app.py").write_text(READS_ENVIRONMENT + APP)
    with (project / "microlambda.toml").open("a") as file:
        file.write('[environment]\nTOKEN = "${env:TWILIO}"\n')

    result = run("plan")

    assert result.exit_code == 0, result.output
    assert sys.modules["app"].TOKEN == "s3cret"
    assert "TOKEN" not in os.environ


def test_a_missing_variable_is_named_before_the_app_is_imported(project: Path, run: Run) -> None:
    (project / "app.py").write_text(READS_ENVIRONMENT + APP)
    with (project / "microlambda.toml").open("a") as file:
        file.write('[environment]\nTOKEN = "${env:TWILIO}"\n')

    result = run("plan")

    assert result.exit_code == 1
    assert "SettingsError: environment variable TOKEN of stage 'dev' needs TWILIO" in result.stderr


def test_commands_that_need_only_the_name_do_not_need_the_variables(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO", "s3cret")
    with (project / "microlambda.toml").open("a") as file:
        file.write('[environment]\nTOKEN = "${env:TWILIO}"\n')
    run("deploy")
    monkeypatch.delenv("TWILIO")

    assert run("url").exit_code == 0
    assert run("deploy").exit_code == 1


REFUSED = [
    pytest.param(["--stage", "prd"], "SettingsError: microlambda.toml has no stage 'prd'", id="stage"),
    pytest.param(["--stage", "local"], "LocalStageOnAws: the stage 'local' is for this machine", id="local"),
    pytest.param(
        ["--profile", "x"], "ProfileNotFound: the AWS configuration has no profile 'x'", id="profile"
    ),
    pytest.param(["--region", "x/y"], "InvalidRegion: the region 'x/y' must be an AWS region", id="region"),
    pytest.param(["nothing"], "AppNotFound:", id="target"),
]


@pytest.mark.parametrize("command", ["plan", "deploy"])
@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_cannot_be_is_one_message_and_no_traceback(
    project: Path, aws: None, run: Run, command: str, arguments: list[str], message: str
) -> None:
    result = run(command, *arguments)

    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert "id =" not in (project / "microlambda.toml").read_text()


COMMANDS = ["plan", "deploy", "url", "logs", "invoke --remote", "delete"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_credentials_each_command_says_so(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (project / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "{REGION}"\n')

    result = run(*command.split())

    assert result.exit_code == 1
    assert result.stderr.startswith("NoCredentials: no AWS credentials were found")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_region_each_command_says_so(project: Path, run: Run, command: str) -> None:
    (project / "microlambda.toml").write_text('id = "k3v9x2"\n')

    result = run(*command.split())

    assert result.exit_code == 1
    assert result.stderr.startswith("NoRegion: no region is known.")


@pytest.mark.parametrize("command", COMMANDS)
def test_half_of_the_credentials_is_one_message(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    result = run(*command.split())

    assert result.exit_code == 1
    assert result.stderr.startswith("NoCredentials: the AWS credentials cannot be used")
    assert result.stderr.count("\n") == 1


def test_a_region_that_is_none_is_refused_for_the_aws_on_this_machine_too(project: Path, run: Run) -> None:
    result = run("deploy", "--local", "--region", "x/y")

    assert result.exit_code == 1
    assert result.stderr.startswith("InvalidRegion: the region 'x/y' must be an AWS region")


def tag_as_anothers(arn: str) -> None:
    client(arn.split(":")[2]).tag_resource(
        **({"Resource": arn, "Tags": {"microlambda:id": "theirs"}})
        if ":function:" in arn
        else {"resourceArn": arn, "tags": {"microlambda:id": "theirs"}}
    )


@pytest.mark.parametrize(
    ("command", "resource"),
    [
        ("invoke --remote", "lambda:{where}:function:shop-dev-http"),
        ("logs --function http", "logs:{where}:log-group:/aws/lambda/shop-dev-http"),
    ],
)
def test_what_is_another_projects_is_neither_called_nor_read(
    project: Path, aws: None, run: Run, command: str, resource: str
) -> None:
    run("deploy")
    tag_as_anothers(f"arn:aws:{resource.format(where=f'{REGION}:123456789012')}")

    result = run(*command.split())

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "NotOurs: " in result.stderr
    assert "its microlambda:id is 'theirs'" in result.stderr
    assert "--adopt" not in result.stderr  # which these commands do not take


@pytest.mark.parametrize("command", ["status", "url", "logs", "rollback", "invoke --remote"])
def test_a_stage_that_is_not_deployed_is_told_with_the_command_that_deploys_it(
    project: Path, aws: None, run: Run, command: str
) -> None:
    with (project / "microlambda.toml").open("a") as file:
        file.write("[stages.prod]\n")
    run("deploy")

    result = run(*command.split(), "--stage", "prod")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("NotDeployed: ")
    assert result.stderr.endswith("Deploy it first: microlambda deploy --stage prod\n")


def test_the_url_of_an_app_without_routes_is_told_with_what_is_deployed(
    project: Path, aws: None, run: Run
) -> None:
    handler = "@app.lambda_function()\ndef nightly(event, context): ...\n"
    (project / "app.py").write_text(APP.partition("@app")[0] + handler)
    run("deploy")

    result = run("url")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "NotDeployed: stage 'dev' of 'shop' has no URL in eu-west-1: what is deployed has no routes. It has: "
        "shop-dev-nightly.\n"
    )


def test_logs_of_a_function_that_there_is_none_of_name_those_that_there_are(
    project: Path, aws: None, run: Run
) -> None:
    run("deploy")

    result = run("logs", "--function", "htp")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "NotDeployed: stage 'dev' has no logs of a function 'shop-dev-htp'. It has: shop-dev-http.\n"
    )


def test_logs_of_a_function_that_was_deleted_can_still_be_read(project: Path, aws: None, run: Run) -> None:
    run("deploy")
    write_log([(now(), "last words")])
    run("delete", "--yes")

    assert "last words" in run("logs").stdout


def test_sigterm_while_deploying_releases_the_lock(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[str] = []

    def invoke(*_arguments: Any) -> bytes:
        locks.extend(one["Name"] for one in client("ssm").describe_parameters()["Parameters"])
        os.kill(os.getpid(), signal.SIGTERM)
        return b""

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)

    result = run("deploy")

    assert result.exit_code == 130
    assert "Interrupted. 3 of 7 changes were applied." in result.output
    assert locks == ["/microlambda/shop/dev/lock"]
    assert client("ssm").describe_parameters()["Parameters"] == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_earlier_name_is_told_beside_the_plan_and_not_in_its_json(
    project: Path, aws: None, run: Run
) -> None:
    run("deploy")
    with (project / "microlambda.toml").open("a") as file:
        file.write('name = "store"\n')

    planned = run("plan", "--json")

    assert "still deployed as 'shop'" in planned.stderr
    assert json.loads(planned.stdout)["app"] == "store"


@pytest.mark.parametrize("terminal", [True, False])
def test_logs_keep_control_characters_from_a_terminal(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(logs_command, "is_terminal", lambda: terminal)
    run("deploy")
    write_log([(now(), "a\tb\nc \x1b[2Jd\x07 \x9b2J")])

    result = run("logs")

    # click takes out ESC [ sequences, and only those, where there is no terminal
    assert result.stdout.endswith("a\tb\nc [2Jd 2J\n" if terminal else "a\tb\nc d\x07 \x9b2J\n")


@pytest.mark.parametrize("command", ["url", "logs", "invoke --remote", "delete"])
def test_a_project_that_was_never_deployed_is_told_so(
    project: Path, aws: None, run: Run, command: str
) -> None:
    result = run(*command.split())

    assert result.exit_code == 1
    assert "NotDeployed: 'shop' has never been deployed" in result.stderr


def test_another_account_is_refused(project: Path, aws: None, run: Run) -> None:
    with (project / "microlambda.toml").open("a") as file:
        file.write('[stages.prod]\naccount = "999999999999"\n')

    result = run("deploy", "--stage", "prod")

    assert "WrongAccount: stage 'prod' belongs to the account 999999999999" in result.stderr


def test_delete_refuses_without_a_terminal_unless_yes(project: Path, aws: None, run: Run) -> None:
    run("deploy")

    result = run("delete")

    assert result.exit_code == 1
    assert "ConfirmationNeeded" in result.stderr
    assert "--yes answers yes" in result.stderr
    assert "- function shop-dev-http" in result.stderr
    assert client("lambda").list_functions()["Functions"] != []


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_delete_asks_at_a_terminal(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    from microlambda.cli import stage

    run("deploy")
    monkeypatch.setattr(stage, "is_terminal", lambda: True)

    result = run("delete", text=answer)

    assert result.exit_code == left
    assert len(client("lambda").list_functions()["Functions"]) == left


WITHOUT_ROUTES = """
from microlambda import App

app = App("shop")
app.lambda_function(name="work")(print)
"""


def deploy_without_routes(project: Path, run: Run, *options: str, text: str | None = None) -> Result:
    """Deploy, take away what the URL leads to, and deploy again."""
    run("deploy")
    (project / "app.py").write_text(WITHOUT_ROUTES)
    del sys.modules["app"]  # the next command is another process
    return run("deploy", *options, text=text)


def test_a_deploy_that_closes_a_url_refuses_without_a_terminal(project: Path, aws: None, run: Run) -> None:
    result = deploy_without_routes(project, run)

    assert result.exit_code == 1
    assert "- HTTP API shop-dev\n" in result.stderr
    assert "ConfirmationNeeded" in result.stderr
    assert "--yes answers yes" in result.stderr
    functions = client("lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in functions] == ["shop-dev-http"]  # nothing was begun


def test_a_deploy_that_closes_a_url_does_so_with_yes(project: Path, aws: None, run: Run) -> None:
    result = deploy_without_routes(project, run, "--yes")

    assert result.exit_code == 0, result.output
    assert client("apigatewayv2").get_apis()["Items"] == []


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_a_deploy_that_closes_a_url_asks_at_a_terminal(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    from microlambda.cli import stage

    monkeypatch.setattr(stage, "is_terminal", lambda: True)

    result = deploy_without_routes(project, run, text=answer)

    assert "The plan no longer has these. Remove them?" in result.stderr
    assert result.exit_code == left
    assert len(client("apigatewayv2").get_apis()["Items"]) == left


def test_delete_with_logs_says_that_nothing_is_left(project: Path, aws: None, run: Run) -> None:
    run("deploy")

    result = run("delete", "--yes", "--logs")

    assert "nothing of stage 'dev' is left.\n" in result.output
    assert client("logs").describe_log_groups()["logGroups"] == []


def test_a_version_that_does_not_start_is_the_deploys_failure(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"errorType": "ImportError", "errorMessage": "no twilio", "stackTrace": ["  File x, line 3\n"]}
    fail_invokes(monkeypatch, error)

    result = run("deploy")

    assert result.exit_code == 1
    assert "CheckFailed: version 1 of shop-dev-http does not start: ImportError: no twilio" in result.stderr
    assert "  File x, line 3" in result.stderr


EVENTS = [
    pytest.param(["--event", '{"a": 1}'], None, id="argument"),
    pytest.param(["--event", "event.json"], None, id="file"),
    pytest.param(["--event", "-"], '{"a": 1}', id="stdin"),
    pytest.param([], '{"a": 1}', id="piped"),
]


@pytest.mark.parametrize(("arguments", "text"), EVENTS)
def test_a_remote_invoke_prints_the_answer(
    project: Path, aws: None, run: Run, arguments: list[str], text: str | None
) -> None:
    run("deploy")
    (project / "event.json").write_text('{"a": 1}')

    result = run("invoke", "http", "--remote", *arguments, text=text)

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"a": 1}  # moto's Lambda answers with the event


def test_a_remote_invoke_as_json_is_one_object(project: Path, aws: None, run: Run) -> None:
    run("deploy")

    result = run("invoke", "--remote", "--json", "--event", '{"a": 1}')

    told = json.loads(result.stdout)
    assert (result.exit_code, told["result"], told["version"], told["error"]) == (0, {"a": 1}, None, None)


def test_invoke_of_a_function_that_raises_prints_its_traceback_and_fails(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("deploy")
    stack = ['  File "/var/task/app.py", line 9, in index\n    1 / 0\n']
    fail_invokes(
        monkeypatch,
        {"errorType": "ZeroDivisionError", "errorMessage": "division by zero", "stackTrace": stack},
    )

    result = run("invoke", "--remote")

    assert result.exit_code == 1
    assert result.stderr.startswith("FunctionFailed: ZeroDivisionError: division by zero\n  File")
    assert result.stdout == ""


def test_the_traceback_of_a_remote_function_begins_in_the_users_code(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("deploy")
    frames = [
        '  File "/var/lang/lib/python3.13/importlib/__init__.py", line 88, in import_module\n',
        '  File "<frozen importlib._bootstrap>", line 1387, in _gcd_import\n',
        '  File "/opt/python/microlambda/runtime/entry.py", line 45, in _imported\n',
        '  File "/var/task/app.py", line 9, in index\n    importlib.import_module(name)\n',
        '  File "/var/lang/lib/python3.13/importlib/__init__.py", line 88, in import_module\n',
    ]
    fail_invokes(monkeypatch, {"errorType": "ImportError", "errorMessage": "no", "stackTrace": frames})

    result = run("invoke", "--remote", "--no-log")

    assert result.stderr == f"FunctionFailed: ImportError: no\n{''.join(frames[3:])}"


def test_a_remote_batch_with_failures_is_exit_code_3(project: Path, aws: None, run: Run) -> None:
    run("deploy")

    result = run("invoke", "--remote", "--event", '{"batchItemFailures": [{"itemIdentifier": "m-1"}]}')

    assert (result.exit_code, result.stderr) == (3, "'http' reported 1 record as failed: m-1\n")


def test_an_event_that_is_none_is_refused_before_any_call(project: Path, run: Run) -> None:
    result = run("invoke", "--remote", "--event", "{")

    assert result.exit_code == 2
    assert "this is no JSON" in result.stderr


NOT_THERE = [
    pytest.param("nightly", "NotDeployed: there is no function 'shop-dev-nightly'", id="not deployed"),
    pytest.param(
        "nihgtly",
        "UnknownFunction: the app has no function 'nihgtly'. Did you mean 'nightly'? It has: http, nightly.",
        id="unknown",
    ),
]


@pytest.mark.parametrize(("name", "message"), NOT_THERE)
def test_a_remote_invoke_of_a_function_that_is_not_there_says_so(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    nightly = "\n\n@app.lambda_function()\ndef nightly(event, context): ...\n"
    (project / "app.py").write_text(APP + nightly)
    run("deploy")

    def invoke(*_arguments: Any) -> bytes:
        raise UnknownFunctionException(name)

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)

    result = run("invoke", name, "--remote")

    assert result.exit_code == 1
    assert message in result.stderr


def write_log(lines: list[tuple[int, str]]) -> None:
    logs, group = client("logs"), "/aws/lambda/shop-dev-http"
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    events = [{"timestamp": moment, "message": text} for moment, text in lines]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def test_logs_prints_lines_with_local_time(project: Path, aws: None, run: Run) -> None:
    run("deploy")
    moment = now()
    write_log([(moment - 7_200_000, "old\n"), (moment - 1000, "first\n"), (moment, "second")])

    recent, older = run("logs"), run("logs", "--since", "3h")

    local = datetime.fromtimestamp((moment - 1000) / 1000).strftime("%Y-%m-%d %H:%M:%S")
    assert recent.stdout.splitlines()[0].startswith(local)
    assert [line.split()[-1] for line in recent.stdout.splitlines()] == ["first", "second"]
    assert [line.split()[-1] for line in older.stdout.splitlines()] == ["old", "first", "second"]


def test_following_logs_goes_on_until_ctrl_c_and_repeats_nothing(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("deploy")
    moment = now()
    write_log([(moment, "first")])
    looks: list[str] = []

    def sleep(_aws: Aws, _seconds: float) -> None:
        looks.append("look")
        if len(looks) == 3:
            raise KeyboardInterrupt
        client("logs").put_log_events(
            logGroupName="/aws/lambda/shop-dev-http",
            logStreamName="s",
            logEvents=[{"timestamp": moment + len(looks), "message": f"more-{len(looks)}"}],
        )

    monkeypatch.setattr(Aws, "sleep", sleep)

    result = run("logs", "--follow")

    assert result.exit_code == 0
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["first", "more-1", "more-2"]


TWO = (
    APP
    + """
@app.lambda_function()
def nightly(event, context):
    return 1
"""
)


def write_lines(function: str, stream: str, lines: list[tuple[int, str]]) -> None:
    logs, group = client("logs"), f"/aws/lambda/{function}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": moment, "message": text} for moment, text in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_logs_of_all_functions_are_merged_with_their_requests_and_errors_marked(
    project: Path, aws: None, run: Run
) -> None:
    (project / "app.py").write_text(TWO)
    run("deploy")
    start = now() - 5000
    write_lines(
        "shop-dev-http",
        "a",
        [
            (start, "before any request\n"),
            (start + 10, "START RequestId: 11111111-aaaa Version: 1\n"),
            (start + 30, "hello\n"),
            (start + 50, "END RequestId: 11111111-aaaa\n"),
            (start + 51, "REPORT RequestId: 11111111-aaaa Duration: 1 ms\n"),
            (start + 60, "after it\n"),
        ],
    )
    write_lines(
        "shop-dev-nightly",
        "b",
        [
            (start + 20, "START RequestId: 22222222-bbbb Version: 1\n"),
            (start + 40, "[ERROR] KeyError: 'x'\rTraceback (most recent call last):\r"),
        ],
    )

    whole = run("logs").stdout.splitlines()
    one = run("logs", "--function", "nightly").stdout.splitlines()
    data = [json.loads(line) for line in run("logs", "--json").stdout.splitlines()]

    assert [line[24:] for line in whole] == [
        "http             before any request",
        "http    11111111 START RequestId: 11111111-aaaa Version: 1",
        "nightly 22222222 START RequestId: 22222222-bbbb Version: 1",
        "http    11111111 hello",
        "nightly 22222222 ! [ERROR] KeyError: 'x'",
        "Traceback (most recent call last):"[24:],
        "http    11111111 END RequestId: 11111111-aaaa",
        "http    11111111 REPORT RequestId: 11111111-aaaa Duration: 1 ms",
        "http             after it",
    ]
    assert [line[24:] for line in one[:2]] == [
        "22222222 START RequestId: 22222222-bbbb Version: 1",
        "22222222 ! [ERROR] KeyError: 'x'",
    ]
    assert [one["request"] for one in data][:3] == [None, "11111111-aaaa", "22222222-bbbb"]
    assert [one["error"] for one in data] == [False] * 4 + [True] + [False] * 3
    assert {one["function"] for one in data} == {"shop-dev-http", "shop-dev-nightly"}


def test_logs_are_filtered_by_cloudwatch(project: Path, aws: None, run: Run) -> None:
    run("deploy")
    write_log([(now(), "order 1"), (now(), "order 2"), (now(), "other")])

    result = run("logs", "--filter", "order")

    assert [line.split()[-2:] for line in result.stdout.splitlines()] == [["order", "1"], ["order", "2"]]


@pytest.mark.parametrize("options", [("--filter", "order"), ("--since", "4s")], ids=["filter", "since"])
def test_lines_that_a_function_prints_have_their_request_where_its_beginning_is_left_out(
    project: Path, aws: None, run: Run, options: tuple[str, str]
) -> None:
    run("deploy")
    start = now()
    write_log(
        [
            (start - 20_000, "order 0, while the module is imported"),
            (start - 10_000, "START RequestId: 11111111-aaaa Version: 1"),
            (start - 2_000, "order 1"),
            (start - 1_999, "REPORT RequestId: 11111111-aaaa Duration: 1 ms"),
            (start - 1_999, "order between two"),
            (start - 1_998, "START RequestId: 22222222-bbbb Version: 1"),
            (start - 1_998, "order 2"),
            (start - 1_998, "REPORT RequestId: 22222222-bbbb Duration: 1 ms"),
            (start - 1_998, "START RequestId: 33333333-cccc Version: 1"),
            (start - 1_998, "order 3"),
        ]
    )

    data = [json.loads(line) for line in run("logs", "--json", *options).stdout.splitlines()]

    told = {one["text"]: one["request"] for one in data if one["text"].startswith("order")}
    told.pop("order 0, while the module is imported", None)
    assert told == {
        "order 1": "11111111-aaaa",
        "order between two": None,
        "order 2": "22222222-bbbb",
        "order 3": "33333333-cccc",
    }


def test_the_beginnings_of_requests_are_asked_for_once_for_each_stream(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("deploy")
    start = now()
    lines = [(start - 1000, "START RequestId: 11111111-aaaa Version: 1")]
    write_lines("shop-dev-http", "a", [*lines, *((start - 900 + n, f"order {n}") for n in range(20))])
    write_lines("shop-dev-http", "b", [(start - 800, "order 99")])
    asked: list[list[str]] = []
    matching = LogsBackend.filter_log_events

    def counted(*arguments: Any) -> Any:
        asked.append(next((one for one in arguments if isinstance(one, list)), []))
        return matching(*arguments)

    monkeypatch.setattr(LogsBackend, "filter_log_events", counted)

    result = run("logs", "--filter", "order")

    assert len(result.stdout.splitlines()) == 21
    assert asked == [[], ["a"], ["b"]]


def test_followed_lines_have_their_request_also_where_its_beginning_came_late(
    project: Path, aws: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("deploy")
    start, looks = now() - 5000, list[str]()
    write_log([(start, "START RequestId: 11111111-aaaa Version: 1"), (start + 1, "order 1")])
    late = [
        (start + 2, "REPORT RequestId: 11111111-aaaa Duration: 1 ms"),
        (start + 3, "START RequestId: 22222222-bbbb Version: 1"),
        (start + 4, "order 2"),
    ]

    def sleep(_aws: Aws, _seconds: float) -> None:
        looks.append("look")
        if len(looks) == 3:
            raise KeyboardInterrupt
        if len(looks) == 1:  # CloudWatch is told of them after the first look
            events = [{"timestamp": moment, "message": text} for moment, text in late]
            client("logs").put_log_events(
                logGroupName="/aws/lambda/shop-dev-http", logStreamName="s", logEvents=events
            )

    monkeypatch.setattr(Aws, "sleep", sleep)

    data = [json.loads(line) for line in run("logs", "-f", "--json", "--filter", "order").stdout.splitlines()]

    assert {one["text"]: one["request"] for one in data} == {
        "order 1": "11111111-aaaa",
        "order 2": "22222222-bbbb",
    }


@pytest.mark.parametrize("text", ["10", "1y", "yesterday", ""])
def test_a_time_that_is_none_is_refused(project: Path, run: Run, text: str) -> None:
    result = run("logs", "--since", text)

    assert result.exit_code == 2
    assert "is neither a span" in result.stderr


def test_a_span_reaches_back_from_now() -> None:
    moment = read_since(click.Context(main), click.Option(["--since"]), "2h")

    assert 7190 < (datetime.now(UTC) - moment).total_seconds() < 7210


def test_the_plan_says_what_becomes_reachable_and_what_is_deleted(project: Path, aws: None, run: Run) -> None:
    opening = run("plan").stdout
    assert "\nReachable from the internet from then on, by everybody:\n  HTTP API shop-dev\n" in opening
    assert "Deleted" not in opening
    run("deploy")
    url = run("url").stdout.strip()
    (project / "app.py").write_text(WITHOUT_ROUTES)
    del sys.modules["app"]  # the next command is another process

    closing = run("plan").stdout
    told = json.loads(run("plan", "--json").stdout)

    removals = closing.partition("\nDeleted, once these are made:\n")[2]
    assert removals.startswith("- HTTP API shop-dev\n")
    assert "- function shop-dev-http\n" in removals
    assert f"\nNo longer reachable:\n  HTTP API shop-dev ({url})\n" in closing
    assert "Reachable from the internet" not in closing
    assert told["closes"] == [{"kind": "http-api", "name": "shop-dev"}]
    assert told["opens"] == []
    assert {"kind": "function", "name": "shop-dev-http"} in told["deletes"]


def test_deploy_and_url_answer_programs(project: Path, aws: None, run: Run) -> None:
    deployed = run("deploy", "--json")
    told = json.loads(deployed.stdout)
    assert ("create", "function") in [(one["action"], one["kind"]) for one in told["changes"]]
    assert "+ function shop-dev-http" in deployed.stderr
    assert json.loads(run("url", "--json").stdout) == {"url": told["url"]}
    assert json.loads(run("deploy", "--json").stdout) == {"changes": [], "url": told["url"]}
    refused = run("deploy", "--json", "--local")
    assert refused.exit_code == 2
    assert "--json and --local exclude each other" in refused.stderr


def test_a_port_is_for_the_aws_on_this_machine_alone(project: Path, aws: None, run: Run) -> None:
    refused = run("deploy", "--port", "9000")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--port goes with --local" in refused.stderr


def test_rollback_and_delete_answer_programs(project: Path, aws: None, run: Run) -> None:
    (project / "app.py").write_text(TWO)
    run("deploy")
    (project / "app.py").write_text(TWO.replace("world", "you"))
    run("deploy")
    run("rollback", "--function", "nightly")

    rolled = run("rollback", "--json")
    told = json.loads(rolled.stdout)
    (moved,) = told["moved"]
    assert (moved["function"], moved["from"], moved["to"]) == ("shop-dev-http", 2, 1)
    assert told["staying"] == ["shop-dev-nightly"]
    assert "~ shop-dev-http: version 2 -> version 1" in rolled.stderr

    deleted = run("delete", "--yes", "--json")
    removed = json.loads(deleted.stdout)["removed"]
    assert {one["action"] for one in removed} == {"remove"}
    assert [one["function"] for one in removed if one["kind"] == "alias"] == [
        "shop-dev-http",
        "shop-dev-nightly",
    ]
    assert "- function shop-dev-http" in deleted.stderr
    assert json.loads(run("delete", "--yes", "--json").stdout) == {"removed": []}


def test_what_is_anothers_is_taken_over_when_that_is_asked_for(project: Path, aws: None, run: Run) -> None:
    client("logs").create_log_group(logGroupName="/aws/lambda/shop-dev-http", tags={"microlambda:id": "x"})
    refused = run("deploy")
    assert refused.exit_code == 1
    assert "or take it over: --adopt." in refused.stderr

    assert "log group /aws/lambda/shop-dev-http: taken over: its microlambda:id is 'x'" in (
        run("plan", "--adopt").stdout
    )
    assert run("deploy", "--adopt").exit_code == 0
    assert run("plan", "--exit-code").exit_code == 0
