"""The standard library of each Python that Lambda has, by the names of its modules.

The interpreter that runs here knows its own (`sys.stdlib_module_names`); what differs is in a table.
"""

from __future__ import annotations

import sys
from functools import cache

#: Modules that left with a version, and came with one: "What's New in Python", sections "Removed" and "New
#: Modules"; PEP 594 has the large cut of 3.13. Names with an underscore are nobody's to import.
#: https://docs.python.org/3/whatsnew/
REMOVED_IN = {
    "3.12": ("asynchat", "asyncore", "distutils", "imp", "smtpd"),
    "3.13": (
        *("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib"),
        *("nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"),
    ),
    "3.15": ("sre_compile", "sre_constants", "sre_parse"),
}
ADDED_IN = {
    "3.11": ("tomllib",),
    "3.14": ("annotationlib", "compression"),
    "3.15": ("profiling",),
}

#: Of the names that every interpreter lists, those that are there on other systems than Lambda's only.
ELSEWHERE = frozenset(
    {"_msi", "_overlapped", "_scproxy", "_winapi", "_wmi", "msilib", "msvcrt", "nt", "winreg", "winsound"}
)

#: Distributions that have a removed module under its old name.
#: https://peps.python.org/pep-0594/ and https://github.com/youknowone/python-deadlib
SUCCESSORS = {
    "asynchat": "pyasynchat",
    "asyncore": "pyasyncore",
    "audioop": "audioop-lts",
    "cgi": "legacy-cgi",
    "cgitb": "legacy-cgi",
    "distutils": "setuptools",
    **{
        name: f"standard-{name}"
        for name in ("aifc", "chunk", "imghdr", "mailcap", "nntplib", "pipes", "sndhdr", "sunau", "telnetlib")
    },
    "uu": "standard-uu",
    "xdrlib": "standard-xdrlib",
}


@cache
def stdlib_modules(python: str) -> frozenset[str]:
    """Name the top-level modules of a Python version ("3.13") on Linux."""
    changed = {name for table in (ADDED_IN, REMOVED_IN) for names in table.values() for name in names}
    there = {name for name in changed if _is_in(name, python)}
    return frozenset(((sys.stdlib_module_names - changed) | there | {"__main__"}) - ELSEWHERE)


def _is_in(name: str, python: str) -> bool:
    added, removed = _version(ADDED_IN, name), _version(REMOVED_IN, name)
    return (added is None or not _before(python, added)) and (removed is None or _before(python, removed))


def why_absent(module: str, python: str) -> str | None:
    """Say of a module of the standard library why this version has it not; None of any other module."""
    if (removed := _version(REMOVED_IN, module)) and not _before(python, removed):
        return f"which Python {removed} removed from the standard library"
    if (added := _version(ADDED_IN, module)) and _before(python, added):
        return f"which the standard library has from Python {added} on"
    return "which Python has on other systems only, not on Linux" if module in ELSEWHERE else None


def _version(table: dict[str, tuple[str, ...]], name: str) -> str | None:
    return next((version for version, names in table.items() if name in names), None)


def _before(one: str, other: str) -> bool:
    return tuple(map(int, one.split("."))) < tuple(map(int, other.split(".")))
