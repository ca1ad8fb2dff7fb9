"""Code written for Chalice runs with `App` in place of its name: the shapes that its tutorials use."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda import App, Response

sent: list[dict[str, Any]] = []


class Refusal(Exception):
    msg = "Unable to create record: Authenticate"


class Receipt:
    sid = "SM1"


def send(payload_params: dict[str, Any]) -> Receipt | None:
    if payload_params["msg"] == "refuse":
        raise Refusal
    sent.append(payload_params)
    return None if payload_params["msg"] == "nothing" else Receipt()


app = App(app_name="sms-shooter")


@app.route("/")
def index() -> dict[str, str]:
    return {"hello": "world"}


@app.route("/service/sms/send", methods=["POST"])
def send_sms() -> Response:
    request_body = app.current_request.json_body
    if not request_body:
        return Response(status_code=400, body={"status": "failure", "message": "no body"})
    try:
        resp = send(request_body)
        if resp:
            return Response(
                status_code=201,
                headers={"Content-Type": "application/json"},
                body={"status": "success", "data": resp.sid, "message": "SMS successfully sent"},
            )
        return Response(
            status_code=200,
            headers={"Content-Type": "application/json"},
            body={"status": "failure", "message": "Please try again!!!"},
        )
    except Refusal as exc:
        return Response(
            status_code=400,
            headers={"Content-Type": "application/json"},
            body={"status": "failure", "message": exc.msg},
        )


@app.route("/cities/{city}", methods=["GET", "PUT"], name="city")
def state_of_city(city: str) -> dict[str, Any]:
    request = app.current_request
    assert request is not None
    return {
        "city": city,
        "method": request.method,
        "query": request.query_params and request.query_params.get("units"),
        "agent": request.headers["user-agent"],
    }


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"msg": "hi"}, 201, {"status": "success", "data": "SM1", "message": "SMS successfully sent"}),
        ({"msg": "nothing"}, 200, {"status": "failure", "message": "Please try again!!!"}),
        ({"msg": "refuse"}, 400, {"status": "failure", "message": Refusal.msg}),
    ],
    ids=["sent", "nothing", "refused"],
)
def test_the_tutorials_views(body: dict[str, str], status: int, answer: dict[str, str]) -> None:
    response = app.test_client().post("/service/sms/send", json=body)

    assert (response.status_code, response.json, response.content_type) == (
        status,
        answer,
        "application/json",
    )


def test_a_body_that_is_no_json_is_a_400_in_json_body_itself() -> None:
    response = app.test_client().post("/service/sms/send", data="{", content_type="application/json")

    assert response.status_code == 400


def test_captures_queries_and_headers() -> None:
    response = app.test_client().put("/cities/seattle?units=metric", headers={"User-Agent": "tutorial"})

    assert response.json == {"city": "seattle", "method": "PUT", "query": "metric", "agent": "tutorial"}
