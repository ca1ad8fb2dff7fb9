"""What microlambda.toml may say, and what is answered where it says something else."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from microlambda.project.errors import SettingsError
from microlambda.project.limits import default_python
from microlambda.project.settings import find_project, load_settings, resolve_environment, write_id

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path


def write(project: Path, text: str, name: str = "microlambda.toml") -> Path:
    path = project / name
    path.write_text(text)
    return path


def test_a_project_without_settings_has_defaults(project: Path) -> None:
    settings = load_settings(project, "dev")

    assert (settings.source, settings.id, settings.name, settings.region) == (None, None, None, None)
    assert (settings.architecture, settings.ingress) == ("x86_64", "http-api")
    assert settings.python == default_python()
    assert settings.function("http").memory == 256
    assert settings.function("http").timeout == 30
    assert settings.log_retention == 30


@pytest.mark.parametrize(
    ("local", "expected"),
    [((3, 11), "3.11"), ((3, 13), "3.13"), ((3, 14), "3.14"), ((3, 19), "3.14")],
)
def test_the_default_python_is_the_newest_that_lambda_has_and_not_above_the_local_one(
    local: tuple[int, int], expected: Any
) -> None:
    assert default_python(local) == expected


def test_the_stages_function_beats_the_function_beats_the_stage_beats_the_top(project: Path) -> None:
    write(
        project,
        """
        memory = 128
        timeout = 10
        [functions.nightly]
        memory = 1024
        [stages.prod]
        memory = 512
        timeout = 20
        [stages.prod.functions.nightly]
        timeout = 900
        """,
    )

    prod, dev = load_settings(project, "prod"), load_settings(project, "dev")

    assert (prod.function("http").memory, prod.function("http").timeout) == (512, 20)
    assert (prod.function("nightly").memory, prod.function("nightly").timeout) == (1024, 900)
    assert (dev.function("nightly").memory, dev.function("nightly").timeout) == (1024, 10)
    assert (dev.function("http").memory, dev.function("http").timeout) == (128, 10)


def test_tables_merge_and_lists_replace(project: Path) -> None:
    write(
        project,
        """
        include = ["a", "b"]
        tags = { team = "red", cost = "1" }
        [environment]
        LOG_LEVEL = "info"
        TABLE = "test"
        [stages.prod]
        include = ["c"]
        environment = { TABLE = "orders" }
        tags = { team = "blue" }
        """,
    )

    settings = load_settings(project, "prod")

    assert settings.include == ("c",)
    assert settings.tags == {"team": "blue", "cost": "1"}
    assert settings.function("http").environment == {"LOG_LEVEL": "info", "TABLE": "orders"}


def test_a_rest_api_gives_the_http_function_29_seconds_by_default(project: Path) -> None:
    write(project, 'ingress = "rest-api"')

    settings = load_settings(project, "dev")

    assert settings.function("http").timeout == 29
    assert settings.function("nightly").timeout == 30


REFUSED = [
    pytest.param("memroy = 128", "unknown key 'memroy'. Did you mean 'memory'?", id="misspelt-key"),
    pytest.param(
        "[stages.prod]\nmemroy = 1", "[stages.prod] unknown key 'memroy'. Did you mean", id="in-a-stage"
    ),
    pytest.param(
        "[functions.shop.nightly]\nmemory = 128",
        "[functions.shop] holds a table 'nightly'. Quote a dotted name: [functions.\"shop.nightly\"].",
        id="dotted",
    ),
    pytest.param(
        "[functions.f.enviroment]\nAB = 'c'", "unknown key 'enviroment'. Did you mean 'en", id="table"
    ),
    pytest.param("[functions.f]\ntimout = 1", "[functions.f] unknown key 'timout'. Did", id="in-a-function"),
    pytest.param(
        "[stages.prod.functions.f]\nx = 1", "[stages.prod.functions.f] unknown key 'x'.", id="deepest"
    ),
    pytest.param("memory = 64", "must be a whole number from 128 to 10240 (MB), not 64.", id="memory-small"),
    pytest.param("memory = 10241", "memory must be a whole number from 128 to 10240", id="memory-large"),
    pytest.param('memory = "256"', "memory must be a whole number", id="memory-text"),
    pytest.param("memory = true", "to 10240 (MB), not true.", id="memory-bool"),
    pytest.param("timeout = 0", "timeout must be a whole number from 1 to 900 (seconds)", id="timeout-zero"),
    pytest.param("timeout = 901", "timeout must be a whole number from 1 to 900", id="timeout-long"),
    pytest.param('python = "9.9"', "python must be one of '3.11', '3.12', '3.13', '3.14'", id="python"),
    pytest.param("python = 3.13", "(text, in quotes), not 3.13.", id="python-number"),
    pytest.param('architecture = "arm"', "architecture must be one of 'x86_64', 'arm64'", id="architecture"),
    pytest.param('ingress = "http"', "ingress must be one of 'http-api', 'rest-api'", id="ingress"),
    pytest.param('endpoint_type = "EDGE"', "endpoint_type must be one of 'regional', 'edge'", id="endpoint"),
    pytest.param(
        "[functions.f]\nendpoint_type = 'edge'",
        "endpoint_type cannot stand here, only at the",
        id="endpoint-at",
    ),
    pytest.param("account = 123456789012", "account must be an AWS account's 12 digits, in q", id="account"),
    pytest.param('region = "Ireland"', "region must be an AWS region", id="region"),
    pytest.param('id = "X"', "id must be 6 to 32 letters a-z and digits", id="id"),
    pytest.param('[stages.prod]\nid = "abcdef"', "id cannot stand here, only at the top", id="id-in-a-stage"),
    pytest.param(
        '[functions.f]\npython = "3.13"', "python cannot stand here, only at the top or", id="level"
    ),
    pytest.param("log_retention = 31", "log_retention must be 'forever' or a number of days", id="retention"),
    pytest.param("include = 'x'", "include must be a list of texts", id="include"),
    pytest.param("requirements = [1]", "requirements must be text or a list of texts", id="requirements"),
    pytest.param("tags = { 'aws:x' = 'y' }", "tags cannot hold 'aws:x'", id="tag-name"),
    pytest.param("stages = 1", "stages must be a table of tables", id="stages"),
    pytest.param("[stages]\nmemory = 1", "stages.memory must be a table", id="stage-value"),
    pytest.param('[stages."a b"]', "the stage 'a b' must be letters, digits", id="stage-name"),
    pytest.param("environment = 'k3y'", "environment must be a table of names and texts.", id="environment"),
    pytest.param("[tags]\nA = ['k3y']", "the one of 'A' is none.", id="tag-value"),
    pytest.param("environment = { A = '1' }", "'A' is no name for a variable", id="environment-name"),
    pytest.param("environment = { 'A-B' = '1' }", "'A-B' is no name for a variable", id="environment-dash"),
    pytest.param("environment = { AWS_REGION = '1' }", "reserved by AWS Lambda", id="environment-aws"),
    pytest.param("environment = { _HANDLER = '1' }", "reserved by AWS Lambda", id="environment-handler"),
    pytest.param("environment = { MICROLAMBDA_APP = '1' }", "set by microlambda itself", id="environment-us"),
    pytest.param("memory = ", "is not TOML", id="syntax"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_is_refused_by_name(project: Path, text: str, message: str) -> None:
    write(project, text)

    with pytest.raises(SettingsError) as refused:
        load_settings(project, "dev")

    assert message in str(refused.value)
    assert "microlambda.toml" in str(refused.value)


def test_a_syntax_error_names_its_line(project: Path) -> None:
    write(project, "memory = 128\ntimeout = \n")

    with pytest.raises(SettingsError, match="line 2"):
        load_settings(project, "dev")


def test_text_that_is_not_utf8_is_refused(project: Path) -> None:
    (project / "microlambda.toml").write_bytes(b"name = '\xe9'")

    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(project, "dev")


def test_a_stage_that_is_not_there_is_refused_with_the_nearest(project: Path) -> None:
    write(project, "[stages.prod]\nmemory = 512")

    with pytest.raises(
        SettingsError, match=r"no stage 'prd'. Did you mean 'prod'\? It has: dev, local, prod"
    ):
        load_settings(project, "prd")


@pytest.mark.parametrize("stages", ["[stages.prod]\n[stages.Prod]", "[stages.DEV]"])
def test_stages_that_differ_only_by_case_are_refused(project: Path, stages: str) -> None:
    write(project, stages)

    with pytest.raises(SettingsError, match="differ only by case, which IAM's names ignore"):
        load_settings(project, "dev")


@pytest.mark.parametrize(
    ("value", "size"), [("x" * 4087, 4096), ('"' * 2043 + "x", 4096), ("é" * 2043, 4095)]
)
def test_the_environment_is_measured_as_the_json_that_lambda_measures(
    project: Path, value: str, size: int
) -> None:
    write(project, '[environment]\nTT = "${env:LARGE}"')
    function = load_settings(project, "dev").function("http")

    assert resolve_environment(function, {"LARGE": value}) == {"TT": value}
    with pytest.raises(SettingsError, match=f"has {size + 2} bytes as JSON; Lambda accepts 4096"):
        resolve_environment(function, {"LARGE": value + "yz"})


def test_settings_in_both_files_are_refused_naming_both(project: Path) -> None:
    write(project, "memory = 512")
    write(project, "[tool.microlambda]\nmemory = 512", "pyproject.toml")

    with pytest.raises(SettingsError, match=r"microlambda.toml and pyproject.toml \[tool.microlambda\]"):
        load_settings(project, "dev")


def test_settings_may_stand_in_pyproject(project: Path) -> None:
    write(project, "[tool.microlambda]\nmemory = 512", "pyproject.toml")

    assert load_settings(project, "dev").function("http").memory == 512


def test_a_pyproject_of_other_tools_is_no_settings_file(project: Path) -> None:
    write(project, "[tool.other]\nmemory = 512", "pyproject.toml")

    assert load_settings(project, "dev").source is None


def test_keys_of_later_versions_are_known_and_listed(project: Path) -> None:
    write(project, "[stages.dev]\nsingle_function = false")

    settings = load_settings(project, "dev")

    assert settings.undeployed == ("single_function",)
    assert settings.function("f").undeployed == ("single_function",)


def test_references_take_the_value_of_the_deploying_shell(project: Path) -> None:
    write(project, '[environment]\nTOKEN = "${env:TWILIO}"\nURL = "https://${env:HOST}:${env:PORT}/"')
    function = load_settings(project, "dev").function("http")

    resolved = resolve_environment(function, {"TWILIO": r"a\1b", "HOST": "h", "PORT": "1"})

    assert resolved == {"TOKEN": r"a\1b", "URL": "https://h:1/"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${env:MISSING}", "TOKEN of stage 'dev' needs MISSING, which is not set here"),
        ("${env:}", "names no variable"),
        ("${ssm:/path}", "${ssm:/path} is resolved on AWS, and not here. Give the stage 'local'"),
        ("a ${secret:name}", "${secret:name} is resolved on AWS, and not here. Give the stage 'local'"),
        ("${ssm:}", "${ssm:} names nothing on AWS. Write ${ssm:/path}, a parameter's name or ARN."),
        ("${ssm:/a//b}", "${ssm:/a//b} names nothing on AWS."),
        ("${secret:a b}", "${secret:a b} names nothing on AWS. Write ${secret:name}, or its ARN."),
        (
            "${ssn:/path}",
            "${ssn:...} is no reference. There are ${env:NAME}, ${ssm:/path} and ${secret:name}.",
        ),
        ("a ${env:HOME", "opens a reference with ${...: and does not close it"),
        ("\\u0000", "holds a NUL character"),
    ],
)
def test_a_reference_without_value_is_an_error_that_names_it(project: Path, text: str, message: str) -> None:
    write(project, f'[environment]\nTOKEN = "{text}"')
    function = load_settings(project, "dev").function("http")

    with pytest.raises(SettingsError) as refused:
        resolve_environment(function, {})

    assert message in str(refused.value)


def test_no_error_and_no_repr_shows_a_value(project: Path) -> None:
    write(project, '[environment]\nTOKEN = "s3cret"\nLARGE = "${env:LARGE}"')
    settings = load_settings(project, "dev")

    with pytest.raises(SettingsError) as refused:
        resolve_environment(settings.function("http"), {"LARGE": "s3cret" * 1000})

    assert "s3cret" not in f"{refused.value} {settings!r} {settings.function('http')!r}"
    assert "Lambda accepts 4096. Largest: LARGE" in str(refused.value)


def test_a_value_that_is_no_text_is_refused_without_showing_it(project: Path) -> None:
    write(project, "environment = { PORT = 8123 }")

    with pytest.raises(SettingsError) as refused:
        load_settings(project, "dev")

    assert "8123" not in str(refused.value)
    assert "put the value of PORT in quotes" in str(refused.value)


WRITABLE = [
    pytest.param("microlambda.toml", '# mine\nname = "sms" # why\n\n[stages.prod]\nmemory = 512\n', id="own"),
    pytest.param("microlambda.toml", '# mine\r\nname = "sms"\r\n', id="crlf"),
    pytest.param(
        "pyproject.toml", "[project]\nname='x'\n\n[tool.microlambda] # ours\nmemory = 512\n", id="py"
    ),
    pytest.param("pyproject.toml", "[tool.microlambda]", id="pyproject-empty"),
    pytest.param("pyproject.toml", "[tool.microlambda.environment] # here\nLOG = 'x'\n", id="nested-only"),
    pytest.param("pyproject.toml", "[tool]\nmicrolambda = { memory = 512 } # inline\n", id="inline"),
]


@pytest.mark.parametrize(("name", "text"), WRITABLE)
def test_the_id_is_added_and_the_rest_stays(project: Path, name: str, text: str) -> None:
    path = project / name
    path.write_bytes(text.encode())

    written = write_id(load_settings(project, "dev"))

    after = path.read_bytes().decode()
    table = tomllib.loads(after)
    del (table if name == "microlambda.toml" else table["tool"]["microlambda"])["id"]
    assert table == tomllib.loads(text)
    assert written.id is not None
    assert len(written.id) == 8
    for comment in [line.partition("#")[2] for line in text.splitlines()]:
        assert comment in after
    assert [entry.name for entry in project.iterdir()] == [name]
    assert write_id(written) == written


def test_without_a_settings_file_the_id_creates_one(project: Path) -> None:
    written = write_id(load_settings(project, "dev"))

    assert (project / "microlambda.toml").read_text() == f'id = "{written.id}"\n'
    assert written.source == project / "microlambda.toml"


def test_two_projects_get_different_ids(tmp_path: Path) -> None:
    ids = set()
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        ids.add(write_id(load_settings(tmp_path / str(number), "dev")).id)

    assert len(ids) == 20


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_the_files_mode_stays(project: Path) -> None:
    path = write(project, "memory = 512")
    path.chmod(0o600)

    write_id(load_settings(project, "dev"))

    assert path.stat().st_mode & 0o777 == 0o600


def test_the_project_is_the_nearest_folder_with_settings(project: Path) -> None:
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    write(project, "")

    assert find_project(inner) == project
    (inner / "app.py").touch()
    assert find_project(inner) == inner


def test_a_folder_without_anything_is_its_own_project(project: Path) -> None:
    assert find_project(project) == project
