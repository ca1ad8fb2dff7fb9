"""An account in the embedded cloud, and what tests do in it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from microlambda.emulator.cloud import EmbeddedCloud

REGION = "eu-west-1"
ECHO = "def handler(event, context):\n    return event\n"


def zipped(**modules: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for name, source in modules.items():
            out.writestr(f"{name}.py", source)
    return archive.getvalue()


@dataclass
class Account:
    """The embedded cloud with what tests do in it."""

    cloud: EmbeddedCloud
    said: list[str] = field(default_factory=list)
    printed: list[tuple[str, bytes]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.lambdas = self.cloud.client("lambda")
        self.logs = self.cloud.client("logs")
        self.apis = self.cloud.client("apigatewayv2")
        role = self.cloud.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        self.role = role["Role"]["Arn"]

    def function(self, source: str, *, live: bool = True, **options: Any) -> str:
        """Create a function with a version and the alias `live`; answers its name."""
        self.count += 1
        name = f"f{self.count}"
        options = {
            "Runtime": "python3.13",
            "Timeout": 20,
            "MemorySize": 256,
            "Handler": "app.handler",
        } | options
        self.lambdas.create_function(
            FunctionName=name, Role=self.role, Code={"ZipFile": zipped(app=source)}, **options
        )
        if live:
            version = self.lambdas.publish_version(FunctionName=name)["Version"]
            self.lambdas.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
        return name

    def invoke(self, name: str, event: object = None, **options: Any) -> tuple[dict[str, Any], Any]:
        answer = self.lambdas.invoke(FunctionName=name, Payload=json.dumps(event), **options)
        payload = answer["Payload"].read()
        return answer, json.loads(payload) if payload else None

    def api(self, function: str, *, permission: bool = True) -> str:
        """Create an HTTP API before the function's alias; answers its id."""
        api_id: str = self.apis.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
        target = f"arn:aws:lambda:{REGION}:{self.cloud.account}:function:{function}:live"
        integration = self.apis.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=target, PayloadFormatVersion="2.0"
        )
        self.apis.create_route(
            ApiId=api_id, RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}"
        )
        self.apis.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
        if permission:
            self.lambdas.add_permission(
                FunctionName=function,
                Qualifier="live",
                StatementId="gateway",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:{REGION}:{self.cloud.account}:{api_id}/*",
            )
        return api_id
