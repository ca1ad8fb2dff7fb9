"""What is tried again, and what is not."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from microlambda.deploy.transient import DELAYS, TRANSIENT, Transient, is_transient, patiently


def refused(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "InvalidParameterValueException", "Message": message}}, operation)


@pytest.mark.parametrize("entry", TRANSIENT, ids=lambda entry: f"{entry.operation}-{entry.says[0][:20]}")
def test_every_error_of_the_table_is_tried_again(entry: Transient) -> None:
    errors = [refused(entry.operation, f"The thing {' and '.join(entry.says)} yet.")] * 2
    slept: list[float] = []

    def call(**arguments: object) -> str:
        if errors:
            raise errors.pop()
        return f"done {arguments['name']}"

    assert patiently(slept.append, call, name="x") == "done x"
    assert slept == list(DELAYS[:2])
    assert entry.source.startswith("https://")


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("CreateFunction", "Unzipped size must be smaller than 262144000 bytes"),
        ("CreateFunction", "the KMS key is invalid for CreateGrant. KMS Message: the key is disabled"),
        ("CreateRole", "The role defined for the function cannot be assumed by Lambda."),
    ],
)
def test_anything_else_fails_at_once(operation: str, message: str) -> None:
    slept: list[float] = []

    def call() -> None:
        raise refused(operation, message)

    with pytest.raises(ClientError):
        patiently(slept.append, call)
    assert slept == []


def test_it_ends() -> None:
    slept: list[float] = []
    error = refused("CreateFunction", "cannot be assumed by Lambda")

    def call() -> None:
        raise error

    with pytest.raises(ClientError):
        patiently(slept.append, call)

    assert slept == list(DELAYS)
    assert is_transient(error)
    assert 30 <= sum(DELAYS) <= 120
