"""An AWS for the deployer's tests: moto's, closed to the real one, with a record of every call."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.policy import Policy
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.utils import method_names_from_class
from moto.scheduler.exceptions import ScheduleGroupNotFound
from moto.scheduler.models import EventBridgeSchedulerBackend

from microlambda import App
from microlambda.bundle.archive import content_digest
from microlambda.deploy.deployer import Deployer, Outcome
from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.progress import Lines
from microlambda.deploy.session import Aws
from microlambda.emulator.cloud.moto_http import faithful_http_apis
from microlambda.emulator.cloud.moto_lambda import remembering
from microlambda.emulator.cloud.moto_logs import faithful_filters
from microlambda.emulator.cloud.moto_mappings import telling_of_mappings
from microlambda.emulator.cloud.moto_notifications import telling_of_the_bus
from microlambda.emulator.cloud.moto_rest import faithful, rest_api
from microlambda.emulator.cloud.moto_urls import urls_of_aliases
from microlambda.plan.compile import compile_plan
from microlambda.plan.plan import Plan
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import Settings, load_settings
from tests.deploy.inline import Inline

REGION = "eu-west-1"
ACCOUNT = "123456789012"
READS = ("get_", "list_", "describe_", "filter_", "Get", "List", "Describe", "Filter")


@cache
def models() -> Any:
    """botocore's service models, read once for all tests."""
    return botocore.session.get_session().get_component("data_loader")


def new_session() -> boto3.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", models())
    return boto3.Session(botocore_session=session, region_name=REGION)


def is_read(call: str) -> bool:
    """Tell whether a call of this name changes nothing."""
    return call.startswith((*READS, "Invoke"))


@dataclass
class Cloud:
    """moto behind boto3: the calls that were made, and a way to make one of them fail."""

    aws: Aws
    calls: list[str] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    before_call: Callable[[str, dict[str, Any]], None] | None = None
    after_reply: Callable[[str], None] | None = None
    lost: str | None = None
    operations: set[tuple[str, str]] = field(default_factory=set)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def changes(self) -> list[str]:
        """The calls that could change something, without those of the lock."""
        return [one for one in self.mutating if one not in ("PutParameter", "DeleteParameter")]

    @property
    def mutating(self) -> list[str]:
        return [one for one in self.calls if not is_read(one)]

    def client(self, service: str, *, region_name: str = REGION) -> Any:
        """The test's own look at the account, not in the record."""
        key = (service, region_name)
        if key not in self.clients:
            make: Any = new_session().client
            self.clients[key] = make(service, region_name=region_name)
        return self.clients[key]

    def last(self, call: str) -> dict[str, Any]:
        """The request of the last call of this name."""
        return self.requests[call]

    def on_call(self, model: Any, params: dict[str, Any], **_rest: Any) -> None:
        self.calls.append(model.name)
        self.operations.add((model.service_model.service_name, model.name))
        self.requests[model.name] = params
        if self.before_call is not None:
            self.before_call(model.name, params)

    def after_call(self, model: Any, **_rest: Any) -> None:
        if self.after_reply is not None:
            self.after_reply(model.name)
        if model.name == self.lost:
            error: Any = {"Code": "InternalFailure", "Message": "reply lost"}
            raise ClientError({"Error": error}, model.name)


