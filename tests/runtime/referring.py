"""An app that reads a variable while it is imported."""

from __future__ import annotations

import os

from microlambda import App

app = App("referring")
SEEN = os.environ.get("SHOP_TOKEN")


@app.get("/")
def index() -> str:
    return "hello"
