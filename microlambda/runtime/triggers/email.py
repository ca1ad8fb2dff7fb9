"""`@app.on_email`.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
"""

from __future__ import annotations

import re

from ..events.email import EmailEvent, EmailRecord
from .asynchronous import AsyncOptions
from .base import Trigger, checked_texts, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from .base import Outcome

_DECORATOR = "on_email"
_MOST_RECIPIENTS = 500
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})+")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_RULE_SET = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?"


class EmailTrigger(Trigger):
    """A receipt rule: the `recipients` it is for, none for all, and its set, None for the active one.

    An address stands for its forms with a label, too (`shop@example.com` for `shop+news@example.com`), a
    domain for its addresses but not for its subdomains', `.example.com` for those of all subdomains. Upper
    and lower case are one.

    SES invokes the function as an event, and nobody reads the answer. In a rule that invokes it as
    `RequestResponse` (30 s at most) the answer decides what becomes of the mail: None or `{"disposition":
    "CONTINUE"}` goes on, `STOP_RULE` ends the rule's actions and `STOP_RULE_SET` those of all rules.
    """

    decorator = _DECORATOR
    source = "email"
    event_class = EmailEvent
    record_class = EmailRecord

    def __init__(self, *, recipients: Any, rule_set: str | None, **options: Any) -> None:
        self.recipients = () if recipients is None else _checked_recipients(recipients)
        self.rule_set = None if rule_set is None else _checked_rule_set(rule_set)
        self.asynchronous = AsyncOptions(_DECORATOR, **options)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the recipients: one of those that the rule matched is one of ours."""
        found = event["Records"][0]["ses"]["receipt"]["recipients"]
        return not self.recipients or any(_is_for(one, wanted) for one in found for wanted in self.recipients)

    def report(self, app: App, handler: str, event: Any, outcomes: list[Outcome]) -> Any:
        """The answer for the only mail, which SES may wait for."""
        super().report(app, handler, event, outcomes)
        return self.result(app, handler, event, outcomes[0].answer) if len(outcomes) == 1 else None

    def shared_with(self, other: EmailTrigger) -> str | None:
        """Mail to one recipient that rules of one set are both for."""
        if self.rule_set and other.rule_set and self.rule_set != other.rule_set:
            return None
        if not self.recipients or not other.recipients:
            return f"mail to {(*self.recipients, *other.recipients, 'all recipients')[0]}"
        shared = [_narrower(one, two) for one in self.recipients for two in other.recipients]
        return next((f"mail to {found}" for found in shared if found), None)

    def declared(self) -> str:
        """With the recipients and the rule set."""
        from .mapping import described

        recipients = self.recipients[0] if len(self.recipients) == 1 else list(self.recipients)
        return described(_DECORATOR, {"recipients": recipients, "rule_set": self.rule_set})


def _is_for(recipient: str, wanted: str) -> bool:
    """Is a rule for the recipient, an address, in force? `wanted` is an address, a domain, or `.domain`."""
    recipient, wanted = recipient.lower(), wanted.lower()
    local, _, domain = recipient.rpartition("@")
    if wanted.startswith("."):
        return domain.endswith(wanted)
    if "@" not in wanted:
        return domain == wanted
    return wanted in (recipient, f"{local.partition('+')[0]}@{domain}")


def _narrower(one: str, other: str) -> str | None:
    """Of two recipients of rules the one that lies in the other; None where mail cannot be for both."""
    for narrow, wide in ((one, other), (other, one)):
        # NUL stands for whatever is in front of a domain: no recipient that is declared has it.
        address = narrow if "@" in narrow else "\0@" + "\0" * narrow.startswith(".") + narrow
        if _is_for(address, wide):
            return narrow
    return None


# The words, checked ----------------------------------------------------------------------------------


def _checked_recipients(value: object) -> tuple[str, ...]:
    recipients = checked_texts(_DECORATOR, "recipients", value)
    if len(recipients) > _MOST_RECIPIENTS:
        why = f"a rule takes at most {_MOST_RECIPIENTS}. Declare the domain."
        raise refuse(_DECORATOR, "recipients", f"{len(recipients)} of them", why)
    if len({one.lower() for one in recipients}) != len(recipients):
        raise refuse(_DECORATOR, "recipients", value, "one of them stands there twice.")
    for one in recipients:
        _check_recipient(one)
    return recipients


def _check_recipient(recipient: str) -> None:
    local, at, domain = recipient.rpartition("@")
    if local in ("", "*") and at:
        why = f"a domain's name alone is for all its addresses: {domain!r}."
    elif not _DOMAIN.fullmatch(domain if at else domain.removeprefix(".")):
        why = "write an address, a domain ('example.com', in Punycode) or '.example.com' for all subdomains."
    elif at and not _LOCAL.fullmatch(local):
        why = "in front of '@' stand up to 64 letters, digits and signs, without a name and without spaces."
    else:
        return
    raise refuse(_DECORATOR, "recipients", recipient, why)


def _checked_rule_set(rule_set: object) -> str:
    if not isinstance(rule_set, str) or not re.fullmatch(_RULE_SET, rule_set):
        why = "a rule set's name has up to 64 letters, digits, '_', '-' and '.', the latter not at its ends."
        raise refuse(_DECORATOR, "rule_set", rule_set, why)
    return rule_set
