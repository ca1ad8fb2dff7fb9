"""A card is chosen, sent and shown."""

import pytest


def test_a_card_is_sent_and_remembered(client):
    answer = client.post("/", data={"to": "Zoë", "verse": "snow"}, follow_redirects=True)

    assert answer.request.path == "/to/Zoë"
    assert "Sent to Zoë." in answer.text
    assert "The snow is white" in answer.text
    assert "You wrote to Zoë." in client.get("/").text


@pytest.mark.parametrize("form", [{}, {"to": "Ada"}, {"to": " ", "verse": "snow"}])
def test_a_card_without_a_name_or_a_verse_is_not_sent(client, form):
    assert "needs a name and a verse" in client.post("/", data=form, follow_redirects=True).text


def test_what_a_visitor_writes_is_escaped(client):
    page = client.get("/to/%3Cscript%3E").text

    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_static_files_and_images_are_served(client):
    assert client.get("/static/style.css").content_type.startswith("text/css")
    assert client.get("/static/heart.png").data[:8] == b"\x89PNG\r\n\x1a\n"
    assert client.get("/heart.svg?for=Ada").content_type == "image/svg+xml"


def test_the_schedule_and_the_task_run_inside_flasks_context(client, caplog):
    from app import deliver

    client.schedule("remind")
    deliver.delay("Ada")

    assert "today is the day, with love" in caplog.text
    assert "the card for Ada has " in caplog.text
