"""A stand-in for Twilio's Messages API, so that the SMS service runs anywhere.

It checks what Twilio checks first, keeps the messages, lists them, and refuses with Twilio's error
codes and words (https://www.twilio.com/docs/api/errors). It sends nothing.
"""

import hmac
import os
import re
import secrets
from email.utils import formatdate
from functools import wraps

from messages import MESSAGES

from microlambda import App, Response, request

app = App("twilio-standin")

ACCOUNT = "/2010-04-01/Accounts/<account_sid>"
E164 = re.compile(r"\+[1-9]\d{6,14}")


class Refused(Exception):
    """Twilio's way to say no: a status, an error code and a message."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self):
        return Response(
            status_code=self.status,
            body={
                "code": self.code,
                "message": self.message,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.status,
            },
        )


@app.get("/")
def index():
    return {"messages": len(MESSAGES.all()), "last": MESSAGES.all()[:1]}


def authenticated(view):
    @wraps(view)
    def answer(account_sid, **captures):
        try:
            authenticate(account_sid)
            return view(**captures)
        except Refused as exc:
            return exc.response()

    return answer


@app.post(f"{ACCOUNT}/Messages.json")
@authenticated
def create():
    message = checked_message(request.view_args["account_sid"], request.form)
    MESSAGES.add(message)
    app.logger.info("kept %s for %s", message["sid"], message["to"])
    return message, 201


@app.get(f"{ACCOUNT}/Messages.json")
@authenticated
def messages():
    return page_of_messages(request.args)


@app.get(f"{ACCOUNT}/Messages/<sid>.json")
@authenticated
def message(sid):
    for kept in MESSAGES.all():
        if kept["sid"] == sid:
            return kept
    raise Refused(404, 20404, f"The requested resource {request.path} was not found")


def authenticate(account_sid):
    given = request.authorization
    wanted = (os.environ["STANDIN_ACCOUNT_SID"], os.environ["STANDIN_AUTH_TOKEN"])
    offered = (given.username, given.password) if given and given.type == "basic" else ("", "")
    if (
        not hmac.compare_digest(":".join(wanted).encode(), ":".join(offered).encode())
        or account_sid != wanted[0]
    ):
        raise Refused(401, 20003, "Authenticate")


def checked_message(account_sid, form):
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        raise Refused(400, 21604, "A 'To' phone number is required.")
    if not E164.fullmatch(to):
        raise Refused(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if not sender:
        raise Refused(400, 21603, "A 'From' phone number is required.")
    if not E164.fullmatch(sender):
        raise Refused(
            400,
            21212,
            f"The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID.",
        )
    if not body:
        raise Refused(400, 21602, "Message body is required.")
    if len(body) > 1600:
        raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    sid = f"SM{secrets.token_hex(16)}"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": formatdate(),
        "date_sent": None,
        "date_updated": formatdate(),
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str((len(body) + 152) // 153 if len(body) > 160 else 1),
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "to": to,
        "uri": f"/2010-04-01/Accounts/{account_sid}/Messages/{sid}.json",
    }


def page_of_messages(args):
    found = MESSAGES.all()
    for name, key in (("To", "to"), ("From", "from")):
        if name in args:
            found = [message for message in found if message[key] == args[name]]
    size = min(args.get("PageSize", 50, type=int), 1000)
    page = args.get("Page", 0, type=int)
    start, end = page * size, (page + 1) * size
    uri = f"{request.path}?PageSize={size}&Page="
    return {
        "messages": found[start:end],
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start, min(end, len(found)) - 1),
        "uri": f"{uri}{page}",
        "first_page_uri": f"{uri}0",
        "next_page_uri": f"{uri}{page + 1}" if end < len(found) else None,
        "previous_page_uri": f"{uri}{page - 1}" if page else None,
    }
