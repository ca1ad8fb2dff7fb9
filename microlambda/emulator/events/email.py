"""A mail as SES hands it to Lambda: its headers and SES's verdicts, without its body.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, iso, moment, new_id


def build(
    sender: str = "customer@example.com",
    recipients: Sequence[str] = ("shop@example.org",),
    *,
    subject: str = "Hello from SES!",
    cc: Sequence[str] = (),
    spam: str = "PASS",
    virus: str = "PASS",
    spf: str = "PASS",
    dkim: str = "PASS",
    dmarc: str = "PASS",
    waits: bool = False,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of one mail, of which all `recipients` are those of the receipt rule.

    `spam` to `dmarc` are verdicts: PASS, FAIL, GRAY, PROCESSING_FAILED. `waits`: does SES wait for an answer?
    """
    received = moment(time)
    verdicts = {"spam": spam, "virus": virus, "spf": spf, "dkim": dkim, "dmarc": dmarc}
    mail = _mail(sender, list(recipients), list(cc), subject, received)
    mail["headers"] = [
        {"name": "Return-Path", "value": f"<{sender}>"},
        {"name": "X-SES-Spam-Verdict", "value": spam},
        {"name": "X-SES-Virus-Verdict", "value": virus},
        *mail["headers"],
    ]
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {
                    "mail": mail,
                    "receipt": {
                        "timestamp": iso(received),
                        "processingTimeMillis": 574,
                        "recipients": list(recipients),
                        **{f"{what}Verdict": {"status": status} for what, status in verdicts.items()},
                        **({"dmarcPolicy": "none"} if dmarc == "FAIL" else {}),
                        "action": {
                            "type": "Lambda",
                            "functionArn": origin.arn("lambda", "function:email"),
                            "invocationType": "RequestResponse" if waits else "Event",
                        },
                    },
                },
            }
        ]
    }


def _mail(
    sender: str, recipients: list[str], cc: list[str], subject: str, received: datetime
) -> dict[str, Any]:
    date = format_datetime(received)
    original_id = f"<{new_id()}@{sender.rpartition('@')[2]}>"
    named = [
        ("From", sender),
        ("To", ", ".join(recipients)),
        ("Cc", ", ".join(cc)),
        ("Subject", subject),
        ("Date", date),
        ("Message-ID", original_id),
    ]
    return {
        "timestamp": iso(received),
        "source": sender,
        "messageId": f"{new_id()}{new_id()}".replace("-", "")[:40],
        "destination": [*recipients, *cc],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in named if value],
        "commonHeaders": {
            "returnPath": sender,
            "from": [sender],
            "date": date,
            "to": recipients,
            **({"cc": cc} if cc else {}),
            "messageId": original_id,
            "subject": subject,
        },
    }