class Answers:
    """What `invoke` answers: the event, unless a function error is set."""

    error: dict[str, Any] | None = None
    events: list[Any] = []  # noqa: RUF012 - emptied by the fixture


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> type[Answers]:
    """Make moto's Lambda answer, or fail, as the test says."""
    monkeypatch.setattr(Answers, "error", None)
    monkeypatch.setattr(Answers, "events", [])

    def invoke(self: Any, function: str, qualifier: str, body: Any, headers: Any, response: Any) -> bytes:
        Answers.events.append((function, json.loads(body)))
        if headers.get("X-Amz-Log-Type") == "Tail":
            response["x-amz-log-result"] = base64.b64encode(b"START\nhello\nEND\n").decode()
        if Answers.error is not None:
            response["x-amz-function-error"] = "Unhandled"
            return json.dumps(Answers.error).encode()
        return body.encode() if isinstance(body, str) else bytes(body)

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)
    return Answers


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make sure that no test finds credentials, a profile, or the real AWS."""
    import os

    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))


@contextmanager
def answering_one_at_a_time() -> Iterator[None]:
    """Let calls of several threads wait for each other inside moto, which is not made for them."""
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def answered(*given: Any, **named: Any) -> Any:
        with lock:
            return answer(*given, **named)

    with patch.object(BotocoreStubber, "__call__", answered):
        yield


@contextmanager
def unsigned() -> Iterator[None]:
    """Leave out what takes a fifth of each call's time, and of which no test learns anything.

    That is what a signature is made of, which moto does not read, and the names of moto's operations.
    """
    with (
        patch.object(SigV4Auth, "canonical_request", lambda _self, _request: ""),
        patch("moto.core.responses.method_names_from_class", cache(method_names_from_class)),
    ):
        yield


@contextmanager
def refusing_removals() -> Iterator[None]:
    """Refuse to remove a group of schedules that has gone, as AWS does; moto fails."""
    delete = EventBridgeSchedulerBackend.delete_schedule_group

    def deleted(backend: Any, name: str) -> Any:
        if name not in backend.schedule_groups:
            raise ScheduleGroupNotFound(name)
        return delete(backend, name)

    with patch.object(EventBridgeSchedulerBackend, "delete_schedule_group", deleted):
        yield


@contextmanager
def refusing_doubled_statements() -> Iterator[None]:
    """Refuse a second statement of one name in the policy of an alias, as AWS does; moto takes it."""
    add = Policy.add_statement

    def added(policy: Any, raw: str, qualifier: str | None = None) -> Any:
        name = json.loads(raw)["StatementId"]
        for one in policy.statements:
            if one["Sid"] == name and one["Resource"].partition(":function:")[2].count(":") == bool(
                qualifier
            ):
                raise LambdaClientError(
                    "ResourceConflictException", f"The statement id ({name}) provided already exists."
                )
        return add(policy, raw, qualifier)

    with patch.object(Policy, "add_statement", added):
        yield


@pytest.fixture
def cloud(no_aws: None, answers: type[Answers]) -> Iterator[Cloud]:
    """Give an empty AWS account."""
    with (
        mock_aws(config={"lambda": {"use_docker": False}}),
        answering_one_at_a_time(),
        unsigned(),
        refusing_removals(),
        refusing_doubled_statements(),
        remembering(),
        telling_of_mappings(lambda _mapping: None),
        urls_of_aliases(),
        faithful(),
        faithful_http_apis(),
        telling_of_the_bus(),
        faithful_filters(),
        patch("microlambda.deploy.session.ThreadPoolExecutor", Inline),
    ):
        session = new_session()
        sleeps: list[float] = []
        made = Cloud(aws=Aws(session.client, region=REGION, sleep=sleeps.append), sleeps=sleeps)
        session.events.register("before-call", made.on_call)
        session.events.register("after-call", made.after_call)
        yield made


def asked_of_callers(api_id: str) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Give what the stage of a REST API asks of callers, by path and method, as it was deployed."""
    api = rest_api(ACCOUNT, api_id)
    assert api is not None
    return api.stages["dev"].asked


