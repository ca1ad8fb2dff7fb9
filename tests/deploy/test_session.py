"""Which AWS is asked: profile, region, account; and never the wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from microlambda.deploy import errors
from microlambda.deploy.errors import (
    AwsUnreachable,
    LocalStageOnAws,
    NoCredentials,
    NoRegion,
    ProfileNotFound,
    WrongAccount,
)
from microlambda.deploy.explain import explained
from microlambda.deploy.session import Aws, check_place, connect
from tests.deploy.conftest import ACCOUNT, Cloud, new_session


@pytest.fixture
def config(no_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "aws-config"
    path.write_text("[profile work]\nregion = eu-north-1\n[default]\nregion = us-east-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    return path


@pytest.mark.parametrize(
    ("profile", "region", "stage_region", "expected"),
    [
        (None, None, None, "us-east-2"),
        ("work", None, None, "eu-north-1"),
        ("work", None, "eu-west-1", "eu-west-1"),
        ("work", "eu-west-3", "eu-west-1", "eu-west-3"),
    ],
)
def test_the_commands_region_comes_first_then_the_stages_then_the_profiles(
    config: Path, profile: str | None, region: str | None, stage_region: str | None, expected: str
) -> None:
    assert connect(profile=profile, region=region, stage_region=stage_region).region == expected


def test_the_region_that_every_sdk_reads_is_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-south-1")

    assert connect(profile=None, region=None, stage_region=None).region == "eu-south-1"
    assert connect(profile=None, region=None, stage_region="eu-west-1").region == "eu-west-1"


def test_a_profile_that_is_not_there_is_refused_with_the_nearest(config: Path) -> None:
    with pytest.raises(ProfileNotFound, match=r"no profile 'wrok'. Did you mean 'work'\? It has: "):
        connect(profile="wrok", region=None, stage_region=None)


def test_a_profile_that_the_environment_names_wrongly_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "wrok")

    with pytest.raises(ProfileNotFound, match="no profile 'wrok'"):
        connect(profile=None, region=None, stage_region=None)


def test_no_region_anywhere_is_told(no_aws: None) -> None:
    with pytest.raises(NoRegion, match="Give --region"):
        connect(profile=None, region=None, stage_region=None)


def test_no_credentials_is_told(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    aws = connect(profile=None, region="eu-west-1", stage_region=None)

    with pytest.raises(NoCredentials, match="`microlambda deploy --local` needs none"), explained("x"):
        check_place(aws, stage="dev", account=None)


def test_another_account_than_the_stages_is_refused_before_anything_else(cloud: Cloud) -> None:
    with pytest.raises(WrongAccount, match=f"belongs to the account 999999999999; .* {ACCOUNT}"):
        check_place(cloud.aws, stage="prod", account="999999999999")

    assert cloud.calls == ["GetCallerIdentity"]
    check_place(cloud.aws, stage="prod", account=ACCOUNT)


def test_the_local_stage_is_refused_on_aws(cloud: Cloud) -> None:
    with pytest.raises(LocalStageOnAws, match="is for this machine"):
        check_place(cloud.aws, stage="local", account=None)

    assert cloud.calls == []


CONFIGURATIONS = [
    pytest.param("[broken", {}, errors.InvalidAwsConfig, "Unable to parse config file", id="not-ini"),
    pytest.param(
        "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = nowhere\n",
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        errors.InvalidAwsConfig,
        "nowhere",
        id="source-profile",
    ),
    pytest.param(
        "[default]\ncredential_process = false\n",
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        errors.NoCredentials,
        "cannot be used",
        id="credential-process",
    ),
    pytest.param("", {"AWS_SECRET_ACCESS_KEY": ""}, errors.NoCredentials, "AWS_SECRET_ACC", id="half"),
    pytest.param("", {"AWS_ENDPOINT_URL": "nonsense"}, errors.AwsUnreachable, "nonsense", id="endpoint"),
    pytest.param("", {"AWS_REGION": "eu_west_1"}, errors.InvalidRegion, "'eu_west_1'", id="region"),
]


@pytest.mark.parametrize(("text", "environ", "kind", "message"), CONFIGURATIONS)
def test_a_configuration_that_cannot_be_used_is_one_message(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    environ: dict[str, str],
    kind: type[Exception],
    message: str,
) -> None:
    config.write_text(text)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name, value in environ.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)

    with pytest.raises(kind, match=message) as refused:
        _ = connect(profile=None, region=None, stage_region=None).is_loopback

    assert "\n" not in str(refused.value)


def test_an_endpoint_of_one_service_alone_makes_no_aws_of_this_machine(
    no_aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:5000")

    assert not connect(profile=None, region="eu-west-1", stage_region=None).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_endpoint_on_this_machine_is_no_aws(no_aws: None, host: str) -> None:
    aws = Aws(new_session().client, region="eu-west-1", endpoint_url=f"http://{host}:5000")

    assert aws.is_loopback


def test_the_standard_endpoint_variable_is_heard(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")

    assert connect(profile=None, region="eu-west-1", stage_region=None).is_loopback


def test_no_answer_is_told(no_aws: None) -> None:
    # Port 9 is the discard service's; nothing listens there, and the refusal comes from this machine.
    aws = Aws(new_session().client, region="eu-west-1", endpoint_url="http://127.0.0.1:9")

    with pytest.raises(AwsUnreachable, match="AWS cannot be reached"), explained("x"):
        _ = aws.identity


def test_what_is_throttled_is_tried_again_as_the_sdks_adaptive_mode_does(no_aws: None) -> None:
    aws = Aws(new_session().client, region="eu-west-1")

    retries = aws.client("lambda").meta.config.retries
    of_invocations = aws.client_for_invoke(30).meta.config.retries

    assert retries == {"mode": "adaptive", "total_max_attempts": 8}
    assert of_invocations["total_max_attempts"] == 1  # a second call would run the handler twice


def test_items_are_worked_on_in_order(no_aws: None) -> None:
    aws = Aws(new_session().client, region="eu-west-1")

    assert aws.each(lambda one: one * 2, range(20)) == [one * 2 for one in range(20)]
