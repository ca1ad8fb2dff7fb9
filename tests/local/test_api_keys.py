"""`microlambda local` as a REST API asks for API keys; here each is what the settings call it."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from microlambda.local.server import LocalServer
from microlambda.plan.errors import PlanError

APP = """
from microlambda import App
app = App("shop")

@app.get("/orders/{RULE}", api_key_required=True)
def show(id):
    return {"id": id}
"""


def write(folder: Path, rule: str = "<id>") -> None:
    (folder / "app.py").write_text(APP.replace("{RULE}", rule))
    (folder / "microlambda.toml").write_text('ingress = "rest-api"\napi_keys = ["partner"]\n')


def status(server: LocalServer, key: str | None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", "/orders/7", headers={} if key is None else {"x-api-key": key})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_names_in_the_settings_are_the_keys(tmp_path: Path) -> None:
    write(tmp_path)

    with LocalServer(tmp_path, port=0) as server:
        assert [status(server, key) for key in ("partner", "other", None)] == [200, 403, 403]


def test_another_ingress_checks_no_key_and_the_view_is_closed(tmp_path: Path) -> None:
    write(tmp_path)

    with LocalServer(tmp_path, port=0, ingress="http-api") as server:
        assert status(server, "partner") == 403


def test_a_rule_that_no_resource_can_be_is_refused_at_the_start(tmp_path: Path) -> None:
    write(tmp_path, "v<id>")

    with pytest.raises(PlanError, match="API Gateway can have no resource for it"):
        LocalServer(tmp_path, port=0).start()
