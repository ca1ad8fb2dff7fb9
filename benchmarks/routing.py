"""Registering, building and matching 5,000 rules, beside Werkzeug."""

from __future__ import annotations

import random
import statistics
from time import perf_counter_ns
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from werkzeug.routing import Map
from werkzeug.routing import Rule as TheirRule

from microlambda.runtime.routing.rule import Rule
from microlambda.runtime.routing.table import RouteTable

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = 5_000
WORDS = [
    "account",
    "order",
    "item",
    "user",
    "report",
    "invoice",
    "part",
    "note",
    "photo",
    "team",
    "role",
    "tag",
]


def rules() -> list[str]:
    """Rules of up to 6 segments and 2 captures, the same at each run."""
    chance = random.Random(20)
    made: dict[str, str] = {}  # by what it matches, whatever the captures are called
    while len(made) < RULES:
        segments = [f"{chance.choice(WORDS)}{chance.randrange(60)}" for _ in range(chance.randint(1, 6))]
        for name in ("one", "two")[: chance.randint(0, 2)]:
            kind = chance.choice(["", "", "int:"])
            segments[chance.randrange(len(segments))] = f"<{kind}{name}>"
        rule = "/" + "/".join(segments)
        made.setdefault(rule.replace("two", "one"), rule)
    return list(made.values())


def view(one: str = "", two: str = "") -> None: ...


def elapsed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = perf_counter_ns()
    work()
    return (perf_counter_ns() - start) / 1e6


def median_match(match: Callable[[str], object], paths: list[str]) -> float:
    """Microseconds, the median over all paths of the best of 5."""
    best = [float("inf")] * len(paths)
    for _ in range(5):
        for number, path in enumerate(paths):
            start = perf_counter_ns()
            match(path)
            best[number] = min(best[number], perf_counter_ns() - start)
    return statistics.median(best) / 1e3


def main() -> None:
    texts = rules()
    paths = [
        text.replace("<int:one>", "41").replace("<int:two>", "42").replace("<one>", "x").replace("<two>", "y")
        for text in texts
    ]
    table, url_map = RouteTable(), Map()

    def register_ours() -> None:
        for number, text in enumerate(texts):
            table.add(Rule(text, view, endpoint=str(number)))

    def register_theirs() -> None:
        for number, text in enumerate(texts):
            url_map.add(TheirRule(text, methods=["GET"], endpoint=str(number)))

    adapter = url_map.bind("localhost")
    rows = [
        (
            "microlambda",
            elapsed(register_ours),
            elapsed(lambda: table.match(paths[0], "GET")),
            median_match(lambda path: table.match(path, "GET"), paths),
        ),
        (
            "Werkzeug",
            elapsed(register_theirs),
            elapsed(lambda: adapter.match(paths[0], "GET")),
            median_match(lambda path: adapter.match(path, "GET"), paths),
        ),
    ]
    shown = Table(title=f"{RULES:,} rules of up to 6 segments and 2 captures")
    for column in ("", "registering, ms", "building, ms", "one match, us (median)"):
        shown.add_column(column, justify="right" if column else "left")
    for name, registering, building, matching in rows:
        shown.add_row(name, f"{registering:.0f}", f"{building:.0f}", f"{matching:.2f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
