"""Todos are added, finished and forgotten."""


def test_the_life_of_a_todo(client):
    added = client.post("/todos", json={"title": "water the plants"})

    assert added.status_code == 201
    number = added.json["id"]
    assert client.get("/todos?only_open=true").json[-1]["title"] == "water the plants"
    assert client.put(f"/todos/{number}/done").json["is_done"] is True
    assert all(one["id"] != number for one in client.get("/todos?only_open=true").json)
    assert client.get("/history").json[-2:] == ["added water the plants", "finished water the plants"]

    client.schedule("forget_finished")

    assert all(one["id"] != number for one in client.get("/todos").json)


def test_what_is_no_todo_is_refused(client):
    answer = client.post("/todos", json={"title": ""})

    assert answer.status_code == 422
    assert answer.json["detail"][0]["loc"] == ["body", "title"]
    assert client.put("/todos/12345/done").json == {"detail": "there is no todo 12345"}


def test_the_documentation_is_served(client):
    assert "swagger-ui" in client.get("/docs").text
    assert list(client.get("/openapi.json").json["paths"]) == ["/todos", "/todos/{number}/done", "/history"]


def test_the_apps_own_route_comes_first(client):
    assert client.get("/health").json == {"ok": True}
