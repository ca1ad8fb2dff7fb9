"""Views that ask for an API key, in the plan: the resources of their REST API, the keys, the usage plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.plan.authorizers import guards
from microlambda.plan.errors import PlanError
from microlambda.plan.protected import RESOURCES, explicit_resources
from microlambda.plan.records import ApiKey, Guard, Ref, RestApi, UsagePlan
from microlambda.plan.view import as_data, summary
from microlambda.project.settings import SettingsError
from tests.plan.planning import plan_in

KEYS = 'ingress = "rest-api"\napi_keys = ["partner-a", "partner-b"]\n'


def view(**arguments: Any) -> str:
    return str(arguments)


def app_of(*keyed: str, opened: tuple[str, ...] = (), methods: tuple[str, ...] = ("GET",)) -> App:
    app = App("shop")
    for rule in keyed:
        app.add_url_rule(rule, f"keyed {rule}", view, methods=methods, api_key_required=True)
    for rule in opened:
        app.add_url_rule(rule, f"open {rule}", view)
    return app


READ = ("GET", "HEAD")


def resources_of(app: App) -> dict[str, tuple[str, ...]]:
    """Give the resources, and the methods on them that ask for a key."""
    return {
        path: keyed(methods) for path, methods in explicit_resources(app, guards(app, "rest-api")).items()
    }


def keyed(methods: Mapping[str, Guard]) -> tuple[str, ...]:
    assert all(guard == Guard(api_key=True) for guard in methods.values())
    return tuple(methods)


@pytest.mark.parametrize(
    ("keyed", "opened", "resources"),
    [
        pytest.param(["/"], (), {"/": READ, "/{proxy+}": ()}, id="root"),
        pytest.param(
            ["/orders"],
            (),
            {"/": (), "/orders": READ, "/orders/{proxy+}": (), "/{proxy+}": ()},
            id="literal",
        ),
        pytest.param(
            ["/users/<id>"],
            (),
            {"/": (), "/users": (), "/users/{id}": READ, "/users/{id}/{proxy+}": (), "/{proxy+}": ()},
            id="capture",
        ),
        pytest.param(
            ["/users/<int:id>/<any(a,b):part>"],
            (),
            {
                **{"/": (), "/users": (), "/users/{id}": (), "/users/{id}/{part}": READ},
                **{"/users/{id}/{part}/{proxy+}": (), "/{proxy+}": ()},
            },
            id="converters",
        ),
        pytest.param(
            ["/files/<path:rest>"],
            (),
            {"/": (), "/files": (), "/files/{rest+}": READ, "/{proxy+}": ()},
            id="the-rest",
        ),
        pytest.param(
            ["/users/<string:id>", "/users/me/"],
            (),
            {
                **{"/": (), "/users": (), "/users/me": READ, "/users/me/{proxy+}": ()},
                **{"/users/{id}": READ, "/users/{id}/{proxy+}": (), "/{proxy+}": ()},
            },
            id="literal-beside-capture",
        ),
        pytest.param(
            ["/users/{id}"],
            ("/users/me", "/users/<id>/orders", "/users", "/<path:rest>"),
            {
                **{"/": (), "/users": (), "/users/me": (), "/users/me/{proxy+}": ()},
                **{"/users/{id}": READ, "/users/{id}/{proxy+}": (), "/{proxy+}": ()},
            },
            id="open-literal-beside-capture",
        ),
        pytest.param(
            ["/files/{rest+}"],
            ("/files/readme/<int:page>",),
            {
                **{"/": (), "/files": (), "/files/readme": (), "/files/readme/{proxy+}": ()},
                **{"/files/{rest+}": READ, "/{proxy+}": ()},
            },
            id="open-literal-beside-the-rest",
        ),
        pytest.param(
            ["/users/me"],
            ("/users/<int:id>", "/users/<id>"),
            {"/": (), "/users": (), "/users/me": READ, "/users/me/{proxy+}": (), "/users/{proxy+}": ()}
            | {"/{proxy+}": ()},
            id="open-capture-beside-literal",
        ),
    ],
)
def test_a_view_has_a_resource_of_its_own_beside_the_catch_alls(
    keyed: list[str], opened: tuple[str, ...], resources: dict[str, tuple[str, ...]]
) -> None:
    assert resources_of(app_of(*keyed, opened=opened)) == resources


@pytest.mark.parametrize(
    ("keyed", "opened"),
    [
        ("/reports/<year>", "/reports/2026/summary"),
        ("/reports/<year>", "/reports/2026/<path:rest>"),
        ("/reports/<year>", "/reports/@all/summary"),
        ("/reports/<year>/summary", "/reports/2026"),
        ("/reports/<year>/<path:rest>", "/reports/2026"),
    ],
)
def test_an_open_rule_of_another_length_takes_no_path_of_a_view(keyed: str, opened: str) -> None:
    alone = resources_of(app_of(keyed))

    assert resources_of(app_of(keyed, opened=(opened,))) == alone


def test_parents_come_before_what_is_in_them() -> None:
    seen: set[str] = set()
    for path in resources_of(app_of("/a/b/<c>/d", "/a/<path:rest>", "/b.c")):
        assert path.rpartition("/")[0] in (seen | {""})
        seen.add(path)


def test_an_open_method_beside_is_one_of_any(tmp_path: Path) -> None:
    app = app_of("/users/<id>", methods=("PUT", "DELETE"))
    app.add_url_rule("/users/<id>", "show", view)

    assert resources_of(app)["/users/{id}"] == ("DELETE", "PUT")


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        pytest.param(["/users/v<id>"], "its parts are fixed", id="part-of-a-part"),
        pytest.param(["/a/<path:b>/c"], "its parts are fixed", id="the-rest-in-between"),
        pytest.param(["/caf\u00e9"], "a-z A-Z 0-9 . _ - : alone, unlike 'caf\u00e9'", id="letter"),
        pytest.param(["/a/@b"], "unlike '@b'", id="character"),
        pytest.param(["/<tenant>/users"], "the API's own catch-all has that place", id="first"),
        pytest.param(["/<path:rest>"], "the API's own catch-all has that place", id="everything"),
        pytest.param(
            ["/users/<id>", "/users/<name>/orders"],
            r"one variable to a place, \{name\} here, and \{id\} in '/users/<id>'.*Call both alike",
            id="two-names",
        ),
        pytest.param(["/a/<id>", "/a/<path:id>"], "one variable to a place", id="capture-and-the-rest"),
    ],
)
def test_a_rule_that_no_resource_can_be_is_refused(tmp_path: Path, rules: list[str], why: str) -> None:
    with pytest.raises(
        PlanError, match=f"'{rules[-1][:4]}.*API Gateway can have no resource for it: .*{why}"
    ):
        plan_in(tmp_path, app_of(*rules), KEYS)


@pytest.mark.parametrize(
    ("keyed", "opened"),
    [
        ("/users/<id>", "/users/<int:id>"),
        ("/users/<id>", "/users/v<id>"),
        ("/files/<path:rest>", "/files/<name>"),
        ("/files/<path:rest>", "/files/<a>/<b>"),
        ("/users/<id>", "/users/@me"),
        ("/orders", "/orders/"),
    ],
)
def test_an_open_rule_that_the_gateway_cannot_tell_apart_is_refused(
    tmp_path: Path, keyed: str, opened: str
) -> None:
    with pytest.raises(PlanError, match="is open, and API Gateway cannot tell its paths") as told:
        plan_in(tmp_path, app_of(keyed, opened=(opened,)), KEYS)

    assert repr(keyed) in str(told.value)
    assert repr(opened) in str(told.value)


def test_a_converter_of_the_users_is_a_capture_like_others() -> None:
    from microlambda.runtime.routing.captures import Converter

    class Short(Converter):
        regex = "[a-z]"

    class Rest(Converter):
        regex = "[a-z/]+"

    app = App("shop")
    app.url_map.converters.update(default=Short, rest=Rest)
    app.get("/users/<name>", api_key_required=True)(view)
    app.get("/files/<rest:name>", endpoint="files", api_key_required=True)(view)

    found = resources_of(app)

    assert (found["/users/{name}"], found["/files/{name+}"]) == (READ, READ)


def test_more_resources_than_an_api_has_are_refused(tmp_path: Path) -> None:
    rules = [f"/r{number}" for number in range(RESOURCES)]

    with pytest.raises(PlanError, match="need 602 resources of the REST API, and AWS gives it 300"):
        plan_in(tmp_path, app_of(*rules), KEYS)


@pytest.mark.parametrize("ingress", ["http-api", "function-url"])
def test_an_ingress_that_checks_no_keys_is_refused(tmp_path: Path, ingress: str) -> None:
    with pytest.raises(PlanError) as told:
        plan_in(tmp_path, app_of("/orders"), f'ingress = "{ingress}"\napi_keys = ["a"]')

    assert "the view of '/orders' (keyed /orders, " in str(told.value)
    assert f"the ingress {ingress!r} cannot check. Write ingress = 'rest-api'." in str(told.value)


def test_a_view_that_nobody_could_call_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"'/orders'.* the stage 'dev' has none.*Write api_keys = "):
        plan_in(tmp_path, app_of("/orders"), 'ingress = "rest-api"')


def test_keys_that_no_view_asks_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"api_keys = \['partner-a', 'partner-b'\].*Remove the line"):
        plan_in(tmp_path, app_of(opened=("/",)), KEYS)


def test_a_stage_may_have_keys_of_its_own(tmp_path: Path) -> None:
    plan = plan_in(tmp_path, app_of("/orders"), KEYS + '[stages.dev]\napi_keys = ["tests"]')

    assert [record.key for record in plan.of_kind("api-key")] == ["tests"]


def test_each_name_is_a_key_and_the_usage_plan_has_them_all(tmp_path: Path) -> None:
    plan = plan_in(tmp_path, app_of("/orders"), KEYS)

    keys, (usage,), (api,) = (plan.of_kind(one) for one in ("api-key", "usage-plan", "rest-api"))
    assert [record.name for record in keys] == ["shop-dev-partner-a", "shop-dev-partner-b"]
    assert isinstance(keys[0], ApiKey)
    assert keys[0].tags == {**plan.scope.tags, "microlambda:key": "partner-a"}
    assert isinstance(usage, UsagePlan)
    assert (usage.name, usage.stage, usage.tags) == ("shop-dev", "dev", plan.scope.tags)
    assert usage.api == Ref(kind="rest-api", key="http", attribute="id")
    assert summary(usage) == ("for partner-a, partner-b",)
    assert isinstance(api, RestApi)
    assert keyed(api.resources["/orders"]) == READ
    assert json.loads(json.dumps(as_data(usage)))["api_keys"] == [
        "${api-key.partner-a.id}",
        "${api-key.partner-b.id}",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('api_keys = "partner"', "must be a list of names"),
        ("api_keys = [1]", "must be a list of names"),
        ('api_keys = [""]', "has 1 to 64 letters"),
        ('api_keys = ["a b"]', "holds 'a b'; the name of an API key has"),
        ('api_keys = ["a", "a"]', "holds 'a' more than once"),
        ('[functions.http]\napi_keys = ["a"]', "api_keys"),
    ],
)
def test_wrong_names_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        plan_in(tmp_path, app_of("/orders"), text)


def test_too_many_tags_for_a_key_are_refused(tmp_path: Path) -> None:
    tags = ", ".join(f'"t{number}" = "x"' for number in range(47))

    with pytest.raises(PlanError, match="50 tags leave no room for the one that tells API keys apart"):
        plan_in(tmp_path, app_of("/orders"), f"{KEYS}tags = {{ {tags} }}")
