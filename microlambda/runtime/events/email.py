"""Mail that SES received: who sent it to whom, its headers, and what SES found out about it; never its body.

The body is where another action of the receipt rule puts it: in a bucket, under the message's id.
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

from .base import Batch, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any


class EmailRecord(Record):
    """One mail. The verdicts are SES's words: PASS, FAIL, GRAY, PROCESSING_FAILED, DISABLED."""

    __slots__ = ()

    @property
    def message_id(self) -> str:
        """SES's id of the mail; the key of the object where the rule stores it in a bucket."""
        message_id: str = self._mail["messageId"]
        return message_id

    @property
    def source(self) -> str:
        """The sender of the envelope (MAIL FROM), to whom bounces go."""
        source: str = self._mail["source"]
        return source

    @property
    def sender(self) -> str:
        """Who the mail says it is from: its From header as it stands; `source` where it has none."""
        senders = self.common_headers.get("from")
        return str(senders[0]) if senders else self.source

    @property
    def recipients(self) -> list[str]:
        """The envelope's recipients that the receipt rule matched."""
        return list(self._receipt.get("recipients") or ())

    @property
    def destination(self) -> list[str]:
        """All recipients, those that the rule did not match included."""
        return list(self._mail.get("destination") or ())

    @property
    def subject(self) -> str | None:
        """The subject, None where there is none."""
        return self.common_headers.get("subject")

    @property
    def common_headers(self) -> dict[str, Any]:
        """SES's selection of what is there: `from`, `to`, `cc` (lists), `date`, `messageId`, `subject`..."""
        return dict(self._mail.get("commonHeaders") or {})

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header in order, as name and value; SES cuts off what is too much (`headersTruncated`)."""
        return [(header["name"], header["value"]) for header in self._mail.get("headers") or ()]

    def header(self, name: str) -> str | None:
        """The value of the first header of that name, in whatever case; None where there is none."""
        wanted = name.lower()
        return next((value for found, value in self.headers if found.lower() == wanted), None)

    @property
    def timestamp(self) -> datetime:
        """When SES received it, in UTC."""
        from .timestamps import from_iso

        return from_iso(self._mail["timestamp"])

    @property
    def spam_verdict(self) -> str | None:
        """Is it spam? PASS is no."""
        return self._verdict("spam")

    @property
    def virus_verdict(self) -> str | None:
        """Has it a virus? PASS is no."""
        return self._verdict("virus")

    @property
    def spf_verdict(self) -> str | None:
        """May its server send for its domain (SPF)?"""
        return self._verdict("spf")

    @property
    def dkim_verdict(self) -> str | None:
        """Is its signature its domain's (DKIM)?"""
        return self._verdict("dkim")

    @property
    def dmarc_verdict(self) -> str | None:
        """Is it what its domain's policy asks for (DMARC)?"""
        return self._verdict("dmarc")

    @property
    def dmarc_policy(self) -> str | None:
        """What its domain asks for where DMARC fails: none, quarantine or reject."""
        return self._receipt.get("dmarcPolicy")

    @property
    def invocation_type(self) -> str | None:
        """`RequestResponse` where SES waits for the answer, `Event` where nobody does."""
        return (self._receipt.get("action") or {}).get("invocationType")

    @property
    def _mail(self) -> dict[str, Any]:
        mail: dict[str, Any] = self._raw["ses"]["mail"]
        return mail

    @property
    def _receipt(self) -> dict[str, Any]:
        return self._raw["ses"].get("receipt") or {}

    def _verdict(self, what: str) -> str | None:
        return (self._receipt.get(f"{what}Verdict") or {}).get("status")

    def _cloudevent(self) -> dict[str, Any]:
        # A mail has no resource with an ARN: the source is named as CloudEvents' adapter names S3's.
        recipient = next(iter(self.recipients or self.destination), "")
        function = ((self._receipt.get("action") or {}).get("functionArn") or "").split(":")
        region = function[3] if len(function) > 3 else ""  # behind arn, partition, service
        parts = ("aws:ses", region, recipient.rpartition("@")[2])
        return {
            "id": self.message_id,
            "source": ".".join(filter(None, parts)),
            "type": "com.amazonaws.ses.received",
            "subject": recipient,
            "time": self.timestamp if "timestamp" in self._mail else None,
            "data": self._raw["ses"],
        }

    def _label(self) -> str:
        return repr(self.message_id)


class EmailEvent(Batch):
    """Mail that one receipt rule matched: SES gives one at a time."""

    __slots__ = ()

    record_class = EmailRecord

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[EmailRecord]: ...

        def __getitem__(self, index: int) -> EmailRecord: ...