@dataclass
class Project:
    """An app with settings, its code and dependencies, and its deployer.

    `own` has the keys of the layers of functions that lie on others than "dependencies".
    """

    root: Path
    cloud: Cloud
    app: App
    stage: str = "dev"
    code: str = "one"
    dependencies: str = "first"
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    release: str = ""  # of what is not pinned, the newest there is
    refresh: bool = False
    adopt: bool = False
    workers: int = 1  # so that the calls have one order
    built: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        (self.root / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "{REGION}"\n{text}')

    @property
    def settings(self) -> Settings:
        return load_settings(self.root, self.stage)

    @property
    def pieces(self) -> Pieces:
        own = {name: self._pieces(*keys) for name, keys in self.own.items()}
        every = Pieces(common=self._pieces("dependencies"), own=own)
        contents = {"dependencies": content_digest(self.archive("dependencies"))} if self.refresh else {}
        return every.of_content(contents)

    def _pieces(self, *layers: str) -> FunctionPieces:
        return FunctionPieces(
            code=Piece(key="code", inputs=self.code),
            layers=tuple(Piece(key=key, inputs=f"{key}-{self.dependencies}") for key in layers),
        )

    @property
    def plan(self) -> Plan:
        return compile_plan(
            self.app, self.settings, app_path="app:app", pieces=self.pieces, environ=self.environ
        )

    def deployer_in(self, region: str) -> Deployer:
        """The same stage in another region."""
        plan = compile_plan(
            self.app,
            replace(self.settings, region=region),
            app_path="app:app",
            pieces=self.pieces,
            environ=self.environ,
        )
        aws = Aws(new_session().client, region=region, sleep=self.cloud.sleeps.append)
        return self._deployer(aws, plan)

    def _deployer(self, aws: Aws, plan: Plan) -> Deployer:
        progress = Lines(self.said.append)
        return Deployer(
            aws, plan, archive=self.archive, progress=progress, workers=self.workers, adopt=self.adopt
        )

    @property
    def deployer(self) -> Deployer:
        return self._deployer(self.cloud.aws, self.plan)

    def archive(self, key: str = "code") -> bytes:
        self.built.append(key)
        return zipped(
            {"app.py": self.code} if key == "code" else {f"python/{key}.py": self.dependencies + self.release}
        )


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _shop() -> App:
    app = App("shop")

    @app.get("/")
    def index() -> dict[str, str]:
        return {"hello": "world"}

    return app


@pytest.fixture
def project(tmp_path: Path, cloud: Cloud) -> Project:
    """Give a small project that was never deployed."""
    made = Project(root=tmp_path, cloud=cloud, app=_shop())
    made.write("")
    return made


FIRST_DEPLOY = [
    *("CreateRole", "PutRolePolicy", "CreateLogGroup", "PutRetentionPolicy", "PublishLayerVersion"),
    *(
        "CreateFunction",
        "PublishVersion",
        "CreateAlias",
        "CreateApi",
        "CreateIntegration",
        "CreateRoute",
        "CreateStage",
    ),
    "AddPermission",
]


def entrance(outcome: Outcome) -> str:
    """The id of what gives the app its URL."""
    assert outcome.entrance is not None
    return outcome.entrance[1]["id"]


def deploy_again(project: Project) -> list[str]:
    """Deploy, and give the calls that could have changed something, the lock's included."""
    project.cloud.calls.clear()
    project.deployer.deploy()
    return project.cloud.mutating


def create_function(cloud: Cloud, name: str, tags: dict[str, str]) -> None:
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=f"{name}-any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    cloud.client("lambda").create_function(
        FunctionName=name, Role=role, Handler="x.y", Runtime="python3.13", Code={"ZipFile": b"x"}, Tags=tags
    )


def fail_at(cloud: Cloud, call: str, code: str = "InternalFailure", message: str = "no") -> None:
    """Make the next call of this name fail, once."""
    done: list[str] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == call and not done:
            done.append(name)
            raise ClientError({"Error": {"Code": code, "Message": message}}, name)

    cloud.before_call = before_call


def fail_always(cloud: Cloud, call: str, code: str, message: str = "no") -> None:
    """Make every call of this name fail."""

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == call:
            raise client_error(cloud, call, code, message)

    cloud.before_call = before_call


def client_error(cloud: Cloud, call: str, code: str, message: str = "no") -> ClientError:
    """Make the error that boto3 raises for this code, of the class that callers catch."""
    # A list: the deployer's other threads make clients meanwhile.
    kinds = [made.exceptions.from_code(code) for made in list(cloud.aws._clients.values())]
    kind = next((one for one in kinds if one is not ClientError), ClientError)
    error: Any = {"Code": code, "Message": message}
    raised: ClientError = kind({"Error": error}, call)
    return raised


