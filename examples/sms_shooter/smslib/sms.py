"""Sending a text message through Twilio."""

import os
from functools import cache

from twilio.rest import Client


@cache
def client():
    """The Twilio client of this process, made when the first message is sent."""
    twilio = Client(os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"])
    if "TWILIO_API_URL" in os.environ:  # the stage `local` points the client at the stand-in
        twilio.api.base_url = os.environ["TWILIO_API_URL"]
    return twilio


def send(msg):
    """Send `msg` to the number of this stage; TwilioRestException where Twilio refuses."""
    return client().messages.create(body=msg, from_=os.environ["FROM_NUMBER"], to=os.environ["TO_NUMBER"])
