"""An SMS service: the app of the well-known Chalice tutorial, on microlambda."""

from smslib import sms
from twilio.base.exceptions import TwilioRestException

from microlambda import App, BadRequest, Response

app = App(app_name="sms-shooter")


@app.route("/")
def index():
    return {"hello": "world"}


@app.route("/service/sms/send", methods=["POST"])
def send_sms():
    request_body = app.current_request.json_body
    msg = request_body.get("msg") if isinstance(request_body, dict) else None
    if not isinstance(msg, str) or not msg.strip():
        raise BadRequest(
            'Send a JSON object with the text, {"msg": "..."}, and Content-Type: application/json.'
        )

    try:
        message = sms.send(msg)
    except TwilioRestException as exc:
        app.logger.warning("Twilio refused a message: error %s", exc.code)
        return Response(status_code=400, body={"status": "failure", "message": exc.msg})

    return Response(
        status_code=201,
        headers={"Content-Type": "application/json"},
        body={"status": "success", "data": message.sid, "message": "SMS successfully sent"},
    )