def on_answer(cloud: Cloud, service: str, call: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the test change what AWS answers to every call of this name."""

    def after_call(parsed: dict[str, Any], **_rest: Any) -> None:
        change(parsed)

    cloud.aws.client(service).meta.events.register(f"after-call.{service}.{call}", after_call)


def lose_reply_of(cloud: Cloud, call: str) -> None:
    cloud.lost = call


def stop_at(project: Project, call: str | None, *, lost: bool) -> None:
    """Deploy, and let the first call of this name fail, or its reply be lost; without a name do nothing."""
    if call is None:
        return
    (lose_reply_of if lost else fail_at)(project.cloud, call)
    with pytest.raises(DeployFailed, match=call):
        project.deployer.deploy()
    project.cloud.before_call = project.cloud.lost = None


def unlock(cloud: Cloud) -> None:
    """Remove the lock that a failed DeleteParameter has left."""
    ssm = cloud.client("ssm")
    for parameter in ssm.describe_parameters()["Parameters"]:
        ssm.delete_parameter(Name=parameter["Name"])


def sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def account(cloud: Cloud) -> dict[str, Any]:
    """Everything that the account holds, by kind and name."""
    iam, logs, lambda_ = cloud.client("iam"), cloud.client("logs"), cloud.client("lambda")
    gateway = cloud.client("apigatewayv2")
    found: dict[str, Any] = {}
    for role in iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]:
        name, policies = role["RoleName"], role["RolePolicyList"]
        found[f"role {name}"] = {one["PolicyName"]: one["PolicyDocument"] for one in policies}
        if role["Tags"]:
            found[f"tags of {name}"] = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        if role["AttachedManagedPolicies"]:
            found[f"attached to {name}"] = [one["PolicyArn"] for one in role["AttachedManagedPolicies"]]
    for group in logs.describe_log_groups()["logGroups"]:
        found[f"log-group {group['logGroupName']}"] = group.get("retentionInDays")
    for layer in lambda_.list_layers()["Layers"]:
        versions = lambda_.list_layer_versions(LayerName=layer["LayerName"])["LayerVersions"]
        found[f"layer {layer['LayerName']}"] = [one.get("Description") for one in versions]
    for one in lambda_.list_functions()["Functions"]:
        found[f"function {one['FunctionName']}"] = function_state(lambda_, one["FunctionName"])
    for api in gateway.get_apis()["Items"]:
        found[_another(found, f"api {api['Name']}")] = http_api_state(gateway, api["ApiId"])
    for api in cloud.client("apigateway").get_rest_apis()["items"]:
        found[_another(found, f"rest-api {api['name']}")] = rest_api_state(cloud.client("apigateway"), api)
    return {**found, **api_keys(cloud.client("apigateway"))}


def _another(found: dict[str, Any], name: str) -> str:
    """Name what has the name of something that was found before, so that a doubled API shows."""
    return _another(found, f"{name}, again") if name in found else name


def api_keys(gateway: Any) -> dict[str, Any]:
    """The API keys, and the usage plans with their stages and keys; keys of one name under one."""
    found: dict[str, Any] = {}
    for key in gateway.get_api_keys()["items"]:
        found.setdefault(f"api-key {key['name']}", []).append((key["enabled"], key.get("tags")))
    apis = {api["id"]: api["name"] for api in gateway.get_rest_apis()["items"]}
    for plan in gateway.get_usage_plans()["items"]:
        keys = gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]
        stages = [(apis.get(one["apiId"]), one["stage"]) for one in plan["apiStages"]]
        state = {"tags": plan["tags"], "stages": stages, "keys": sorted(one["name"] for one in keys)}
        found.setdefault(f"usage-plan {plan['name']}", []).append(state)
    return found


def http_api_state(gateway: Any, api: str) -> dict[str, Any]:
    """An HTTP API's parts, without their ids: routes say the name of the authorizer that they ask."""
    where = {"ApiId": api}
    authorizers = gateway.get_authorizers(**where)["Items"]
    names = {one["AuthorizerId"]: one["Name"] for one in authorizers}
    return {
        "integrations": [one["IntegrationUri"] for one in gateway.get_integrations(**where)["Items"]],
        "routes": {
            one["RouteKey"]: (
                one["AuthorizationType"],
                names.get(one.get("AuthorizerId")),
                one.get("AuthorizationScopes") or [],
            )
            for one in gateway.get_routes(**where)["Items"]
        },
        "authorizers": _without(authorizers, "AuthorizerId", name="Name"),
        "stages": [one["StageName"] for one in gateway.get_stages(**where)["Items"]],
    }


def _without(found: list[dict[str, Any]], left_out: str, *, name: str) -> dict[str, Any]:
    return {one[name]: {key: value for key, value in one.items() if key != left_out} for one in found}


def rest_api_state(gateway: Any, api: dict[str, Any]) -> dict[str, Any]:
    where = {"restApiId": api["id"]}
    resources = gateway.get_resources(**where, embed=["methods"])["items"]
    authorizers = gateway.get_authorizers(**where)["items"]
    names = {one["id"]: one["name"] for one in authorizers}
    for method in (one for resource in resources for one in resource.get("resourceMethods", {}).values()):
        if "authorizerId" in method:
            method["authorizerId"] = names[method["authorizerId"]]
    deployments = {one["id"]: one["description"] for one in gateway.get_deployments(**where)["items"]}
    return {
        **{one: api[one] for one in ("endpointConfiguration", "binaryMediaTypes", "tags")},
        "methods": {one["path"]: one.get("resourceMethods") for one in resources},
        "authorizers": _without(authorizers, "id", name="name"),
        "answers": gateway.get_gateway_responses(**where)["items"],
        "stages": [
            (one["stageName"], deployments[one["deploymentId"]], one["tags"])
            for one in gateway.get_stages(**where)["item"]
        ],
        "deployments": len(deployments),
    }


OF_A_FUNCTION = (
    *("Runtime", "MemorySize", "Timeout", "Role", "Handler", "Environment", "CodeSha256", "Architectures"),
    *("EphemeralStorage", "TracingConfig", "VpcConfig", "SnapStart", "DeadLetterConfig", "LoggingConfig"),
)


def function_state(lambda_: Any, name: str) -> dict[str, Any]:
    try:
        told = lambda_.get_function(FunctionName=name, Qualifier="live")
    except lambda_.exceptions.ResourceNotFoundException:
        return {"live": None, "layers": [], "statements": []}
    configuration = told["Configuration"]
    return {
        **{one: configuration.get(one) for one in OF_A_FUNCTION},
        "layers": [one["Arn"] for one in configuration["Layers"]],
        "versions": len(lambda_.list_versions_by_function(FunctionName=name)["Versions"]) - 1,
        "aliases": [one["Name"] for one in lambda_.list_aliases(FunctionName=name)["Aliases"]],
        "statements": statements(lambda_, name),
        "concurrency": told.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        "tags": told.get("Tags"),
        "failures": failures(lambda_, name),
        "url": url(lambda_, name),
    }


def statements(lambda_: Any, name: str) -> list[str]:
    try:
        policy = json.loads(lambda_.get_policy(FunctionName=name, Qualifier="live")["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        return []
    return sorted(one["Sid"] for one in policy["Statement"])


def url(lambda_: Any, name: str) -> dict[str, Any] | None:
    """The URL of the alias, without its address."""
    try:
        answer = lambda_.get_function_url_config(FunctionName=name, Qualifier="live")
    except lambda_.exceptions.ResourceNotFoundException:
        return None
    return {one: answer[one] for one in ("AuthType", "InvokeMode", "Cors") if one in answer}


def failures(lambda_: Any, name: str) -> dict[str, Any] | None:
    """What becomes of asynchronous invocations that fail."""
    try:
        answer = lambda_.get_function_event_invoke_config(FunctionName=name, Qualifier="live")
    except lambda_.exceptions.ResourceNotFoundException:
        return None
    asked = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    return {one: answer[one] for one in asked if one in answer}


def without_numbers(account: dict[str, Any]) -> dict[str, Any]:
    """Leave out how many versions there are, and their numbers: what was repaired has had more of them."""
    numbered = {"versions": None, "layers": None}
    return {
        name: {**state, **numbered, "layer count": len(state["layers"])}
        if name.startswith("function ")
        else state[0]
        if name.startswith("layer ")
        else state
        for name, state in account.items()
    }


def clean(project: Project) -> dict[str, Any]:
    """What the account is after a deploy that nothing disturbed."""
    project.deployer.delete(logs=True)
    project.deployer.deploy()
    return without_numbers(account(project.cloud))
