"""Function URLs: made with what lets everybody call them, mended, moved, removed; and after interruptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda import App, IAMAuthorizer
from microlambda.cli.plan import as_data, as_lines
from microlambda.deploy.address import find_url
from microlambda.deploy.deployer import Outcome
from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import (
    ACCOUNT,
    FIRST_DEPLOY,
    REGION,
    Cloud,
    Project,
    account,
    clean,
    client_error,
    deploy_again,
    entrance,
    fail_at,
    on_answer,
    unlock,
    url,
    without_numbers,
)

NAME = "shop-dev-http"
ALIAS = {"FunctionName": NAME, "Qualifier": "live"}
ALIAS_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}:live"
OPEN = {"AuthType": "NONE", "InvokeMode": "BUFFERED"}
STATEMENTS = ["microlambda-function-url", "microlambda-function-url-invoke"]
URL, HTTP_API = 'ingress = "function-url"', 'ingress = "http-api"'
FAILED_OR_LOST = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


@pytest.fixture
def project(project: Project) -> Project:
    project.write(URL)
    return project


def interrupt(cloud: Cloud, call: str, number: int = 1, *, lost: bool) -> None:
    """Let the call of this name and number fail, or let its reply be lost."""
    seen: list[str] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        seen.append(name)
        if name == call and seen.count(call) == number:
            if not lost:
                raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no"}}, name)
            cloud.lost = call

    cloud.before_call = before_call


def go_on(cloud: Cloud) -> None:
    cloud.before_call = cloud.lost = None
    unlock(cloud)


def policy(cloud: Cloud) -> dict[str, Any]:
    """The statements of the alias's policy, by id, without what all have."""
    document = json.loads(cloud.client("lambda").get_policy(**ALIAS)["Policy"])
    return {
        one["Sid"]: {name: one[name] for name in ("Action", "Principal", "Condition")}
        for one in document["Statement"]
    }


def told(outcome: Outcome) -> list[str]:
    return [change.line for change in outcome.changes]


def test_the_alias_gets_a_url_that_everybody_may_call(project: Project, cloud: Cloud) -> None:
    outcome = project.deployer.deploy()

    config = cloud.client("lambda").get_function_url_config(**ALIAS)
    assert config["FunctionArn"] == ALIAS_ARN
    assert {name: config[name] for name in OPEN} == OPEN
    assert "Cors" not in config
    assert config["FunctionUrl"] == outcome.url == f"https://{entrance(outcome)}.lambda-url.{REGION}.on.aws/"
    assert policy(cloud) == {
        "microlambda-function-url": {
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "*",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        },
        "microlambda-function-url-invoke": {
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        },
    }
    assert cloud.client("apigatewayv2").get_apis()["Items"] == []
    assert told(outcome)[-1] == f"+ URL of {NAME}: open to the internet"


