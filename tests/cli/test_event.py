"""`microlambda event SOURCE`: true events as JSON, whose options are the keywords of the builders."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from microlambda.cli.main import main
from microlambda.emulator.events import SOURCES
from microlambda.runtime.events import source_of


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["event", *arguments])


def printed(*arguments: str) -> Any:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_sample_that_dispatch_knows(source: str) -> None:
    assert source_of(printed(source)) == source


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_tells_its_options(source: str) -> None:
    done = run(source, "--help")

    assert done.exit_code == 0
    assert SOURCES[source] in done.stdout
    assert "--region" in done.stdout


def test_an_object_in_a_bucket() -> None:
    event = printed("s3", "--bucket", "b", "--key", "a b.jpg", "--region", "eu-west-1")

    (record,) = event["Records"]
    assert record["s3"]["bucket"]["name"] == "b"
    assert record["s3"]["object"]["key"] == "a+b.jpg"
    assert record["awsRegion"] == "eu-west-1"


def test_bodies_are_taken_to_the_letter() -> None:
    event = printed("sqs", "--messages", '{"a":  1.50}', "--messages", "hello")

    assert [record["body"] for record in event["Records"]] == ['{"a":  1.50}', "hello"]


def test_json_and_moments() -> None:
    event = printed(
        *("eventbridge", "--source", "shop", "--detail-type", "Sold", "--detail", '{"id": 7}'),
        *("--time", "2026-11-24T10:00:00Z"),
    )

    assert (event["detail"], event["time"]) == ({"id": 7}, "2026-11-24T10:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["sqz"], "There is no source 'sqz'. Did you mean 'sqs'?", id="an unknown source"),
        pytest.param(["sqs", "--queu", "q"], "--queue", id="an unknown option"),
        pytest.param(["sqs", "--time", "soon"], "'soon' is no moment", id="no moment"),
        pytest.param(["sns", "--attributes", "[1]"], "is no JSON object", id="no object"),
        pytest.param(["sns", "--attributes", "{"], "is no JSON", id="no JSON"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], says: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert says in done.stderr


def test_the_list_of_sources_imports_none_of_them() -> None:
    done = run("--help")

    assert done.exit_code == 0
    for source, line in SOURCES.items():
        assert source in done.stdout
        assert line in done.stdout
