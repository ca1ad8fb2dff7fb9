"""What a Django project's files say: the settings module, hosts, the application for servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microlambda.project.django import DjangoProject, find_django

if TYPE_CHECKING:
    from pathlib import Path

MANAGE = """\
import os
import sys

def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""


def read(root: Path, files: dict[str, str], entry: str | None = None) -> DjangoProject | None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return find_django(root, root / entry if entry else None)


def test_manage_py_names_the_settings_and_these_say_the_rest(tmp_path: Path) -> None:
    settings = "ALLOWED_HOSTS = ['shop.example']\nWSGI_APPLICATION = 'mysite.wsgi.application'\n"

    found = read(tmp_path, {"manage.py": MANAGE, "mysite/settings.py": settings})

    assert found == DjangoProject(
        settings="mysite.settings",
        path=tmp_path / "mysite" / "settings.py",
        wsgi_application="mysite.wsgi:application",
        allowed_hosts=("shop.example",),
    )


def test_what_a_server_runs_with_goes_before_manage_py(tmp_path: Path) -> None:
    wsgi = "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.production'\n"

    found = read(tmp_path, {"manage.py": MANAGE, "mysite/wsgi.py": wsgi}, "mysite/wsgi.py")

    assert found == DjangoProject(settings="mysite.production")


@pytest.mark.parametrize("star", ["from .base import *", "from mysite.settings.base import *"])
def test_settings_that_settings_import_by_a_star_count(tmp_path: Path, star: str) -> None:
    manage = MANAGE.replace("mysite.settings", "mysite.settings.local")
    base = "ALLOWED_HOSTS = ['a']\nWSGI_APPLICATION = 'mysite.wsgi.application'\nfrom .local import *\n"
    files = {"mysite/settings/base.py": base, "mysite/settings/local.py": f"{star}\nALLOWED_HOSTS = ['b']\n"}

    found = read(tmp_path, {"manage.py": manage, **files})

    assert found is not None
    assert (found.allowed_hosts, found.wsgi_application) == (("b",), "mysite.wsgi:application")


def test_a_package_of_settings_is_read(tmp_path: Path) -> None:
    files = {
        "mysite/settings/__init__.py": "from .base import *\n",
        "mysite/settings/base.py": "ALLOWED_HOSTS = []",
    }

    found = read(tmp_path, {"src/manage.py": MANAGE, **files})

    assert found is not None
    assert found.allowed_hosts == ()


def test_hosts_that_are_computed_are_not_known(tmp_path: Path) -> None:
    found = read(tmp_path, {"manage.py": MANAGE, "mysite/settings.py": "ALLOWED_HOSTS = env.list('HOSTS')"})

    assert found is not None
    assert found.allowed_hosts is None


@pytest.mark.parametrize("files", [{}, {"manage.py": "x = 1"}, {"manage.py": "x = ="}], ids=str)
def test_where_nothing_names_settings_there_is_no_django(tmp_path: Path, files: dict[str, str]) -> None:
    assert read(tmp_path, files) is None
