"""The site on Lambda, and beside it what a site alone cannot do: a schedule and a task."""

from flask import current_app
from valentine import site

from microlambda import App

app = App("flask-valentine")
app.mount("/", site)


@app.schedule("cron(0 7 14 2 ? *)")
def remind(event):
    """Every 14 February: inside Flask's application context, so that its configuration is there."""
    app.logger.info("today is the day, %s", current_app.config["SIGNED"])


@app.task
def deliver(name):
    """Deliver a card later: `deliver.delay("Ada")`, in a function of its own."""
    with current_app.test_request_context():
        page = current_app.view_functions["card"](name)
    app.logger.info("the card for %s has %s characters", name, len(page))
    return len(page)
