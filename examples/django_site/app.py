"""A Django site on Lambda, and beside it a handler of events that uses its models."""

from datetime import timedelta

from mysite.wsgi import application  # sets Django up, so that models can be imported

# isort: split
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from guestbook.models import Entry

from microlambda import App

app = App("django-site")
app.mount("/", application)

if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # For the example alone: /tmp is empty in each new environment. With a server: microlambda manage migrate
    call_command("migrate", verbosity=0)


@app.schedule("rate(1 day)")
def prune(event):
    """Remove what is older than a year."""
    removed, _ = Entry.objects.filter(created__lt=timezone.now() - timedelta(days=365)).delete()
    app.logger.info("removed %s entries", removed)
    return {"removed": removed}
