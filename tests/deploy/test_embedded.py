"""Layers where functions run: deployed into the embedded cloud, and called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import microlambda
from microlambda import App
from microlambda.deploy.deployer import Deployer
from microlambda.deploy.session import Aws
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.plan.compile import compile_plan
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import load_settings
from tests.deploy.conftest import REGION, zipped

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGE = Path(microlambda.__file__).parent

CODE = """
from microlambda import App
import dependency

app = App("shop")

@app.lambda_function(name="hello")
def hello(event, context):
    return ["{code}", dependency.__file__]
"""


def archive(key: str, code: str) -> bytes:
    """Write the code; or a layer with a dependency and, so that the function starts, our runtime."""
    if key == "code":
        return zipped({"app.py": CODE.format(code=code)})
    runtime = [PACKAGE / "__init__.py", *(PACKAGE / "runtime").rglob("*.py")]
    ours = {f"python/{path.relative_to(PACKAGE.parent).as_posix()}": path.read_text() for path in runtime}
    return zipped({"python/dependency.py": "", **ours})


def deploy(cloud: EmbeddedCloud, root: Path, code: str, text: str = "") -> None:
    top = f'id = "k3v9x2"\nregion = "{REGION}"\npython = "{PYTHON}"\n'
    (root / "microlambda.toml").write_text(top + text)
    app = App("shop")
    app.lambda_function(name="hello")(lambda event, context: None)
    layer = Piece(key="dependencies", inputs="first")
    pieces = Pieces(common=FunctionPieces(code=Piece(key="code", inputs=code), layers=(layer,)))
    settings = load_settings(root, "dev")
    plan = compile_plan(app, settings, app_path="app:app", pieces=pieces, environ={})
    aws = Aws(cloud.client, region=REGION)
    Deployer(aws, plan, archive=lambda key: archive(key, code)).deploy()


def test_what_a_layer_holds_is_imported_from_one_place_until_no_function_uses_it(tmp_path: Path) -> None:
    pytest.importorskip("moto.server")
    with EmbeddedCloud(region=REGION) as cloud:
        lambdas = cloud.client("lambda")

        def call(qualifier: str) -> list[Any]:
            answer = lambdas.invoke(FunctionName="shop-dev-hello", Qualifier=qualifier, Payload=b"{}")
            found: list[Any] = json.loads(answer["Payload"].read())
            return found

        deploy(cloud, tmp_path, "one")
        deploy(cloud, tmp_path, "two")
        before, after = call("1"), call("live")
        lambdas.delete_layer_version(LayerName="shop-dev-dependencies", VersionNumber=1)

        assert (before[0], after[0]) == ("one", "two")
        assert before[1] == after[1]  # unpacked once
        assert after[1].endswith("/python/dependency.py")
        assert (call("1"), call("live")) == (before, after)  # Lambda keeps a copy for both


ELSEWHERE = """
policies = [
  "arn:aws:iam::aws:policy/service-role/AmazonSQSReadOnlyAccess",
  { actions = ["s3:GetObject"], resources = ["arn:${partition}:s3:::outbox/*"] },
]
layers = ["arn:aws:lambda:${region}:999999999999:layer:fonts:3"]
vpc = { subnets = ["subnet-0a1b2c3d"], security_groups = ["sg-0a1b2c3d"] }
"""


@pytest.mark.parametrize(
    "text", [ELSEWHERE, 'iam_role_arn = "arn:aws:iam::999999999999:role/mine"'], ids=["settings", "role"]
)
def test_what_the_settings_name_and_is_not_here_keeps_no_function_from_running(
    tmp_path: Path, text: str
) -> None:
    pytest.importorskip("moto.server")
    with EmbeddedCloud(region=REGION) as cloud:
        deploy(cloud, tmp_path, "one", text)
        deploy(cloud, tmp_path, "one")
        deploy(cloud, tmp_path, "two", text)

        answer = cloud.client("lambda").invoke(FunctionName="shop-dev-hello", Qualifier="live", Payload=b"{}")
        assert json.loads(answer["Payload"].read())[0] == "two"
