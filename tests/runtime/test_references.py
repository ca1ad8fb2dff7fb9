"""References in the environment, resolved by the function at its start: from moto's AWS."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from microlambda.runtime import references
from microlambda.runtime.errors import ConfigurationError
from microlambda.runtime.references import resolve

REGION = "eu-west-1"


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name=REGION)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """An AWS with two parameters and a secret; gives the calls that were made, each with its thread."""
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    made: list[tuple[str, str]] = []
    real = references._client

    def recorded(service: str) -> Any:
        found = real(service)
        found.meta.events.register(
            "before-call", lambda model, **_rest: made.append((model.name, threading.current_thread().name))
        )
        return found

    monkeypatch.setattr(references, "_client", recorded)
    with mock_aws():
        ssm, secrets = client("ssm"), client("secretsmanager")
        ssm.put_parameter(Name="/shop/key", Value="k-1", Type="SecureString")
        ssm.put_parameter(Name="plain", Value="p-1", Type="String")
        secrets.create_secret(Name="shop/database", SecretString="s-1")
        yield made


def test_what_is_referred_to_takes_the_place_of_the_reference(calls: list[tuple[str, str]]) -> None:
    environ = {
        "KEY": "${ssm:/shop/key}",
        "URL": "postgres://app:${secret:shop/database}@db/${ssm:plain}",
        "OTHER": "${env:HOME} $HOME {x}",
        "AGAIN": "${secret:shop/database}",
    }

    resolve(environ)

    assert environ == {
        "KEY": "k-1",
        "URL": "postgres://app:s-1@db/p-1",
        "OTHER": "${env:HOME} $HOME {x}",
        "AGAIN": "s-1",
    }
    assert sorted(name for name, _thread in calls) == ["GetParameters", "GetSecretValue"]
    assert len({thread for _name, thread in calls} | {threading.current_thread().name}) == 3


def test_an_arn_is_a_name_too(calls: list[tuple[str, str]]) -> None:
    parameter = client("ssm").get_parameter(Name="/shop/key")["Parameter"]["ARN"]
    secret = client("secretsmanager").describe_secret(SecretId="shop/database")["ARN"]
    environ = {"KEY": f"${{ssm:{parameter}}}", "TOKEN": f"${{secret:{secret}}}"}

    resolve(environ)

    assert environ == {"KEY": "k-1", "TOKEN": "s-1"}


def test_more_parameters_than_one_call_takes_are_fetched_in_several(calls: list[tuple[str, str]]) -> None:
    for number in range(23):
        client("ssm").put_parameter(Name=f"/many/{number}", Value=str(number), Type="String")
    environ = {f"V{number}": f"${{ssm:/many/{number}}}" for number in range(23)}

    resolve(environ)

    assert environ == {f"V{number}": str(number) for number in range(23)}
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("${ssm:/none}", "there is no such parameter here"),
        ("${secret:none}", "there is no such secret here"),
        ("${secret:binary}", "it is binary, and a variable is text"),
        ("${secret:nul}", "it holds a NUL character, which no environment can"),
    ],
)
def test_what_cannot_be_had_is_named_with_its_variable_and_nothing_is_changed(
    calls: list[tuple[str, str]], reference: str, why: str
) -> None:
    client("secretsmanager").create_secret(Name="binary", SecretBinary=b"\x00")
    client("secretsmanager").create_secret(Name="nul", SecretString="topsecret\0")
    environ = {"KEY": "${ssm:/shop/key}", "TOKEN": reference}

    with pytest.raises(ConfigurationError) as caught:
        resolve(environ)

    assert str(caught.value) == f"the environment variable TOKEN asks for {reference}: {why}."
    assert environ == {"KEY": "${ssm:/shop/key}", "TOKEN": reference}


@pytest.mark.parametrize(
    ("reference", "code", "why"),
    [
        ("${ssm:/shop/key}", "AccessDeniedException", "the function's role lacks ssm:GetParameters for it"),
        ("${secret:shop/database}", "AccessDeniedException", "lacks secretsmanager:GetSecretValue for it"),
        ("${secret:shop/database}", "DecryptionFailure", r"it could not be fetched \(DecryptionFailure\)"),
    ],
)
def test_what_aws_refuses_is_told_without_its_words(
    monkeypatch: pytest.MonkeyPatch, reference: str, code: str, why: str
) -> None:
    class Refusing:
        def refuse(self, **_given: Any) -> Any:
            error: Any = {"Code": code, "Message": "of topsecret"}
            raise ClientError({"Error": error}, "Get")

        get_parameters = get_secret_value = refuse

    monkeypatch.setattr(references, "_client", lambda _service: Refusing())

    with pytest.raises(ConfigurationError, match=why) as caught:
        resolve({"TOKEN": reference})

    assert "topsecret" not in str(caught.value)


def test_without_boto3_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(ConfigurationError, match="need boto3, which is not here.*Name boto3 in the project"):
        resolve({"TOKEN": "${ssm:/shop/key}"})


def test_without_references_nothing_is_loaded_for_them() -> None:
    code = (
        "import os, sys;"
        "os.environ.update(MICROLAMBDA_APP='tests.runtime.referring:app', MICROLAMBDA_HANDLER='http');"
        "import microlambda.runtime.entry;"
        "print([one for one in sys.modules if 'references' in one or one.startswith('boto')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_entry_resolves_them_before_the_app_is_imported(
    calls: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from microlambda.runtime.errors import ConfigurationError as Raised

    monkeypatch.setenv("MICROLAMBDA_APP", "tests.runtime.referring:app")
    monkeypatch.setenv("SHOP_TOKEN", "${secret:shop/database}")
    monkeypatch.delitem(sys.modules, "tests.runtime.referring", raising=False)
    monkeypatch.setenv("MICROLAMBDA_HANDLER", "http")
    environ = os.environ

    from microlambda.runtime import entry

    try:
        entry.load_handler(environ)
    except Raised as exc:  # pragma: no cover - what it says is worth more than a traceback
        pytest.fail(str(exc))

    assert sys.modules["tests.runtime.referring"].SEEN == "s-1"
