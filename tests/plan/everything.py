"""An app that declares something of every kind that this version deploys: new ones go here."""

from __future__ import annotations

from microlambda import App

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:failed"


#: What a kind's settings say, where they are not the defaults.
SETTINGS = {
    "rest-api": 'ingress = "rest-api"\napi_keys = ["partner"]',
    "api-key": 'ingress = "rest-api"\napi_keys = ["partner"]',
    "usage-plan": 'ingress = "rest-api"\napi_keys = ["partner"]',
    "function-url": 'ingress = "function-url"',
}


def everything_for(kind: str) -> tuple[App, str]:
    """Make the app, and the settings with which it has something of this kind."""
    settings = SETTINGS.get(kind, "")
    app = without_authorizers() if kind == "function-url" else everything()
    if "api_keys" in settings:
        app.get("/orders/{number}", api_key_required=True)(lambda number: number)
    return app, settings


def everything() -> App:
    """Make the app; its settings are the defaults."""
    app = without_authorizers()
    check = app.authorizer(name="check")(lambda request: True)
    app.get("/members", authorizer=check)(lambda: "hello, member")
    return app


def without_authorizers() -> App:
    """Make the app as far as a Function URL can stand before it."""
    app = App("shop")

    @app.get("/")
    def index() -> str:
        return "hello"

    @app.task(retries=0, on_failure=QUEUE)
    def resize() -> None: ...

    of_orders = {"body": {"kind": ["order"]}}
    app.on_sqs_message(queue="orders", name="take_orders", filters=of_orders)(lambda event: None)
    app.on_dynamodb_record(table="orders", name="follow_orders", on_failure=QUEUE)(lambda event: None)
    app.on_kinesis_record(stream="clicks", name="count", retries=3)(lambda event: None)
    app.on_event({"source": ["shop"]}, name="bill", dead_letter_queue=QUEUE)(lambda event: None)
    app.on_event({"source": ["shop"]}, bus="trade", name="book")(lambda event: None)
    app.schedule("rate(1 day)", name="tidy")(lambda event: None)
    app.schedule("rate(1 day)", tz="UTC", name="wake", dead_letter_queue=QUEUE)(lambda event: None)
    app.on_sns_message("news", name="tell", filter_policy={"kind": ["order"]})(lambda event: None)
    app.on_s3_event(bucket="outbox", name="load")(lambda event: None)
    app.on_log_events("/shop/web", name="alarm", filter_pattern="?ERROR ?WARN")(lambda event: None)
    app.on_s3_event(bucket="inbox", through="eventbridge", name="receive")(lambda event: None)

    return app
