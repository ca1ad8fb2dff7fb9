"""Names of time zones (https://www.iana.org/time-zones), looked up in the system's own database.

A look into its folders costs little beside an import of `zoneinfo` on every cold start. Where there is no
database, or only a rest of one, as in some images that Lambda runs, only a name's form can be checked.
"""

from __future__ import annotations

import os
import re

from .base import refuse

_FOLDERS = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
_MOST_CHARACTERS = 50
_LEAST_OF_A_DATABASE = 300
_FORM = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_NOT_IANA = ("posix", "right")  # the same zones again, for other clocks


def checked_zone(decorator: str, value: object) -> str:
    """The name of a time zone; the error for another has the nearest one."""
    if not isinstance(value, str) or not _FORM.fullmatch(value) or len(value) > _MOST_CHARACTERS:
        raise refuse(decorator, "tz", value, "write a time zone's name of IANA's: 'Europe/Berlin'.")
    folder = next(filter(os.path.isdir, _FOLDERS), None)
    if not _is_known(folder, value):
        from zoneinfo import available_timezones

        from ..routing.problems import nearest

        known = available_timezones()
        if len(known) >= _LEAST_OF_A_DATABASE:
            told = nearest(value, known)
            hint = told if "Did you mean" in told else "It is one like 'Europe/Berlin'."
            raise refuse(decorator, "tz", value, f"IANA knows no such time zone. {hint}")
    return value


def _is_known(folder: str | None, name: str) -> bool:
    """Is there a file of that name, spelled like that? Some file systems take other spellings, too."""
    parts = name.split("/")
    if folder is None:
        from zoneinfo import available_timezones

        return name in available_timezones()
    if parts[0] in _NOT_IANA:
        return False
    for part in parts:
        if not os.path.isdir(folder) or part not in os.listdir(folder):
            return False
        folder = f"{folder}/{part}"
    return _is_zone(folder)


def _is_zone(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"TZif"
