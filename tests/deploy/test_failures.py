"""What ends a deploy, what is waited for, and what is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda.deploy import upload
from microlambda.deploy.errors import ArchiveTooLarge, CheckFailed, DeployFailed
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Answers,
    Cloud,
    Project,
    deploy_again,
    fail_at,
    on_answer,
)


def test_a_version_that_does_not_import_fails_the_deploy_and_the_alias_stays(
    project: Project, cloud: Cloud, answers: type[Answers]
) -> None:
    project.deployer.deploy()
    project.code = "two"
    answers.error = {
        "errorType": "Runtime.ImportModuleError",
        "errorMessage": "No module named 'twilio'",
        "stackTrace": ['  File "/var/task/app.py", line 3, in <module>\n    import twilio\n'],
    }

    with pytest.raises(CheckFailed) as failed:
        project.deployer.deploy()

    message = str(failed.value)
    assert (
        "version 2 of shop-dev-http does not start: Runtime.ImportModuleError: No module named 'tw" in message
    )
    assert '/var/task/app.py", line 3' in message
    assert "The alias 'live' has not moved: version 1 goes on serving." in message
    assert "1 of 3 changes were applied" in message
    lambda_ = cloud.client("lambda")
    assert lambda_.get_alias(FunctionName="shop-dev-http", Name="live")["FunctionVersion"] == "1"

    answers.error = None
    project.code = "three"
    project.deployer.deploy()
    assert lambda_.get_alias(FunctionName="shop-dev-http", Name="live")["FunctionVersion"] == "3"
    assert deploy_again(project) == []


def test_an_error_that_comes_from_none_of_the_users_code_has_no_frames_of_ours(
    project: Project, answers: type[Answers]
) -> None:
    answers.error = {
        "errorType": "ConfigurationError",
        "errorMessage": "there is no such parameter",
        "stackTrace": ['  File "/opt/python/microlambda/runtime/entry.py", line 57, in <module>\n'],
    }

    with pytest.raises(CheckFailed) as failed:
        project.deployer.deploy()

    told = "does not start: ConfigurationError: there is no such parameter\nIt has no version yet that starts"
    assert told in str(failed.value)


def test_a_check_that_answers_something_else_fails(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.awslambda_simple.models import LambdaSimpleBackend

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", lambda *_args: b'{"ok": true}')

    with pytest.raises(CheckFailed, match=r'does not start: it answered \{"ok": true\}'):
        project.deployer.deploy()


def test_an_archive_over_the_limit_is_refused_before_the_upload(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "UPLOAD_LIMIT", 10)

    with pytest.raises(ArchiveTooLarge, match="in one upload"):
        project.deployer.deploy()

    assert project.cloud.mutating == []


def test_a_denied_call_names_action_resource_and_progress(project: Project, cloud: Cloud) -> None:
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/x is not authorized to perform: lambda:PublishLayerVersion "
        f"on resource: arn:aws:lambda:{REGION}:{ACCOUNT}:layer:shop-dev-dependencies because no policy "
        "allows it"
    )
    fail_at(cloud, "PublishLayerVersion", "AccessDeniedException", message)

    with pytest.raises(DeployFailed) as failed:
        project.deployer.deploy()

    assert str(failed.value) == (
        "creating the layer 'shop-dev-dependencies' needs lambda:PublishLayerVersion on "
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:shop-dev-dependencies, which this identity lacks. "
        "2 of 8 changes were applied. Run the same command again once the permission exists."
    )


def test_an_error_of_aws_that_quotes_a_secret_is_printed_without_it(project: Project, cloud: Cloud) -> None:
    project.write("[environment]\nTOKEN = 's3cret-token'")
    fail_at(cloud, "CreateFunction", "ValidationException", "Value '{TOKEN=s3cret-token}' is bad")

    with pytest.raises(DeployFailed) as failed:
        project.deployer.deploy()

    assert "s3cret-token" not in str(failed.value)
    assert "Value '{TOKEN=***}' is bad" in str(failed.value)


def test_a_role_that_lambda_does_not_know_yet_is_waited_for(project: Project, cloud: Cloud) -> None:
    tries: list[str] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "CreateFunction" and len(tries) < 3:
            tries.append(name)
            error: Any = {
                "Code": "InvalidParameterValueException",
                "Message": "The role defined for the function cannot be assumed by Lambda.",
            }
            raise ClientError({"Error": error}, name)

    cloud.before_call = before_call

    project.deployer.deploy()

    assert cloud.sleeps == [1, 1, 2]


def test_each_step_waits_until_the_function_is_ready(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.awslambda.models import LambdaFunction

    real = LambdaFunction.get_configuration
    looks: list[str] = []

    def pending(self: Any, on_create: bool = False) -> dict[str, Any]:
        answer: dict[str, Any] = real(self, on_create)
        if on_create or (len(looks) < 3 and "CreateFunction" in cloud.calls):
            looks.append("pending")
            answer |= {"State": "Pending", "LastUpdateStatus": "InProgress"}
        return answer

    monkeypatch.setattr(LambdaFunction, "get_configuration", pending)

    project.deployer.deploy()

    after = cloud.calls[cloud.calls.index("CreateFunction") :]
    assert after[1:5] == ["GetFunctionConfiguration"] * 4
    assert after[5] == "PublishVersion"


def test_a_function_that_cannot_be_made_ready_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.awslambda.models import LambdaFunction

    real = LambdaFunction.get_configuration
    failed = {"State": "Failed", "StateReason": "the subnet is full"}
    monkeypatch.setattr(
        LambdaFunction, "get_configuration", lambda *args, **kw: {**real(*args, **kw), **failed}
    )

    with pytest.raises(
        DeployFailed, match="cannot make the function 'shop-dev-http' ready: the subnet is full"
    ):
        project.deployer.deploy()


def test_a_function_that_is_busy_when_it_is_checked_is_asked_again(project: Project, cloud: Cloud) -> None:
    fail_at(cloud, "Invoke", "TooManyRequestsException")

    project.deployer.deploy()

    assert cloud.calls.count("Invoke") == 2
    assert cloud.sleeps == [1]


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        ("PutRolePolicy", "NoSuchEntity", "The role with name shop-dev-http-eu-west-1 cannot be found."),
        (
            "CreateFunction",
            "InvalidParameterValueException",
            "Lambda was unable to configure your environment variables because the KMS key is invalid for "
            "CreateGrant. KMS Exception: InvalidArnException KMS Message: ARN does not refer to a valid "
            "principal",
        ),
    ],
)
def test_what_iam_has_not_told_everywhere_is_waited_for(
    project: Project, cloud: Cloud, call: str, code: str, message: str
) -> None:
    fail_at(cloud, call, code, message)

    project.deployer.deploy()

    assert cloud.sleeps == [1]
    assert deploy_again(project) == []


def test_values_from_the_shell_are_hidden_always_and_literals_from_8_characters_on(
    project: Project, cloud: Cloud
) -> None:
    project.write("[environment]\nTOKEN = '${env:T}'\nLEVEL = 'info'\nKEY = '12345678'")
    project.environ["T"] = "xyz"
    fail_at(cloud, "CreateFunction", "ValidationException", "bad: xyz info 12345678 http")

    with pytest.raises(DeployFailed, match=r"bad: \*\*\* info \*\*\* http\."):
        project.deployer.deploy()


def untagged(answer: dict[str, Any]) -> None:
    answer.pop("Tags", None)
    answer["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": "not authorized"}


def test_tags_that_may_not_be_read_end_deploy_and_delete_by_naming_the_permission(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()
    on_answer(cloud, "lambda", "GetFunction", untagged)
    cloud.calls.clear()

    for work in (project.deployer.deploy, project.deployer.delete):
        with pytest.raises(
            DeployFailed, match="'shop-dev-http' needs lambda:ListTags, which this identity l"
        ):
            work()

    assert cloud.mutating == []


def test_what_has_to_be_uploaded_only_under_the_lock_is_built_before_anything_is_changed(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.deployer.deploy()
    project.write("tracing = true")  # the first change is the role's
    monkeypatch.setattr(upload, "UPLOAD_LIMIT", 10)  # of any archive too much

    def meanwhile(changes: object) -> None:
        cloud.client("lambda").delete_layer_version(LayerName="shop-dev-dependencies", VersionNumber=1)

    cloud.calls.clear()

    with pytest.raises(ArchiveTooLarge):
        project.deployer.deploy(meanwhile)

    assert cloud.changes == []


def test_a_permission_whose_first_answer_was_lost_is_there_once(project: Project, cloud: Cloud) -> None:
    """As the SDK's second try finds it: AWS refuses two statements of one name."""

    def let_it_be_there(name: str, params: dict[str, Any]) -> None:
        if name == "AddPermission":
            cloud.before_call = None
            function = params["url_path"].split("/")[3]
            cloud.client("lambda").add_permission(
                FunctionName=function, Qualifier="live", **json.loads(params["body"])
            )

    cloud.before_call = let_it_be_there
    project.deployer.deploy()

    policy = cloud.client("lambda").get_policy(FunctionName="shop-dev-http", Qualifier="live")["Policy"]
    assert [one["Sid"] for one in json.loads(policy)["Statement"]] == ["microlambda-http-api"]
    assert not project.deployer.changes()
