"""`@app.on_email`: the declaration by SES's rules for recipients, the event, the answer."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import SESEvent as PowertoolsEvent

from microlambda import App, EmailEvent, EmailRecord, RegistrationError, UnknownEvent
from microlambda.emulator.events.email import build
from microlambda.emulator.events.origin import Origin

RECEIVED = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_the_mail(app: App, is_bound: bool) -> None:
    seen: list[Any] = []

    @app.on_email(recipients="shop@example.org")
    def handle(event: EmailEvent) -> None:
        seen.extend((mail.sender, mail.recipients, mail.subject) for mail in event)

    event = build("ann@example.com", ["shop@example.org"], subject="An order")
    (app.handler("handle") if is_bound else app)(event, None)

    assert seen == [("ann@example.com", ["shop@example.org"], "An order")]


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build(
        "ann@example.com",
        ["shop@example.org"],
        subject="Grüße",
        cc=["bob@example.net"],
        spam="GRAY",
        virus="PROCESSING_FAILED",
        dmarc="FAIL",
        waits=True,
        time=RECEIVED,
    )

    (ours,), event = EmailEvent(raw), PowertoolsEvent(raw)
    mail, receipt = event.mail, event.receipt
    assert ours.message_id == mail.message_id
    assert ours.source == mail.source == "ann@example.com"
    assert [ours.sender] == mail.common_headers.get_from
    assert ours.recipients == receipt.recipients == ["shop@example.org"]
    assert ours.destination == mail.destination == ["shop@example.org", "bob@example.net"]
    assert ours.subject == mail.common_headers.subject == "Grüße"
    assert ours.common_headers["cc"] == mail.common_headers.cc == ["bob@example.net"]
    assert ours.common_headers["messageId"] == mail.common_headers.message_id == ours.header("message-id")
    assert ours.common_headers["date"] == mail.common_headers.date == "Tue, 24 Nov 2026 10:00:00 +0000"
    assert ours.headers == [(header.name, header.value) for header in mail.headers]
    assert ours.header("subject") == "Grüße"
    assert ours.header("x-none") is None
    assert (ours.timestamp, mail.timestamp) == (RECEIVED, "2026-11-24T10:00:00.123Z")
    assert ours.spam_verdict == receipt.spam_verdict.status == "GRAY"
    assert ours.virus_verdict == receipt.virus_verdict.status == "PROCESSING_FAILED"
    assert ours.spf_verdict == receipt.spf_verdict.status == "PASS"
    assert ours.dkim_verdict == receipt.dkim_verdict.status == "PASS"
    assert ours.dmarc_verdict == receipt.dmarc_verdict.status == "FAIL"
    assert ours.dmarc_policy == receipt.dmarc_policy == "none"
    assert ours.invocation_type == receipt.action.invocation_type == "RequestResponse"
    assert receipt.action.function_arn.startswith("arn:aws:lambda:us-east-1:123456789012:function:")
    assert mail.headers_truncated is False


def test_what_a_mail_may_lack_is_none_or_empty() -> None:
    raw = build()
    ses = raw["Records"][0]["ses"]
    ses["mail"] = {"messageId": "m-1", "source": "ann@example.com"}
    ses["receipt"] = {}

    mail = EmailEvent(raw)[0]

    assert (mail.subject, mail.headers, mail.common_headers, mail.recipients) == (None, [], {}, [])
    assert (mail.sender, mail.destination, mail.invocation_type) == ("ann@example.com", [], None)
    assert {mail.spam_verdict, mail.virus_verdict, mail.spf_verdict, mail.dkim_verdict} == {None}
    assert (mail.dmarc_verdict, mail.dmarc_policy) == (None, None)
    assert mail.to_cloudevent()["source"] == "aws:ses"


def test_what_is_read_of_a_mail_changes_nothing_of_it() -> None:
    event = EmailEvent(build("ann@example.com", ["shop@example.org"]))

    event[0].recipients.clear()
    event[0].common_headers.clear()

    assert event[0].recipients == ["shop@example.org"]
    assert event[0].common_headers["from"] == ["ann@example.com"]


def test_a_cloudevent_names_the_mailbox() -> None:
    raw = build(recipients=["shop@example.org"], time=RECEIVED, origin=Origin(region="eu-west-1"))
    ses = raw["Records"][0]["ses"]

    assert EmailEvent(raw).to_cloudevent() == {
        "specversion": "1.0",
        "id": ses["mail"]["messageId"],
        "source": "aws:ses.eu-west-1.example.org",
        "type": "com.amazonaws.ses.received",
        "subject": "shop@example.org",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": ses,
    }


def test_what_a_mail_is_called_in_a_log_holds_nothing_of_it() -> None:
    event = EmailEvent(build("ann@example.com", ["shop@example.org"], subject="s3cret"))

    assert str(event) == "<EmailEvent of 1 record>"
    assert str(event[0]) == f"<EmailRecord {event[0].message_id!r}>"


# The declaration -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"recipients": []}, ["recipients=[]"], id="none"),
        pytest.param({"recipients": 7}, ["recipients=7"], id="no str"),
        pytest.param({"recipients": ["a@b.de", "A@b.de"]}, ["twice"], id="twice in two cases"),
        pytest.param({"recipients": "*@example.com"}, ["'example.com'"], id="a wildcard"),
        pytest.param({"recipients": "@example.com"}, ["'example.com'"], id="no local part"),
        pytest.param({"recipients": "*.example.com"}, ["'.example.com'"], id="subdomains by a wildcard"),
        pytest.param({"recipients": "Shop <shop@example.com>"}, ["Punycode"], id="a name with it"),
        pytest.param({"recipients": "shop"}, ["an address, a domain"], id="no domain"),
        pytest.param({"recipients": "exämple.com"}, ["Punycode"], id="a domain in other letters"),
        pytest.param({"recipients": "the shop@example.com"}, ["without spaces"], id="a space"),
        pytest.param({"recipients": "a" * 65 + "@example.com"}, ["64 letters"], id="a long address"),
        pytest.param({"recipients": ""}, ["recipients=''"], id="empty"),
        pytest.param(
            {"recipients": [f"a{number}@example.com" for number in range(501)]}, ["at most 500"], id="many"
        ),
        pytest.param({"rule_set": "-rules"}, ["rule_set='-rules'", "64 letters"], id="a rule set's name"),
        pytest.param({"rule_set": 7}, ["rule_set=7"], id="no rule set"),
        pytest.param({"retries": True}, ["retries=True"], id="retries"),
        pytest.param({"per_record": "no"}, ["per_record='no'"], id="no bool"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_email(**options)(lambda event: None)

    assert "on_email(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


MATCHES = [
    pytest.param(None, "anybody@example.com", True, id="all"),
    pytest.param("shop@example.com", "shop@example.com", True, id="the address"),
    pytest.param("shop@example.com", "Shop@EXAMPLE.com", True, id="in another case"),
    pytest.param("Shop@example.com", "shop@example.com", True, id="declared in another case"),
    pytest.param("shop@example.com", "shop+news@example.com", True, id="with a label"),
    pytest.param("shop+news@example.com", "shop+news@example.com", True, id="the label"),
    pytest.param("shop+news@example.com", "shop@example.com", False, id="without the label"),
    pytest.param("shop+news@example.com", "shop+old@example.com", False, id="another label"),
    pytest.param("shop@example.com", "workshop@example.com", False, id="another address"),
    pytest.param("shop@example.com", "shop@mail.example.com", False, id="in a subdomain"),
    pytest.param("example.com", "anybody@Example.com", True, id="the domain"),
    pytest.param("example.com", "anybody@mail.example.com", False, id="the domain's subdomain"),
    pytest.param("example.com", "anybody@myexample.com", False, id="another domain"),
    pytest.param(".example.com", "anybody@a.mail.example.com", True, id="a subdomain"),
    pytest.param(".example.com", "anybody@example.com", False, id="no subdomain"),
    pytest.param(["other.org", "example.com"], "anybody@example.com", True, id="one of several"),
]


@pytest.mark.parametrize(("declared", "recipient", "is_for"), MATCHES)
def test_the_recipients_of_a_rule(app: App, declared: Any, recipient: str, is_for: bool) -> None:
    app.on_email(recipients=declared, name="handle")(lambda event: "taken")
    event = build(recipients=["someone@else.where", recipient])

    for run in (app, app.handler("handle")):
        if is_for:
            assert run(event, None) == "taken"
        else:
            with pytest.raises(UnknownEvent, match=r"'handle', @app.on_email\(recipients='"):
                run(event, None)


def test_a_mail_without_its_receipt_is_for_nobody(app: App) -> None:
    app.on_email(name="handle")(lambda event: None)
    event = build()
    del event["Records"][0]["ses"]["receipt"]

    for run in (app, app.handler("handle")):
        with pytest.raises(UnknownEvent, match="'handle'"):
            run(event, None)


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param({}, {}, "mail to all recipients", id="both for all"),
        pytest.param({}, {"recipients": "a@example.com"}, "mail to a@example.com", id="one for all"),
        pytest.param({"recipients": "a@b.de"}, {"recipients": "A@b.de"}, "mail to A@b.de", id="one address"),
        pytest.param(
            {"recipients": "a+x@b.de"}, {"recipients": "a@b.de"}, "mail to a[+]x@b.de", id="a label"
        ),
        pytest.param(
            {"recipients": ["x.de", "b.de"]}, {"recipients": "a@b.de"}, "mail to a@b.de", id="in a domain"
        ),
        pytest.param({"recipients": ".b.de"}, {"recipients": "c.b.de"}, "mail to c.b.de", id="a subdomain"),
        pytest.param({"recipients": ".b.de"}, {"recipients": ".c.b.de"}, "mail to .c.b.de", id="subdomains"),
        pytest.param({"recipients": "a@b.de"}, {"recipients": "c@b.de"}, None, id="another address"),
        pytest.param({"recipients": "a+x@b.de"}, {"recipients": "a+y@b.de"}, None, id="another label"),
        pytest.param({"recipients": "b.de"}, {"recipients": ".b.de"}, None, id="a domain and its subdomains"),
        pytest.param({"rule_set": "one"}, {"rule_set": "two"}, None, id="of two rule sets one is active"),
        pytest.param({"rule_set": "one"}, {}, "mail to all", id="the active one may be either"),
    ],
)
def test_two_handlers_of_the_same_mail_are_refused(
    app: App, first: dict[str, Any], second: dict[str, Any], shared: str | None
) -> None:
    app.on_email(**first, name="first")(lambda event: None)
    declare = app.on_email(**second, name="second")

    if shared is None:
        declare(lambda event: None)
        assert set(app.handlers) == {"first", "second"}
    else:
        with pytest.raises(RegistrationError, match=f"would both get {shared}"):
            declare(lambda event: None)


def test_of_several_handlers_each_gets_its_own(app: App) -> None:
    app.on_email(recipients="orders@example.org", name="orders")(lambda event: "orders")
    app.on_email(recipients=".example.org", rule_set="mine", name="rest")(lambda event: "rest")

    assert app(build(recipients=["orders@example.org"]), None) == "orders"
    assert app(build(recipients=["orders@mail.example.org"]), None) == "rest"
    with pytest.raises(UnknownEvent, match=r"@app.on_email\(recipients='.example.org', rule_set='mine'\)"):
        app(build(recipients=["x@example.org"]), None)


# The answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
@pytest.mark.parametrize("answer", [{"disposition": "STOP_RULE_SET"}, {"disposition": "CONTINUE"}, None])
def test_what_is_to_become_of_the_mail_is_the_answer(app: App, answer: Any, is_bound: bool) -> None:
    app.on_email(name="handle")(lambda event: answer)

    assert (app.handler("handle") if is_bound else app)(build(waits=True), None) == answer


def test_the_handler_of_one_record_answers_too(app: App) -> None:
    @app.on_email()
    def handle(mail: EmailRecord) -> Any:
        return {"disposition": "STOP_RULE"} if mail.spam_verdict == "FAIL" else None

    assert app(build(spam="FAIL"), None) == {"disposition": "STOP_RULE"}
    assert app(build(), None) is None


def test_an_error_of_the_handler_of_one_record_fails_the_invocation(app: App) -> None:
    @app.on_email()
    def handle(mail: EmailRecord) -> None:
        raise LookupError(mail.sender)

    with pytest.raises(LookupError, match="customer"):
        app(build(), None)
