"""Django's command line, for what belongs on this machine: makemigrations, collectstatic, test."""

import os
import sys

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    os.environ.setdefault("SECRET_KEY", "of this machine")
    execute_from_command_line(sys.argv)
