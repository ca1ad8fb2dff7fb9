from django.forms import modelform_factory
from django.shortcuts import redirect, render

from guestbook.models import Entry

EntryForm = modelform_factory(Entry, fields=("name", "text"))


def book(request):
    """The newest entries, and a form for one more."""
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("book")
    return render(request, "guestbook/book.html", {"form": form, "entries": Entry.objects.all()[:50]})
