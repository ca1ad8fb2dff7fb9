import re
from datetime import timedelta

import pytest


def token_in(page):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]


def test_the_guestbook_is_empty_at_first(client):
    page = client.get("/")

    assert page.status_code == 200
    assert "Nobody has signed yet." in page.text


def test_who_signs_stands_in_the_book(client):
    form = {"csrfmiddlewaretoken": token_in(client.get("/").text), "name": "Ann", "text": "<Hello>"}

    answer = client.post("/", data=form)

    assert (answer.status_code, answer.headers["location"]) == (302, "/")
    assert "<b>Ann</b> &lt;Hello&gt;" in client.get("/").text


def test_without_the_token_nobody_signs(client):
    assert client.post("/", data={"name": "Ann", "text": "Hello"}).status_code == 403


@pytest.mark.parametrize("ingress", ["http-api", "rest-api", "function-url"])
def test_the_book_opens_whatever_the_ingress(client, ingress):
    page = client.get("/", ingress=ingress)

    assert page.status_code == 200
    assert 'href="/admin/"' in page.text


def test_the_style_sheet_is_served(client):
    answer = client.get("/static/guestbook/style.css")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")


def test_the_admin_asks_who_you_are(client):
    assert client.get("/admin/").headers["location"] == "/admin/login/?next=/admin/"


def test_the_command_signs(site):
    from django.core.management import CommandError, call_command
    from guestbook.models import Entry

    call_command("sign", "Ann", "Hello")

    assert [str(entry) for entry in Entry.objects.all()] == ["Ann: Hello"]
    with pytest.raises(CommandError, match="empty"):
        call_command("sign", "Ann", " ")


def test_old_entries_are_removed_every_day(client):
    from django.utils import timezone
    from guestbook.models import Entry

    Entry.objects.create(name="Ann", text="long ago", created=timezone.now() - timedelta(days=400))
    Entry.objects.create(name="Ben", text="today")

    assert client.schedule("prune").result == {"removed": 1}

    assert [entry.name for entry in Entry.objects.all()] == ["Ben"]
