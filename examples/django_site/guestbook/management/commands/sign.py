from django.core.management.base import BaseCommand, CommandError

from guestbook.models import Entry


class Command(BaseCommand):
    help = "Sign the guestbook: microlambda manage sign Ann 'Hello there'"

    def add_arguments(self, parser):
        parser.add_argument("name")
        parser.add_argument("text")

    def handle(self, *args, name, text, **options):
        if not text.strip():
            raise CommandError("the text is empty.")
        Entry.objects.create(name=name, text=text)
        self.stdout.write(f"{Entry.objects.count()} entries")
