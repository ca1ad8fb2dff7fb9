import os

import pytest


def messages(standin):
    sid, token = os.environ["STANDIN_ACCOUNT_SID"], os.environ["STANDIN_AUTH_TOKEN"]
    answer = standin.get(f"/2010-04-01/Accounts/{sid}/Messages.json", auth=(sid, token))
    return answer.json["messages"]


def test_the_root_says_hello(client):
    response = client.get("/")

    assert response.status_code == 200
    assert response.json == {"hello": "world"}


def test_a_message_is_sent(client, standin):
    response = client.post("/service/sms/send", json={"msg": "Good morning"})

    (message,) = messages(standin)
    assert response.status_code == 201
    assert response.json == {"status": "success", "data": message["sid"], "message": "SMS successfully sent"}
    assert (message["body"], message["to"]) == ("Good morning", os.environ["TO_NUMBER"])


@pytest.mark.parametrize("ingress", ["http-api", "rest-api", "function-url"])
def test_a_message_is_sent_whatever_the_ingress(client, standin, ingress):
    response = client.post("/service/sms/send", json={"msg": "¡Olé!"}, ingress=ingress)

    assert response.status_code == 201
    assert messages(standin)[0]["body"] == "¡Olé!"


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("TO_NUMBER", "12", "The 'To' number 12 is not a valid phone number."),
        ("AUTH_TOKEN", "wrong", "Authenticate"),
    ],
)
def test_a_refusal_of_twilio_is_a_400_with_its_words(
    client, standin, monkeypatch, variable, value, complaint
):
    monkeypatch.setenv(variable, value)

    response = client.post("/service/sms/send", json={"msg": "hi"})

    assert response.status_code == 400
    assert response.json == {"status": "failure", "message": f"Unable to create record: {complaint}"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": "not json", "content_type": "application/json"},
        {"data": '{"msg": "hi"}', "content_type": "text/plain"},
        {"json": {}},
        {"json": {"msg": ""}},
        {"json": {"msg": 7}},
        {"json": ["msg"]},
    ],
    ids=["none", "malformed", "undeclared", "no-msg", "empty", "number", "list"],
)
def test_a_missing_or_malformed_body_is_a_clear_400(client, standin, body):
    response = client.post("/service/sms/send", **body)

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert "JSON" in response.get_json(force=True)["detail"]
    assert messages(standin) == []


def test_only_post_sends(client):
    response = client.get("/service/sms/send")

    assert response.status_code == 405
    assert response.headers["allow"] == "OPTIONS, POST"
