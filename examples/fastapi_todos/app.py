"""The API on Lambda, and beside it what an API alone cannot do: a schedule."""

from contextlib import closing

from todos import api, connect

from microlambda import App

app = App("fastapi-todos")


@app.get("/health")
def health():
    """A route of the app: it comes before those of the API."""
    return {"ok": True}


@app.schedule("rate(1 day)")
def forget_finished(event):
    """Remove what is done."""
    with closing(connect()) as database, database:
        removed = database.execute("DELETE FROM todos WHERE is_done").rowcount
    app.logger.info("%s todos were removed", removed)


app.mount("/", api)
