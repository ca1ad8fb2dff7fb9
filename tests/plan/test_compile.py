"""From app and settings to the plan, and what is refused before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from microlambda import App, Blueprint
from microlambda.plan import ingresses
from microlambda.plan.compile import compile_plan
from microlambda.plan.errors import PlanError
from microlambda.plan.kinds import KINDS, REMOVAL_ORDER
from microlambda.plan.plan import Plan, Scope
from microlambda.plan.records import Function, Layer, LogGroup, Record, Ref, Role, Version
from microlambda.plan.view import as_data, summary, title
from microlambda.project.errors import SettingsError, ToolError
from microlambda.project.limits import INGRESS_TIMEOUTS
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import load_settings
from microlambda.runtime.naming import function_name
from tests.plan.everything import everything_for

Planner = Callable[..., Plan]

PIECES = Pieces(
    common=FunctionPieces(
        code=Piece(key="code", inputs="abc"), layers=(Piece(key="dependencies", inputs="def"),)
    )
)


@pytest.fixture
def shop(app: App) -> App:
    @app.get("/")
    def index() -> str:
        return "hello"

    return app


@pytest.fixture
def plan(tmp_path: Path, shop: App) -> Planner:
    """Plan the shop with these settings."""

    def make(text: str = "", *, app: App = shop, stage: str = "dev", **environ: str) -> Plan:
        top = "" if "region =" in text else 'region = "eu-west-1"\n'
        (tmp_path / "microlambda.toml").write_text(f'id = "k3v9x2"\n{top}{text}')
        settings = load_settings(tmp_path, stage)
        return compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ=environ)

    return make


def function(plan: Plan) -> Function:
    (record,) = plan.of_kind("function")
    assert isinstance(record, Function)
    return record


def test_a_lambda_function_is_one_of_its_own_and_nobody_may_trigger_it(plan: Planner, shop: App) -> None:
    shop.lambda_function()(nightly)
    made = plan("[functions.nightly]\nmemory = 512\n")

    functions = [record for record in made.of_kind("function") if isinstance(record, Function)]
    assert [(one.key, one.memory) for one in functions] == [("http", 256), ("nightly", 512)]
    assert functions[1].environment["MICROLAMBDA_HANDLER"] == "nightly"
    assert [record.key for record in made.of_kind("permission")] == ["http"]


def test_an_app_of_lambda_functions_alone_has_no_api(plan: Planner) -> None:
    app = App("shop")
    app.lambda_function()(nightly)

    kinds = {record.kind for record in plan(app=app).records}

    assert kinds == {"role", "log-group", "layer", "function", "version", "alias"}


def test_a_handler_that_needs_a_trigger_is_an_error_by_name(plan: Planner, shop: App) -> None:
    shop.on_mq_message(queue="orders", broker="arn:aws:mq:eu-west-1:123456789012:broker:b:b-1")(handle)

    with pytest.raises(PlanError, match=r"'handle' \(@app.on_mq_message\(.*\)\) would need triggers"):
        plan()


def test_tasks_are_deployed_and_every_function_may_call_them_and_nothing_else(
    plan: Planner, shop: App
) -> None:
    jobs = Blueprint("jobs")
    jobs.task(name="resize")(handle)
    shop.register_blueprint(jobs)
    shop.task(name="mail")(handle)
    shop.lambda_function()(nightly)

    made = plan()

    functions = [record for record in made.of_kind("function") if isinstance(record, Function)]
    names = {one.key: one.name for one in functions}
    assert list(names) == ["http", "jobs.resize", "mail", "nightly"]
    assert {one.environment["MICROLAMBDA_SERVICE"] for one in functions} == {"shop-dev"}
    for role in made.of_kind("role"):
        assert isinstance(role, Role)
        assert sorted(role.policies) == ["microlambda-logs", "microlambda-tasks"]
        (statement,) = role.policies["microlambda-tasks"]["Statement"]
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == "lambda:InvokeFunction"
        assert [str(arn) for arn in statement["Resource"]] == [
            f"arn:${{partition}}:lambda:${{region}}:${{account}}:function:{names[task]}:live"
            for task in ("jobs.resize", "mail")
        ]
    assert [record.key for record in made.of_kind("permission")] == ["http"]


def test_what_tasks_call_is_what_the_plan_names(plan: Planner, shop: App) -> None:
    jobs = Blueprint("jobs")
    jobs.task(name="resize")(handle)
    shop.register_blueprint(jobs)

    functions = [one for one in plan('name = "my shop"').of_kind("function") if isinstance(one, Function)]

    service = functions[1].environment["MICROLAMBDA_SERVICE"]
    assert functions[1].name == function_name(service, "jobs.resize")


def nightly(event: object, context: object) -> str:
    return "done"


def handle(event: object) -> None: ...


def test_the_plan_of_an_http_app_is_in_the_order_of_creation(plan: Planner) -> None:
    records = plan().records

    kinds = [record.kind for record in records]
    assert kinds == [kind for kind in KINDS if kind in kinds]
    assert [record.address for record in records] == [
        "shop-dev-http-eu-west-1",
        "/aws/lambda/shop-dev-http",
        "shop-dev-dependencies",
        "shop-dev-http",
        "shop-dev-http",
        "shop-dev-http:live",
        "shop-dev",
        "shop-dev-http:live/microlambda-http-api",
    ]


def test_a_function_lies_on_the_layers_of_its_pieces(plan: Planner) -> None:
    made = plan('python = "3.12"\narchitecture = "arm64"')

    (layer,) = made.of_kind("layer")
    assert layer == Layer(
        key="dependencies",
        name="shop-dev-dependencies",
        runtime="python3.12",
        architecture="arm64",
        inputs="def",
    )
    assert summary(layer) == ("python3.12", "arm64")
    assert function(made).layers == (Ref(kind="layer", key="dependencies"),)
    assert (function(made).archive, function(made).code_hash) == ("code", "abc")
    assert as_data(function(made))["layers"] == ["${layer.dependencies.arn}"]


def test_a_layer_that_functions_share_is_planned_once_before_the_first_of_them(
    plan: Planner, shop: App
) -> None:
    shop.lambda_function()(nightly)

    kinds = [record.kind for record in plan().records]

    assert kinds.count("layer") == 1
    assert kinds.index("layer") < kinds.index("function")


def test_the_same_input_gives_the_same_plan(plan: Planner) -> None:
    assert plan(TOKEN="x") == plan(TOKEN="x")


def test_the_functions_environment_is_resolved_and_ours_is_added(plan: Planner) -> None:
    made = plan('[environment]\nTOKEN = "${env:T}"', T="s3cret")

    assert function(made).environment == {
        "TOKEN": "s3cret",
        "MICROLAMBDA_APP": "app:app",
        "MICROLAMBDA_HANDLER": "http",
    }


def test_no_view_of_the_plan_shows_a_value_of_the_environment(plan: Planner) -> None:
    made = plan('[environment]\nTOKEN = "${env:T}"', T="s3cret")

    shown = json.dumps([as_data(record) for record in made.records]) + repr(made)

    assert "s3cret" not in shown
    assert "TOKEN" in shown


def test_tags_are_the_settings_and_ours(plan: Planner) -> None:
    made = plan('tags = { team = "red" }')

    for record in made.records:
        if hasattr(record, "tags"):
            assert record.tags == {
                "team": "red",
                "microlambda:id": "k3v9x2",
                "microlambda:app": "shop",
                "microlambda:stage": "dev",
            }


def test_the_name_in_the_settings_comes_before_the_apps(plan: Planner) -> None:
    assert function(plan('name = "store"')).name == "store-dev-http"


REFUSED = [
    pytest.param("timeout = 31", "more than http-api waits: 30 s", id="timeout"),
    pytest.param(
        'ingress = "rest-api"\ntimeout = 30', "more than rest-api waits: 29 s", id="timeout-of-rest-api"
    ),
    pytest.param(
        'endpoint_type = "edge"',
        "endpoint_type = 'edge' is for REST APIs alone, and the ingress of stage 'dev' is 'http-api'",
        id="endpoint-type",
    ),
    pytest.param("[functions.http]\ntimeout = 60", "more than http-api waits", id="timeout-of-http"),
    pytest.param(
        "ingress = 'function-url'\nbase_path = 'v1'",
        "base_path = 'v1' is for custom domains of APIs, and the ingress of stage 'dev' is 'function-url'",
        id="base-path",
    ),
    pytest.param("single_function = true", "ask for single_function, which", id="single-function"),
    pytest.param("[stages.dev]\nsingle_function = true", "ask for single_function, which", id="of-the-stage"),
    pytest.param(
        "[functions.htp]\nmemory = 512", "names no function of this App. Did you mean 'http'?", id="name"
    ),
    pytest.param('name = "app"', "the App is called 'app', as many are", id="app"),
    pytest.param('name = "main"', "the App is called 'main', as many are", id="main"),
    pytest.param(
        f'name = "{"long" * 33}"',
        "has 132 characters, and at most 128 are taken: everything on AWS is named after it. Write into "
        'microlambda.toml a shorter one: name = "',
        id="length",
    ),
    pytest.param('name = "a*b"', "characters that AWS's tags cannot", id="characters"),
    pytest.param(r'name = "a\tb"', "characters that AWS's tags cannot", id="tab"),
    pytest.param(r'name = "a\nb"', "characters that AWS's tags cannot", id="newline"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_deployed_is_refused_by_name(plan: Planner, text: str, message: str) -> None:
    with pytest.raises(PlanError) as refused:
        plan(text)

    assert message in str(refused.value)


def test_what_another_stage_asks_for_does_not_matter(plan: Planner) -> None:
    assert plan("[stages.prod]\nsingle_function = true\ntimeout = 900").records


def test_the_function_of_all_routes_is_told_of_the_base_path_and_no_other_is(plan: Planner) -> None:
    made = plan("base_path = 'shop/v1'")

    told = {
        one.key: one.environment.get("MICROLAMBDA_BASE_PATH")
        for one in made.records
        if isinstance(one, Function)
    }
    assert told.pop("http") == "/shop/v1"
    assert set(told.values()) <= {None}


@pytest.mark.parametrize("name", [None, "app", "main", "__main__"])
def test_a_name_that_many_have_is_refused_with_the_line_to_write(
    tmp_path: Path, plan: Planner, name: str | None
) -> None:
    app = App(name)
    app.get("/")(lambda: "hello")

    with pytest.raises(PlanError) as refused:
        plan(app=app)

    assert f'Write into microlambda.toml: name = "{tmp_path.name.replace("_", "-")}"' in str(refused.value)


def test_an_app_without_routes_has_nothing_to_deploy(plan: Planner) -> None:
    with pytest.raises(PlanError, match="no routes and no handlers, so there is nothing"):
        plan(app=App("shop"))


def test_a_missing_variable_is_named(plan: Planner) -> None:
    with pytest.raises(SettingsError, match="needs MISSING, which is not set"):
        plan('[environment]\nTOKEN = "${env:MISSING}"')


def test_an_environment_over_4_kb_is_refused_without_values(plan: Planner) -> None:
    with pytest.raises(SettingsError) as refused:
        plan('[environment]\nTOKEN = "${env:T}"', T="s3cret" * 680)

    assert "accepts 4096. Largest: TOKEN" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_too_many_tags_are_refused(plan: Planner) -> None:
    tags = "\n".join(f"t{number} = 'x'" for number in range(48))

    with pytest.raises(PlanError, match="51 tags are more than AWS keeps on one resource: 50"):
        plan(f"[tags]\n{tags}")


def test_a_record_before_what_it_refers_to_is_refused() -> None:
    version = Version(key="http", name="f", function=Ref(kind="function", key="http"), code_hash="x")

    with pytest.raises(PlanError, match=r"refers to function.http.arn, which is not before it"):
        Plan(scope=Scope(id="k3v9x2", app="shop", stage="dev", region="eu-west-1"), records=(version,))


def test_a_record_of_no_known_kind_is_refused() -> None:
    class Queue(Record):
        kind = "queue"

    with pytest.raises(PlanError, match="'q' is of the kind 'queue', which no backend knows"):
        Plan(
            scope=Scope(id="k3v9x2", app="shop", stage="dev", region="eu-west-1"),
            records=(Queue(key="q", name="q"),),
        )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_declared_shown_and_removed(plan: Planner, kind: str) -> None:
    app, settings = everything_for(kind)
    record, *_others = plan(settings, app=app).of_kind(kind)

    assert title(record).startswith(KINDS[kind].title)
    assert json.loads(json.dumps(as_data(record)))["kind"] == kind
    assert kind in REMOVAL_ORDER


def test_only_what_carries_all_our_tags_is_ours() -> None:
    scope = Scope(id="k3v9x2", app="shop", stage="dev", region="eu-west-1")

    assert scope.owns(scope.tags)
    for tag in scope.tags:
        assert not scope.owns({**scope.tags, tag: "other"})
    assert not Scope(id=None, app="shop", stage="dev", region="x").owns({"microlambda:id": ""})


def test_a_log_group_may_keep_for_ever(plan: Planner) -> None:
    (group,) = plan('log_retention = "forever"').of_kind("log-group")

    assert isinstance(group, LogGroup)
    assert group.retention is None


def test_every_error_of_the_plan_is_a_tool_error() -> None:
    assert issubclass(PlanError, ToolError)


def test_every_ingress_of_the_settings_can_be_planned() -> None:
    assert set(ingresses.PLANNERS) == set(INGRESS_TIMEOUTS)