def test_who_may_call_is_known_before_there_is_a_url_to_call(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    assert cloud.changes[-3:] == ["AddPermission", "AddPermission", "CreateFunctionUrlConfig"]


def test_a_second_deploy_changes_nothing(project: Project) -> None:
    first = project.deployer.deploy()

    assert deploy_again(project) == []
    assert project.deployer.deploy().url == first.url


def test_the_url_is_found_again(project: Project, cloud: Cloud) -> None:
    outcome = project.deployer.deploy()

    assert find_url(cloud.aws, project.plan.scope) == outcome.url


def test_a_code_change_leaves_the_url(project: Project, cloud: Cloud) -> None:
    first = project.deployer.deploy()
    project.code = "two"
    cloud.calls.clear()

    second = project.deployer.deploy()

    assert cloud.changes == ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"]
    assert second.url == first.url


FIRST = [
    *((call, 1) for call in FIRST_DEPLOY[: FIRST_DEPLOY.index("CreateApi")]),
    *(("AddPermission", 1), ("AddPermission", 2), ("CreateFunctionUrlConfig", 1)),
]


def test_the_calls_of_a_first_deploy_are_those_that_are_interrupted(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    assert sorted(cloud.changes) == sorted(call for call, _ in FIRST)


@pytest.mark.slow
@pytest.mark.parametrize(("call", "number"), FIRST)
@FAILED_OR_LOST
def test_a_first_deploy_that_is_interrupted_anywhere_converges_on_the_next_run(
    project: Project, call: str, number: int, lost: bool
) -> None:
    interrupt(project.cloud, call, number, lost=lost)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    go_on(project.cloud)

    project.deployer.deploy()

    assert without_numbers(account(project.cloud)) == clean(project)
    assert deploy_again(project) == []


def test_a_url_whose_making_was_repeated_by_itself_is_taken_for_ours(project: Project, cloud: Cloud) -> None:
    """The SDK repeats a call whose reply it did not get, and is told that the URL is there."""

    def made_already(name: str, params: dict[str, Any]) -> None:
        if name == "CreateFunctionUrlConfig":
            cloud.before_call = None
            cloud.client("lambda").create_function_url_config(
                **ALIAS, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"]}
            )

    cloud.before_call = made_already

    outcome = project.deployer.deploy()

    config = cloud.client("lambda").get_function_url_config(**ALIAS)
    assert config["FunctionUrl"] == outcome.url
    assert {name: config[name] for name in OPEN} == OPEN
    assert deploy_again(project) == []


def test_a_function_that_is_at_work_on_something_else_is_the_deploys_failure(
    project: Project, cloud: Cloud
) -> None:
    def busy(name: str, params: dict[str, Any]) -> None:
        if name == "CreateFunctionUrlConfig":
            raise client_error(cloud, name, "ResourceConflictException", "An update is in progress")

    cloud.before_call = busy

    with pytest.raises(DeployFailed, match="An update is in progress"):
        project.deployer.deploy()


def set_cors_by_hand(cloud: Cloud) -> None:
    cloud.client("lambda").update_function_url_config(**ALIAS, Cors={"AllowOrigins": ["*"]})


def ask_for_iam_by_hand(cloud: Cloud) -> None:
    cloud.client("lambda").update_function_url_config(**ALIAS, AuthType="AWS_IAM")


def stream_by_hand(cloud: Cloud) -> None:
    cloud.client("lambda").update_function_url_config(**ALIAS, InvokeMode="RESPONSE_STREAM")


def lose_the_url(cloud: Cloud) -> None:
    cloud.client("lambda").delete_function_url_config(**ALIAS)


def lose_the_alias(cloud: Cloud) -> None:
    for statement in STATEMENTS:  # on AWS a policy goes with its alias; moto keeps it
        cloud.client("lambda").remove_permission(**ALIAS, StatementId=statement)
    cloud.client("lambda").delete_alias(FunctionName=NAME, Name="live")


def lose(statement: str) -> Callable[[Cloud], None]:
    def lost(cloud: Cloud) -> None:
        cloud.client("lambda").remove_permission(**ALIAS, StatementId=statement)

    lost.__name__ = f"lose_{statement}"
    return lost


def put_instead(statement: str, **asked: Any) -> Callable[[Cloud], None]:
    def put(cloud: Cloud) -> None:
        lose(statement)(cloud)
        cloud.client("lambda").add_permission(**ALIAS, StatementId=statement, Principal="*", **asked)

    put.__name__ = f"change_{statement}"
    return put


DRIFTS = [
    set_cors_by_hand,
    ask_for_iam_by_hand,
    stream_by_hand,
    lose_the_url,
    lose_the_alias,
    *(lose(statement) for statement in STATEMENTS),
    put_instead(STATEMENTS[0], Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="AWS_IAM"),
    put_instead(STATEMENTS[1], Action="lambda:InvokeFunction"),
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__)
def test_what_was_changed_by_hand_is_put_right(
    project: Project, cloud: Cloud, drift: Callable[[Cloud], None]
) -> None:
    project.deployer.deploy()
    before, said = account(cloud), policy(cloud)
    drift(cloud)

    assert project.deployer.changes() != ()
    project.deployer.deploy()

    assert deploy_again(project) == []
    assert without_numbers(account(cloud)) == without_numbers(before)
    assert policy(cloud) == said


def test_a_plan_says_what_differs(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    set_cors_by_hand(cloud)
    ask_for_iam_by_hand(cloud)
    stream_by_hand(cloud)
    put_instead(STATEMENTS[1], Action="lambda:InvokeFunction")(cloud)

    assert [change.line for change in project.deployer.changes()] == [
        f"~ permission {STATEMENTS[1]} of {NAME}: through a URL",
        f"~ URL of {NAME}: authorization AWS_IAM -> NONE, invoke mode RESPONSE_STREAM -> BUFFERED, "
        "CORS beside the app's",
    ]


def test_a_change_by_hand_leaves_the_url_where_it_is(project: Project, cloud: Cloud) -> None:
    first = project.deployer.deploy()
    set_cors_by_hand(cloud)

    assert project.deployer.deploy().url == first.url


def test_what_a_browser_does_without_is_no_cors(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    cloud.client("lambda").update_function_url_config(**ALIAS, Cors={"AllowCredentials": False, "MaxAge": 0})

    assert project.deployer.changes() == ()


def test_a_url_of_the_function_itself_is_its_makers(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    cloud.client("lambda").create_function_url_config(FunctionName=NAME, AuthType="AWS_IAM")

    assert project.deployer.changes() == ()
    assert cloud.client("lambda").get_function_url_config(FunctionName=NAME)["AuthType"] == "AWS_IAM"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drift", "call"),
    [
        pytest.param(set_cors_by_hand, "UpdateFunctionUrlConfig", id="url"),
        pytest.param(DRIFTS[-1], "RemovePermission", id="statement-removed"),
        pytest.param(DRIFTS[-1], "AddPermission", id="statement-added"),
    ],
)
@FAILED_OR_LOST
def test_an_update_that_is_interrupted_converges_on_the_next_run(
    project: Project, cloud: Cloud, drift: Callable[[Cloud], None], call: str, lost: bool
) -> None:
    project.deployer.deploy()
    before, said = account(cloud), policy(cloud)
    drift(cloud)
    interrupt(cloud, call, lost=lost)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    go_on(cloud)

    project.deployer.deploy()

    assert account(cloud) == before
    assert policy(cloud) == said
    assert deploy_again(project) == []


REMOVALS = [
    ("DeleteFunctionUrlConfig", 1),
    ("RemovePermission", 1),
    ("RemovePermission", 2),
    ("DeleteAlias", 1),
    ("DeleteFunction", 1),
    ("DeleteLayerVersion", 1),
    ("DeleteRolePolicy", 1),
    ("DeleteRole", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("call", "number"), REMOVALS)
@FAILED_OR_LOST
def test_a_delete_that_is_interrupted_anywhere_goes_on_with_the_next_run(
    project: Project, call: str, number: int, lost: bool
) -> None:
    project.deployer.deploy()
    interrupt(project.cloud, call, number, lost=lost)
    with pytest.raises(DeployFailed):
        project.deployer.delete(logs=True)
    go_on(project.cloud)

    project.deployer.delete(logs=True)

    assert account(project.cloud) == {}


def test_the_url_is_the_first_to_go(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    cloud.calls.clear()

    project.deployer.delete()

    assert cloud.changes[:4] == [
        "DeleteFunctionUrlConfig",
        "RemovePermission",
        "RemovePermission",
        "DeleteAlias",
    ]


def test_a_url_that_has_just_gone_is_no_failure(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    def gone_first(name: str, params: dict[str, Any]) -> None:
        if name == "DeleteFunctionUrlConfig":
            cloud.before_call = None
            lose_the_url(cloud)

    cloud.before_call = gone_first

    project.deployer.delete(logs=True)

    assert account(cloud) == {}


def test_a_url_takes_the_place_of_an_api_before_that_goes(project: Project, cloud: Cloud) -> None:
    project.write(HTTP_API)
    project.deployer.deploy()
    cloud.calls.clear()
    project.write(URL)

    outcome = project.deployer.deploy()

    assert cloud.changes == [
        "AddPermission",
        "AddPermission",
        "CreateFunctionUrlConfig",
        "DeleteApi",
        "RemovePermission",
    ]
    assert deploy_again(project) == []
    assert find_url(cloud.aws, project.plan.scope) == outcome.url
    assert without_numbers(account(cloud)) == clean(project)


def test_an_api_takes_the_place_of_a_url_before_that_goes(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    cloud.calls.clear()
    project.write(HTTP_API)

    outcome = project.deployer.deploy()

    assert cloud.changes == [
        *("CreateApi", "CreateIntegration", "CreateRoute", "CreateStage", "AddPermission"),
        *("DeleteFunctionUrlConfig", "RemovePermission", "RemovePermission"),
    ]
    assert outcome.url is not None
    assert ".execute-api." in outcome.url
    assert deploy_again(project) == []
    assert find_url(cloud.aws, project.plan.scope) == outcome.url
    assert without_numbers(account(cloud)) == clean(project)


MOVES = [
    *((HTTP_API, URL, call, number) for call, number in FIRST[-3:]),
    *((HTTP_API, URL, call, 1) for call in ("DeleteApi", "RemovePermission")),
    *((URL, HTTP_API, call, 1) for call in FIRST_DEPLOY[-5:]),
    *((URL, HTTP_API, "DeleteFunctionUrlConfig", 1), (URL, HTTP_API, "RemovePermission", 1)),
    (URL, HTTP_API, "RemovePermission", 2),
]


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "call", "number"), MOVES)
@FAILED_OR_LOST
def test_another_ingress_that_is_interrupted_anywhere_converges_on_the_next_run(
    project: Project, old: str, new: str, call: str, number: int, lost: bool
) -> None:
    project.write(old)
    project.deployer.deploy()
    project.write(new)
    interrupt(project.cloud, call, number, lost=lost)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    go_on(project.cloud)

    project.deployer.deploy()

    assert deploy_again(project) == []
    assert without_numbers(account(project.cloud)) == clean(project)


def test_an_interrupted_first_deploy_says_which_permission_is_missing(project: Project, cloud: Cloud) -> None:
    message = (
        f"User: me is not authorized to perform: lambda:CreateFunctionUrlConfig on resource: {ALIAS_ARN}"
    )
    fail_at(cloud, "CreateFunctionUrlConfig", "AccessDeniedException", message)

    with pytest.raises(DeployFailed, match="lambda:CreateFunctionUrlConfig"):
        project.deployer.deploy()


@pytest.mark.parametrize("everybody", [{"AWS": "*"}, {"AWS": ["*"]}], ids=["word", "list"])
def test_everybody_is_everybody_however_aws_writes_it(
    project: Project, cloud: Cloud, everybody: dict[str, Any]
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html."""
    project.deployer.deploy()

    def write_otherwise(answer: dict[str, Any]) -> None:
        document = json.loads(answer["Policy"])
        for statement in document["Statement"]:
            statement["Principal"] = everybody
        answer["Policy"] = json.dumps(document)

    on_answer(cloud, "lambda", "GetPolicy", write_otherwise)

    assert deploy_again(project) == []


def test_a_url_that_somebody_gave_the_alias_stays_where_none_is_planned(
    project: Project, cloud: Cloud
) -> None:
    project.write(HTTP_API)
    outcome = project.deployer.deploy()
    cloud.client("lambda").create_function_url_config(**ALIAS, AuthType="AWS_IAM")

    assert deploy_again(project) == []
    assert find_url(cloud.aws, project.plan.scope) == outcome.url
    assert cloud.client("lambda").get_function_url_config(**ALIAS)["AuthType"] == "AWS_IAM"


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_url_of_ours_goes_even_where_one_of_its_permissions_was_lost(
    project: Project, cloud: Cloud, statement: str
) -> None:
    project.deployer.deploy()
    lose(statement)(cloud)
    project.write(HTTP_API)

    project.deployer.deploy()

    assert url(cloud.client("lambda"), NAME) is None
    assert deploy_again(project) == []


def test_a_plan_says_that_a_url_is_opened_again(project: Project, cloud: Cloud) -> None:
    outcome = project.deployer.deploy()
    ask_for_iam_by_hand(cloud)

    lines = as_lines(project.plan, project.deployer.changes(), cloud.aws)

    opened = lines[lines.index("Reachable from the internet from then on, by everybody:") + 1]
    assert opened == f"  URL of {NAME} ({outcome.url})"


def test_a_plan_says_that_everybody_may_call_again(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    cloud.client("lambda").remove_permission(
        FunctionName="shop-dev-http", Qualifier="live", StatementId="microlambda-function-url"
    )
    changes = project.deployer.changes()

    lines = as_lines(project.plan, changes, cloud.aws)
    told = as_data(project.plan, changes, cloud.aws)

    opened = lines.index("Reachable from the internet from then on, by everybody:")
    assert lines[opened + 1] == f"  permission microlambda-function-url of {NAME}"
    assert told["opens"] == [{"kind": "permission", "name": "microlambda-function-url"}]


def test_a_plan_that_only_deletes_says_so_plainly(project: Project, cloud: Cloud) -> None:
    project.app.lambda_function(name="work")(lambda event, context: None)
    project.deployer.deploy()
    project.app = App("shop")
    project.app.get("/")(lambda: "hello")

    lines = as_lines(project.plan, project.deployer.changes(), cloud.aws)

    assert lines[lines.index("Deleted:") + 1].startswith("- ")


def test_a_plan_says_of_a_url_that_stays_open_nothing(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    set_cors_by_hand(cloud)

    told = as_data(project.plan, project.deployer.changes(), cloud.aws)

    assert (len(told["changes"]), told["opens"], told["closes"]) == (1, [], [])


SIGNED = {
    "microlambda-function-url": {
        "Action": "lambda:InvokeFunctionUrl",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
    },
    "microlambda-function-url-invoke": {
        "Action": "lambda:InvokeFunction",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    },
}


def ask_for_signatures(project: Project) -> None:
    project.app = App("shop")
    project.app.default_authorizer = IAMAuthorizer()
    project.app.get("/")(lambda: "hello")


def ask_for_nothing(project: Project) -> None:
    project.app = App("shop")
    project.app.get("/")(lambda: "hello")


def test_a_url_of_protected_views_asks_for_signatures_and_lets_this_account_in(
    project: Project, cloud: Cloud
) -> None:
    ask_for_signatures(project)

    outcome = project.deployer.deploy()

    assert cloud.client("lambda").get_function_url_config(**ALIAS)["AuthType"] == "AWS_IAM"
    assert f'"Principal": "{ACCOUNT}"' in str(cloud.last("AddPermission")["body"])
    assert policy(cloud) == SIGNED
    assert told(outcome)[-1] == f"+ URL of {NAME}: open to callers of this account"
    assert deploy_again(project) == []
    assert find_url(cloud.aws, project.plan.scope) == outcome.url


def test_an_account_may_be_written_as_its_id(project: Project, cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html."""
    ask_for_signatures(project)
    project.deployer.deploy()

    def write_otherwise(answer: dict[str, Any]) -> None:
        document = json.loads(answer["Policy"])
        for statement in document["Statement"]:
            statement["Principal"] = {"AWS": [ACCOUNT]}
        answer["Policy"] = json.dumps(document)

    on_answer(cloud, "lambda", "GetPolicy", write_otherwise)

    assert deploy_again(project) == []


@pytest.mark.parametrize("theirs", ["arn:aws:iam::111122223333:root", f"arn:aws:iam::{ACCOUNT}:role/x"])
def test_another_caller_is_put_right(project: Project, cloud: Cloud, theirs: str) -> None:
    ask_for_signatures(project)
    project.deployer.deploy()
    lose(STATEMENTS[1])(cloud)
    cloud.client("lambda").add_permission(
        **ALIAS,
        StatementId=STATEMENTS[1],
        Principal=theirs,
        Action="lambda:InvokeFunction",
        InvokedViaFunctionUrl=True,
    )

    assert told(project.deployer.deploy()) == [f"~ permission {STATEMENTS[1]} of {NAME}: principal"]

    assert policy(cloud) == SIGNED


def test_a_plan_does_not_take_a_url_that_asks_for_signatures_for_open(project: Project, cloud: Cloud) -> None:
    ask_for_signatures(project)
    for _ in ("new", "again"):
        changes = project.deployer.changes()
        assert changes != ()
        assert as_data(project.plan, changes, cloud.aws)["opens"] == []
        assert "Reachable" not in "\n".join(as_lines(project.plan, changes, cloud.aws))
        project.deployer.deploy()
        set_cors_by_hand(cloud)


def test_a_plan_says_that_a_url_asks_for_signatures_no_more(project: Project, cloud: Cloud) -> None:
    ask_for_signatures(project)
    outcome = project.deployer.deploy()
    ask_for_nothing(project)

    lines = as_lines(project.plan, project.deployer.changes(), cloud.aws)

    opened = lines[lines.index("Reachable from the internet from then on, by everybody:") + 1]
    assert opened == f"  URL of {NAME} ({outcome.url})"
    assert "~ URL of shop-dev-http: authorization AWS_IAM -> NONE" in lines


ASKS = [("RemovePermission", 1), ("AddPermission", 2), ("UpdateFunctionUrlConfig", 1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [(ask_for_nothing, ask_for_signatures), (ask_for_signatures, ask_for_nothing)],
    ids=["closed", "opened"],
)
@pytest.mark.parametrize(("call", "number"), ASKS)
@FAILED_OR_LOST
def test_another_authorization_that_is_interrupted_converges_on_the_next_run(
    project: Project, before: Any, after: Any, call: str, number: int, lost: bool
) -> None:
    before(project)
    first = project.deployer.deploy()
    after(project)
    interrupt(project.cloud, call, number, lost=lost)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    go_on(project.cloud)

    assert project.deployer.deploy().url == first.url

    assert deploy_again(project) == []
    assert without_numbers(account(project.cloud)) == clean(project)


NOT_HERE = "Unable to determine service/operation name to be authorized"


def without_urls(cloud: Cloud) -> None:
    """Let the region be one that has no URLs of functions.

    https://github.com/zappa/Zappa/issues/1425, https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
    """

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name.endswith("FunctionUrlConfig"):
            raise client_error(cloud, name, "AccessDeniedException", NOT_HERE)

    cloud.before_call = before_call


def test_a_region_without_urls_of_functions_has_apis(project: Project, cloud: Cloud) -> None:
    without_urls(cloud)
    project.write(HTTP_API)

    project.deployer.deploy()

    assert deploy_again(project) == []
    project.deployer.delete(logs=True)
    assert account(cloud) == {}


def test_that_a_region_has_no_urls_of_functions_is_said(project: Project, cloud: Cloud) -> None:
    without_urls(cloud)
    said = "needs CreateFunctionUrlConfig, which AWS does not have in this region"

    for _ in ("first", "again"):
        with pytest.raises(DeployFailed, match=said):
            project.deployer.deploy()


def test_who_may_not_look_for_a_url_is_told_so(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    fail_at(cloud, "GetFunctionUrlConfig", "AccessDeniedException", "User: me is not authorized")

    with pytest.raises(DeployFailed, match="GetFunctionUrlConfig, which this identity lacks"):
        project.deployer.deploy()
