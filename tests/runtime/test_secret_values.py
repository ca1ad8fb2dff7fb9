"""`app.secret`: where it comes from, how long it is kept, and what is said where it cannot be had."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from microlambda import App
from microlambda.local.server import LocalServer
from microlambda.runtime import references, secret_values
from microlambda.runtime.errors import ConfigurationError
from tests.local.conftest import get as get


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_values, "_kept", {})
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the clock on the wall shows, to be changed.

    The monotonic one stands still, as in an environment that is frozen or a snapshot that is restored.
    """
    now = [1_000.0]
    shown = SimpleNamespace(time=lambda: now[0], monotonic=lambda: 7.0)
    monkeypatch.setattr(secret_values, "time", shown)
    return now


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account, and a process that is one of Lambda's in it."""
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-dev-http")
    with mock_aws():
        yield boto3


def put(aws: Any, name: str, value: str) -> None:
    if name.startswith("/"):
        aws.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
    else:
        secrets = aws.client("secretsmanager")
        try:
            secrets.create_secret(Name=name, SecretString=value)
        except secrets.exceptions.ResourceExistsException:
            secrets.put_secret_value(SecretId=name, SecretString=value)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("/shop/token", "/shop/token"),
        ("shop/token", "shop/token"),
        ("ssm:/shop/token", "/shop/token"),
        ("secret:shop/token", "shop/token"),
    ],
)
def test_parameters_and_secrets_are_fetched_by_their_names(app: App, aws: Any, asked: str, name: str) -> None:
    put(aws, name, "t0k3n")

    assert app.secret(asked) == "t0k3n"


def test_arns_lead_to_their_services(app: App, aws: Any) -> None:
    put(aws, "/shop/token", "of ssm")
    put(aws, "shop/token", "of secrets")
    parameter = aws.client("ssm").get_parameter(Name="/shop/token")["Parameter"]["ARN"]
    secret = aws.client("secretsmanager").describe_secret(SecretId="shop/token")["ARN"]

    assert (app.secret(parameter), app.secret(secret)) == ("of ssm", "of secrets")


def test_it_is_fetched_once_in_its_time_to_live(app: App, aws: Any, clock: list[float]) -> None:
    put(aws, "token", "old")
    assert app.secret("token", ttl=100) == "old"
    put(aws, "token", "new")

    clock[0] += 99
    assert app.secret("token", ttl=100) == "old"
    clock[0] += 1
    assert app.secret("token", ttl=100) == "new"


def test_each_call_has_its_own_time_to_live(app: App, aws: Any, clock: list[float]) -> None:
    put(aws, "token", "old")
    assert app.secret("token") == "old"
    put(aws, "token", "new")

    clock[0] += 60
    assert app.secret("token") == "old"
    assert app.secret("token", ttl=60) == "new"
    put(aws, "token", "newest")
    assert app.secret("token") == "new"
    assert app.secret("token", ttl=0) == "newest"


def test_a_clock_that_is_set_back_keeps_nothing_for_longer(app: App, aws: Any, clock: list[float]) -> None:
    put(aws, "token", "old")
    app.secret("token")
    put(aws, "token", "new")

    clock[0] -= 1

    assert app.secret("token") == "new"


@pytest.mark.parametrize("ttl", [-1, "60", None, True, float("nan")])
def test_what_is_no_time_to_live_is_refused(app: App, ttl: Any) -> None:
    with pytest.raises(TypeError, match=r"app.secret\('token', ttl=.*\): it takes a number of seconds"):
        app.secret("token", ttl=ttl)


def test_of_callers_at_once_one_fetches(app: App, aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(aws, "token", "t0k3n")
    asked, fetched = [], references.fetched

    def counted(wanted: Any) -> Any:
        asked.append(wanted)
        return fetched(wanted)

    monkeypatch.setattr(references, "fetched", counted)
    with ThreadPoolExecutor(8) as callers:
        values = list(callers.map(app.secret, ["token"] * 8))

    assert (values, len(asked)) == (["t0k3n"] * 8, 1)


def test_where_it_cannot_be_fetched_anew_the_old_value_is_used_and_that_is_logged(
    app: App, aws: Any, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    put(aws, "token", "s3cr3t")
    app.secret("token")
    aws.client("secretsmanager").delete_secret(SecretId="token", ForceDeleteWithoutRecovery=True)
    app.logger.propagate = True

    clock[0] += 3_600
    with caplog.at_level(logging.WARNING):
        assert app.secret("token") == "s3cr3t"

    assert "app.secret('token'): there is no such secret here. The value of before is used." in caplog.text
    assert "s3cr3t" not in caplog.text
    put(aws, "token", "new")
    clock[0] += 59
    assert app.secret("token") == "s3cr3t"
    clock[0] += 1
    assert app.secret("token") == "new"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/nothing", r"app.secret\('/nothing'\): there is no such parameter here"),
        ("nothing", r"app.secret\('nothing'\): there is no such secret here"),
    ],
)
def test_what_is_not_there_is_said_by_name(app: App, aws: Any, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        app.secret(name)


def test_a_variable_stands_for_it_and_comes_first(
    app: App, aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(aws, "sms/token", "of aws")
    monkeypatch.setenv("SECRET_SMS_TOKEN", "of the environment")

    assert app.secret("sms/token") == "of the environment"


def test_outside_of_lambda_no_aws_is_asked(app: App) -> None:
    with pytest.raises(ConfigurationError, match="set SECRET_SMS_TOKEN in the environment"):
        app.secret("/sms/token")


@pytest.mark.parametrize("name", ["", "/", None, 7])
def test_what_is_no_name_is_refused(app: App, name: Any) -> None:
    with pytest.raises(TypeError, match="it takes the name of a parameter or a secret"):
        app.secret(name)


def test_it_can_sign_the_session(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    from microlambda import session

    monkeypatch.setenv("SECRET_SHOP_KEY", "a long random value")
    app.secret_key = lambda: app.secret("shop/key")

    @app.get("/")
    def index() -> dict[str, Any]:
        session["seen"] = session.get("seen", 0) + 1
        return dict(session)

    client = app.test_client()

    assert [client.get("/").json["seen"] for _ in range(2)] == [1, 2]


@pytest.mark.slow  # an AWS is started
def test_in_local_it_comes_from_the_aws_inside(tmp_path: Path, get: Any) -> None:
    (tmp_path / "app.py").write_text(
        "from microlambda import App\n\napp = App('shop')\n\n\n"
        "@app.get('/')\ndef index():\n    return app.secret('/shop/token')\n"
    )
    with LocalServer(tmp_path, port=0) as server:
        client = server.cloud._started().client("ssm")
        client.put_parameter(Name="/shop/token", Value="of the AWS inside", Type="String")

        assert get(f"{server.url}/") == (200, "of the AWS inside")


def test_the_client_looks_into_the_session_and_changes_it(app: App) -> None:
    from microlambda import session

    app.secret_key = "a long random value"

    @app.get("/")
    def index() -> dict[str, Any]:
        return dict(session)

    client = app.test_client()
    with client.session_transaction() as before:
        before["user"] = "ann"
    assert client.get("/").json == {"user": "ann"}

    with client.session_transaction() as kept:
        assert json.dumps(kept) == '{"user": "ann"}'
        kept.clear()
    assert client.get("/").json == {}
