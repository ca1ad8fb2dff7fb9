"""A Flask application like any other: it knows nothing of Lambda, and runs under `flask run` as it is."""

import os

from flask import Flask, flash, redirect, render_template, request, session, url_for
from markupsafe import escape

site = Flask(__name__)
site.secret_key = os.environ["SECRET_KEY"]
site.config["SIGNED"] = "with love"

VERSES = {
    "roses": "Roses are red, violets are blue, this page is served by a function or two.",
    "snow": "The snow is white, the night is long, and so is this short song.",
}


@site.get("/")
def choose():
    """Let the visitor choose a verse and a name."""
    return render_template("choose.html", verses=VERSES, sent=session.get("sent", []))


@site.post("/")
def send():
    """Send it: a cookie remembers to whom, and the browser is led to the card."""
    name, verse = request.form.get("to", "").strip(), request.form.get("verse", "")
    if not name or verse not in VERSES:
        flash("A valentine needs a name and a verse.")
        return redirect(url_for("choose"))
    session["sent"] = [*session.get("sent", []), name]
    flash(f"Sent to {name}.")
    return redirect(url_for("card", name=name, verse=verse))


@site.get("/to/<name>")
def card(name):
    """Show the card; escaped, whoever it is for."""
    verse = VERSES.get(request.args.get("verse", ""), VERSES["roses"])
    return render_template("card.html", name=name, verse=verse, signed=site.config["SIGNED"])


@site.get("/heart.svg")
def heart():
    """Draw a heart with a name in it."""
    name = escape(request.args.get("for", "you"))
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        '<path fill="#d22" d="M16 29 3 15a7 7 0 0 1 13-7 7 7 0 0 1 13 7z"/>'
        f'<text x="16" y="17" fill="#fff" font-size="5" text-anchor="middle">{name}</text></svg>'
    )
    return drawing, {"Content-Type": "image/svg+xml", "Cache-Control": "max-age=3600"}
