"""The stand-in, judged by the real Twilio client."""

import os

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client


@pytest.fixture
def twilio(client):
    """The real Twilio client; the fixture `client` has pointed it at the stand-in."""
    return Client(os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"])


def send(twilio, **changes):
    return twilio.messages.create(**{"to": "+15558675310", "from_": "+15005550006", "body": "hi", **changes})


def test_it_keeps_and_lists_messages(twilio):
    first, second = send(twilio, body="one"), send(twilio, body="two", to="+4930123456")

    assert [message.sid for message in twilio.messages.list()] == [second.sid, first.sid]
    assert [message.body for message in twilio.messages.list(to="+4930123456")] == ["two"]
    assert twilio.messages(first.sid).fetch().body == "one"
    assert (first.status, first.direction) == ("queued", "outbound-api")


def test_it_lists_in_pages(twilio):
    for number in range(5):
        send(twilio, body=str(number))

    assert [message.body for message in twilio.messages.list(page_size=2)] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"to": "12"}, 21211, "The 'To' number 12 is not a valid phone number."),
        ({"to": "abc"}, 21211, "The 'To' number abc is not a valid phone number."),
        ({"from_": "0"}, 21212, "The 'From' number 0 is not a valid phone number"),
        ({"body": ""}, 21602, "Message body is required."),
        ({"body": "x" * 1601}, 21617, "exceeds the 1600 character limit"),
    ],
)
def test_it_refuses_as_twilio_does(twilio, changes, code, words):
    with pytest.raises(TwilioRestException) as caught:
        send(twilio, **changes)

    assert (caught.value.status, caught.value.code) == (400, code)
    assert words in caught.value.msg
    assert twilio.messages.list() == []


def test_it_refuses_wrong_credentials(client):
    with pytest.raises(TwilioRestException) as caught:
        send(Client(os.environ["ACCOUNT_SID"], "wrong"))

    assert (caught.value.status, caught.value.code) == (401, 20003)


def test_it_does_not_know_other_messages(twilio):
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages("SM0").fetch()

    assert (caught.value.status, caught.value.code) == (404, 20404)
